package cluster

import (
	"sync"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// assignment says which slots each node coordinates at the moment, as this node sees it: the first primary that can be
// reached. A slot without any is nobody's.
type assignment struct {
	generation uint64
	slots      map[ring.NodeID]*engine.SlotSet
	orphans    int // slots without a primary that can be reached

	mu      sync.Mutex // guards readers
	readers map[readerScope]map[ring.NodeID]*engine.SlotSet
}

// assignment is computed once for each state of the ring and the peers.
func (n *Node) assignment() *assignment {
	generation := n.generation.Load()
	if a := n.assigned.Load(); a != nil && a.generation == generation {
		return a
	}
	a := &assignment{generation: generation, slots: map[ring.NodeID]*engine.SlotSet{}}
	table := n.Ring()
	for slot := range object.Slot(object.Slots) {
		id := n.primaryOf(table, slot, nil)
		if id == "" {
			a.orphans++
			continue
		}
		set := a.slots[id]
		if set == nil {
			set = &engine.SlotSet{}
			a.slots[id] = set
		}
		set.Add(slot)
	}
	n.assigned.Store(a)
	return a
}

// scope narrows an assignment to what an operation looks at.
func (n *Node) scope(scope Scope, slot object.Slot) (map[ring.NodeID]*engine.SlotSet, error) {
	a := n.assignment()
	switch scope {
	case Own:
		set := a.slots[n.self]
		if set == nil {
			set = &engine.SlotSet{}
		}
		return map[ring.NodeID]*engine.SlotSet{n.self: set}, nil
	case OneSlot:
		id := n.primaryOf(n.Ring(), slot, nil)
		if id == "" {
			return nil, ErrClusterDown
		}
		set := &engine.SlotSet{}
		set.Add(slot)
		return map[ring.NodeID]*engine.SlotSet{id: set}, nil
	default:
		if a.orphans > 0 {
			return nil, ErrClusterDown
		}
		return a.slots, nil
	}
}
