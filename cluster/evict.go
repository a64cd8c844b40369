package cluster

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// Eviction says which keys a store in memory that holds too much removes, as Redis's maxmemory-policy does.
type Eviction struct {
	// Evicts is false where nothing may be removed.
	Evicts bool
	// Volatile is for keys with a deadline only.
	Volatile bool
	// By is the order in which keys go.
	By EvictionOrder
}

// EvictionOrder is the order in which keys are evicted.
type EvictionOrder uint8

const (
	// AtRandom is no order.
	AtRandom EvictionOrder = iota
	// LeastRecent begins with what was not used for the longest time.
	LeastRecent
	// LeastFrequent begins with what is used least often.
	LeastFrequent
	// SoonestDeadline begins with what expires first.
	SoonestDeadline
)

// Like Redis this takes samples, and of each the worst part.
const (
	// evictSample keys are looked at, in runs of evictRun keys that are neighbors: keys are in the order of a hash, so
	// neighbors are no less random than others, and cost less to find.
	evictSample, evictRun = 512, 128
	// evictShare is the share of a sample that goes, one in so many.
	evictShare = 4
	// evictPause is how long to wait when nothing could be evicted.
	evictPause = 100 * time.Millisecond
)

// candidate is a key that may be evicted.
type candidate struct {
	key   object.Key
	worth float64 // the least goes first
}

// sample is some keys of the slots that this node coordinates.
type sample struct {
	live  []candidate
	empty []object.Key // removed keys, of which something is left
}

// evict removes keys of the slots that this node coordinates while its store holds too much, until the node stops. A key is
// removed by an ordinary delete under quorums, so that its replicas stay equal. A node that is alone forgets keys
// instead, and what removed keys have left: there is nobody to tell.
func (n *Node) evict() {
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-n.store.Pressed():
		}
		for n.ctx.Err() == nil && n.store.Room() < 0 {
			removed := n.evictSome()
			n.evicting.Store(removed)
			if !removed {
				n.rest(evictPause)
			}
		}
		n.evicting.Store(false)
	}
}

// Evicting reports that keys are being evicted, so that there will be room.
func (n *Node) Evicting() bool { return n.evicting.Load() }

// rest waits, or until the node stops.
func (n *Node) rest(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.ctx.Done():
	}
}

// evictSome takes one sample and removes the part that is worth least. It reports whether anything went.
func (n *Node) evictSome() bool {
	policy := n.eviction()
	slots := n.assignment().slots[n.self]
	if slots == nil {
		return false
	}
	alone := len(n.Ring().Nodes()) == 1
	s, err := n.sample(policy, slots, alone)
	if err != nil {
		n.logger.Warn("looking for keys to evict", "error", err)
		return false
	}
	slices.SortFunc(s.live, func(a, b candidate) int { return cmp.Compare(a.worth, b.worth) })
	worst := s.live[:(len(s.live)+evictShare-1)/evictShare]
	keys := make([]object.Key, len(worst))
	for i := range worst {
		keys[i] = worst[i].key
	}
	if !alone {
		gone := n.deleteEach(keys)
		n.stats.evicted.Add(uint64(gone))
		return gone > 0
	}
	if len(s.empty) > 0 {
		return n.forget(s.empty) > 0
	}
	gone := n.forget(keys)
	n.stats.evicted.Add(uint64(gone))
	return gone > 0
}

// sample looks for keys that the policy may evict, and for removed ones where they can be forgotten.
func (n *Node) sample(policy Eviction, slots *engine.SlotSet, alone bool) (s sample, err error) {
	everything := policy.Evicts && !policy.Volatile
	if policy.Evicts && policy.Volatile {
		if s.live, err = n.sampleVolatile(policy, slots); err != nil {
			return s, err
		}
	}
	if !everything && !alone {
		return s, nil
	}
	var places [evictSample / evictRun]engine.Place
	for i := range places {
		places[i].Slot = object.Slot(rand.IntN(object.Slots))
	}
	err = n.store.Sample(slots, places[:], evictRun, func(key object.Key, o *object.Object) {
		switch {
		case o.Tombstone():
			s.empty = append(s.empty, key)
		case everything:
			s.live = append(s.live, candidate{key, n.worth(policy, key, o)})
		}
	})
	return s, err
}

// sampleVolatile looks for keys with a deadline: the soonest, or some from a random deadline on.
func (n *Node) sampleVolatile(policy Eviction, slots *engine.SlotSet) (found []candidate, err error) {
	first, last, some, err := n.store.DueRange()
	if err != nil || !some {
		return nil, err
	}
	var from engine.DuePlace
	if policy.By != SoonestDeadline {
		from = engine.DueAt(first + rand.Int64N(last-first+1))
	}
	// Other nodes coordinate some of the keys, so more are looked at than are needed.
	wrapped := from == nil
	for pages := 0; pages < 4 && len(found) < evictSample; pages++ {
		from, err = n.store.ScanDue(math.MaxInt64-1, from, evictSample, func(key object.Key, o *object.Object) {
			if slots.Has(key.Slot()) && o.Deadline() != object.NoDeadline && !o.Tombstone() {
				found = append(found, candidate{key, n.worth(policy, key, o)})
			}
		})
		if err != nil || from == nil && wrapped {
			break
		}
		wrapped = wrapped || from == nil
	}
	return found, err
}

// worth is the place of a key in the order of a policy. What is known of its uses is this node's alone, so the time of
// its latest write stands in for what another node has seen.
func (n *Node) worth(policy Eviction, key object.Key, o *object.Object) float64 {
	now := n.now().UnixMilli()
	written := float64(o.LatestWrite())
	table := n.usage.Table()
	switch policy.By {
	case LeastRecent:
		if table != nil {
			if idle, known := table.Idle(key, now); known {
				return max(written, float64(now-idle.Milliseconds()))
			}
		}
		return written
	case LeastFrequent:
		if table != nil {
			// Of keys that are used alike the one that was written earlier goes first.
			return float64(table.Uses(key, now)) + written/math.MaxInt64
		}
		return written
	case SoonestDeadline:
		return float64(o.Deadline())
	default:
		return 0
	}
}

// deleteEach deletes keys as DEL does, and returns how many were there. What met an error is met again.
func (n *Node) deleteEach(keys []object.Key) (gone int) {
	batch := make([]*Command, len(keys))
	for i, key := range keys {
		batch[i] = keyCommand("DEL", key, Write|Idempotent)
	}
	if len(batch) > 0 {
		n.executeHere(batch)
	}
	for _, c := range batch {
		if c.Err == nil && string(c.Reply) == ":1\r\n" {
			gone++
		}
	}
	return gone
}

// forgetting removes a key without a trace.
type forgetting struct {
	engine.Task
	key object.Key
}

// Run forgets the key.
func (f *forgetting) Run(tx *engine.Tx) { tx.Forget(f.key) }

// forget removes keys that no other node has, and returns how many were there.
func (n *Node) forget(keys []object.Key) (gone int) {
	forgotten := make([]forgetting, len(keys))
	tasks := make([]*engine.Task, len(keys))
	for i, key := range keys {
		f := &forgotten[i]
		f.key, f.Slot, f.Body = key, key.Slot(), f
		tasks[i] = &f.Task
	}
	done := make(chan struct{})
	if !n.store.Do(tasks, func() { close(done) }) {
		<-done
	}
	for _, t := range tasks {
		gone += min(1, len(t.Changes))
	}
	return gone
}
