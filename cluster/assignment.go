package cluster

import (
	"math"
	"sync"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// assignment says which slots each node coordinates at the moment, as this node sees it: the first primary that can be
// reached. A slot without any is nobody's, but fallbacks may stand in.
type assignment struct {
	generation uint64
	slots      map[ring.NodeID]*engine.SlotSet
	// standIns are the slots without a primary that can be reached, by the fallback that coordinates sloppy commands on them.
	standIns map[ring.NodeID]*engine.SlotSet
	lost     int // slots of whose preference list nobody can be reached

	mu      sync.Mutex // guards readers
	readers map[readerScope]parts
}

// part names whom an operation on many keys asks, and about what: the node's own copies, or the hints that it keeps.
type part struct {
	id    ring.NodeID
	hints bool
}

// parts are the slots that each is asked about.
type parts map[part]*engine.SlotSet

func (p parts) add(of part, slot object.Slot) {
	if p[of] == nil {
		p[of] = &engine.SlotSet{}
	}
	p[of].Add(slot)
}

// assignment is computed once for each state of the ring and the peers.
func (n *Node) assignment() *assignment {
	generation := n.generation.Load()
	if a := n.assigned.Load(); a != nil && a.generation == generation {
		return a
	}
	a := &assignment{generation: generation, slots: map[ring.NodeID]*engine.SlotSet{}, standIns: map[ring.NodeID]*engine.SlotSet{}}
	table := n.Ring()
	for slot := range object.Slot(object.Slots) {
		of := a.slots
		id := n.primaryOf(table, slot, nil)
		if id == "" {
			of, id = a.standIns, n.fallbackOf(table, slot)
		}
		if id == "" {
			a.lost++
			continue
		}
		if of[id] == nil {
			of[id] = &engine.SlotSet{}
		}
		of[id].Add(slot)
	}
	n.assigned.Store(a)
	return a
}

// fallbackOf is the first fallback of a slot that can be reached; empty when there is none.
func (n *Node) fallbackOf(table *ring.Table, slot object.Slot) ring.NodeID {
	return n.firstOf(table.Fallbacks(slot), nil, math.MaxInt64)
}

// scope narrows an assignment to what an operation looks at. Where a slot has no primary left, a fallback answers from what it keeps, under
// the same choice of quorum as it answers reads of single keys: one that asks no more than one store, and is sloppy. Under any
// other choice some keys could not be told, and an iteration must not leave out keys in silence.
func (n *Node) scope(scope Scope, slot object.Slot, choice quorum.Choice) (parts, error) {
	a, out := n.assignment(), parts{}
	sloppy := n.readStores(choice) <= 1 && choice.Strict != quorum.Strict
	switch scope {
	case Own:
		out[part{id: n.self}] = &engine.SlotSet{}
		if set := a.slots[n.self]; set != nil {
			out[part{id: n.self}] = set
		}
		if set := a.standIns[n.self]; set != nil && sloppy {
			out[part{n.self, true}] = set
		}
	case OneSlot:
		table := n.Ring()
		of := part{id: n.primaryOf(table, slot, nil)}
		if of.id == "" && sloppy {
			of = part{n.fallbackOf(table, slot), true}
		}
		if of.id == "" {
			return nil, ErrClusterDown
		}
		out.add(of, slot)
	default:
		if a.lost > 0 || len(a.standIns) > 0 && !sloppy {
			return nil, ErrClusterDown
		}
		for id, set := range a.slots {
			out[part{id: id}] = set
		}
		for id, set := range a.standIns {
			out[part{id, true}] = set
		}
	}
	return out, nil
}

// readStores is how many stores a read under a choice asks.
func (n *Node) readStores(choice quorum.Choice) int {
	return int(choice.Within(len(n.Ring().Primaries(0))).R)
}
