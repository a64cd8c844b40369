package antientropy

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/kindredkv/kindred/cluster/handoff"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// A store may drop its copy of a slot when other replicas cover every version in it: each key's context there covers the
// one here. Trees tell that for nearly all keys at once, since equal contexts are equal objects. Where they differ, writes
// that this store no longer gets may be the reason, so nothing is fetched: what it has is sent, and who has merged that
// covers it. Contexts only grow from there.

// Cover has a peer cover all versions that this node holds of some slots when it is called. It returns without an error
// when the peer does, has them on its disk, and says that it is a primary of the slots by the ring of that version.
func (r *Repairer) Cover(ctx context.Context, peer ring.NodeID, slots *engine.SlotSet, version uint64) error {
	before, err := r.hold(ctx, peer, slots, version)
	if err != nil {
		return err
	}
	if err := r.compare(ctx, peer, slots, r.send); err != nil {
		return err
	}
	after, err := r.hold(ctx, peer, slots, version)
	if err == nil && after != before {
		err = errRestarted
	}
	return err
}

// errRestarted says that a peer's store was opened again: what it said before may be lost.
var errRestarted = fmt.Errorf("%w: it has restarted", errPeerGone)

// send sends this node's objects of keys that the peer has otherwise, a page at a time.
func (r *Repairer) send(ctx context.Context, peer ring.NodeID, found []Difference) error {
	for len(found) > 0 {
		if err := r.pace.Wait(ctx); err != nil {
			return err
		}
		page, added := handoff.NewPage(0), uint64(0)
		for ; len(found) > 0; found = found[1:] {
			own, err := r.o.Store.Whole(found[0].Key)
			if err != nil {
				return err
			}
			if own == nil {
				continue
			}
			if !page.Add(added+1, found[0].Key, own) {
				break
			}
			added++
		}
		if added == 0 {
			return nil
		}
		if _, err := r.call(ctx, peer, kindCover, page.Bytes()); err != nil {
			return err
		}
		r.stats.pushed.Add(added)
	}
	return nil
}

// hold asks a peer to sync, and to say that it is a primary of slots by the ring of a version. The answer is the epoch of its
// store.
func (r *Repairer) hold(ctx context.Context, peer ring.NodeID, slots *engine.SlotSet, version uint64) (epoch uint64, err error) {
	answer, err := r.call(ctx, peer, kindHold, appendSlots(binary.BigEndian.AppendUint64(nil, version), slots))
	if err != nil {
		return 0, err
	}
	answered := reader{b: answer}
	epoch = answered.uint64()
	return epoch, answered.err()
}

// serveHold answers with the epoch of the store when all that was merged before is on disk.
func (r *Repairer) serveHold(payload []byte, set *engine.SlotSet) ([]byte, error) {
	asked := reader{b: payload}
	version, slots := asked.uint64(), asked.slots()
	if err := asked.err(); err != nil {
		return nil, err
	}
	if both, _ := intersect(slots, set); *both != *slots || r.o.Ring().Version() != version {
		return nil, ErrNotShared
	}
	if err := r.o.Store.Sync(); err != nil {
		return nil, fmt.Errorf("sync: %w", err)
	}
	return binary.BigEndian.AppendUint64(nil, r.o.Store.Epoch()), nil
}

// serveCover merges all objects that a peer is about to drop, or says why not.
func (r *Repairer) serveCover(payload []byte, set *engine.SlotSet) error {
	items, err := decodeMerge(payload, set)
	if err != nil {
		return err
	}
	r.stats.received.Add(uint64(len(items)))
	return handoff.Merge(r.o.Store, items)
}

// DropSlot forgets all that this store holds of a slot, if the slot has not changed since changed was its Store.Changed.
// It returns how many keys it forgot; fewer than there were when the slot changed meanwhile.
func DropSlot(store *engine.Store, slot object.Slot, changed uint64) (dropped int, err error) {
	set := &engine.SlotSet{}
	set.Add(slot)
	var items []item
	err = store.Scan(set, engine.Place{}, func(_ engine.Place, key object.Key, o *object.Object) bool {
		items = append(items, item{key, o.Context.Digest()})
		return true
	})
	if err != nil || store.Changed(slot) != changed {
		return 0, err
	}
	for len(items) > 0 {
		n := min(len(items), dropAtOnce)
		forgot, err := forgetAll(store, items[:n], func(i item) engine.Body { return &dropping{i} })
		if err != nil {
			return dropped, err
		}
		dropped, items = dropped+forgot, items[n:]
	}
	return dropped, nil
}

// dropAtOnce is the number of keys that are forgotten in one batch.
const dropAtOnce = 512

// dropping forgets a key, if the store still has what was seen.
type dropping struct{ item }

// Run forgets the key.
func (d *dropping) Run(tx *engine.Tx) {
	if digestOf(tx.Raw(d.key)) == d.digest {
		tx.Forget(d.key)
	}
}
