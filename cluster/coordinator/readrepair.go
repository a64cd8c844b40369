package coordinator

import (
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// lag is a replica whose answer showed that it lacks some of what this store holds.
type lag struct {
	key  object.Key
	peer ring.NodeID
	ring uint64         // the version that the question went by
	seen causal.Context // what the replica has seen of the key
}

// repair sends what replicas lack to them. Nobody waits for it.
func (b *batch) repair() {
	for _, l := range b.lags {
		own, err := b.c.Store.Get(l.key)
		if err != nil || own == nil || l.seen.CoversAll(own.Context) {
			continue
		}
		if own.Kept != nil || own.Size() > largeObject {
			b.c.refill(place{l.peer, l.key})
			continue
		}
		b.c.Stats.ReadRepairs.Add(1)
		var repair message
		repair.object(l.key, object.Append(nil, own))
		b.c.outbox.post(l.peer, KindReplicate, l.ring, &repair, 1, nobody{1})
	}
}

// lag notes that a replica lacks some of a key, unless that may be on its way: while writes of the slot wait for confirmations of
// theirs, replicas of a busy key are always a little behind. What gets lost on its way is noticed by whoever sent it. mu is held.
func (b *batch) lag(l lag) {
	slot := l.key.Slot()
	others := b.c.writing[slot].Load()
	for i := range b.ops {
		if o := &b.ops[i]; o.Slot == slot && o.writes {
			others--
		}
	}
	if others == 0 {
		b.lags = append(b.lags, l)
	}
}

// touch tells that a replica may lack some of a key.
func (c *Coordinator) touch(peer ring.NodeID, key object.Key) {
	if c.Missed == nil {
		return
	}
	slots := &engine.SlotSet{}
	slots.Add(key.Slot())
	c.Missed(peer, slots)
}
