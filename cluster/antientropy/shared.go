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

	mu    sync.Mutex // guards the two below
	table *ring.Table
	sets  map[ring.NodeID]*engine.SlotSet
}

// with is the slots shared with each peer. The map and the sets must not be changed.
func (s *sharedSlots) with(table *ring.Table) map[ring.NodeID]*engine.SlotSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.table == table {
		return s.sets
	}
	s.table, s.sets = table, map[ring.NodeID]*engine.SlotSet{}
	for slot := range object.Slot(object.Slots) {
		primaries := table.Primaries(slot)
		if !slices.Contains(primaries, s.self) {
			continue
		}
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
