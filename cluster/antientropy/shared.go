package antientropy

import (
	"slices"
	"sync"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// sharedSlots are the slots that this node and each other replicate, computed once for each ring. Slots that are yet to
// come to a joining node are not among them: it is filled first.
type sharedSlots struct {
	self ring.NodeID

	mu    sync.Mutex // guards the three below
	table *ring.Table
	sets  map[ring.NodeID]*engine.SlotSet
	owned *engine.SlotSet
}

// own is the slots that this node is a primary of, or is about to be. Others may ask about them and bring objects: replicas,
// nodes that are filled from this one, and nodes that hand over what they no longer replicate.
func (s *sharedSlots) own(table *ring.Table) *engine.SlotSet {
	s.with(table)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owned
}

// with is the slots shared with each peer. The map and the sets must not be changed.
func (s *sharedSlots) with(table *ring.Table) map[ring.NodeID]*engine.SlotSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.table == table {
		return s.sets
	}
	s.table, s.sets, s.owned = table, map[ring.NodeID]*engine.SlotSet{}, &engine.SlotSet{}
	for slot := range object.Slot(object.Slots) {
		primaries := table.Primaries(slot)
		if !slices.Contains(primaries, s.self) {
			if slices.Contains(table.Next(slot), s.self) {
				s.owned.Add(slot)
			}
			continue
		}
		s.owned.Add(slot)
		for _, id := range primaries {
			if id == s.self {
				continue
			}
			if s.sets[id] == nil {
				s.sets[id] = &engine.SlotSet{}
			}
			s.sets[id].Add(slot)
		}
	}
	return s.sets
}

func intersect(a, b *engine.SlotSet) (*engine.SlotSet, bool) {
	out, any := &engine.SlotSet{}, uint64(0)
	for i := range out {
		out[i] = a[i] & b[i]
		any |= out[i]
	}
	return out, any != 0
}

func unite(into, from *engine.SlotSet) {
	for i := range into {
		into[i] |= from[i]
	}
}

func isEmpty(s *engine.SlotSet) bool { return *s == engine.SlotSet{} }

func size(s *engine.SlotSet) (n int) {
	for slot := range object.Slot(object.Slots) {
		if s.Has(slot) {
			n++
		}
	}
	return n
}

func allSlots() *engine.SlotSet {
	set := &engine.SlotSet{}
	for i := range set {
		set[i] = ^uint64(0)
	}
	return set
}
