package cluster

import (
	"context"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine/object"
)

// A coordinator may lack acknowledged writes: it was away, or another node overtook it while it was late. So an iteration
// asks R primaries of each slot, as a read of one key does. What all of them show is there. What only some show may
// have been written, or removed, where the others have not heard of it yet: a read under the quorum tells.

// readerScope is what a choice of readers depends on, beside the ring and the peers.
type readerScope struct {
	scope Scope
	r     int
}

// readers are whom to ask about the slots of a scope, each with those that it is asked about: R primaries of a slot, or as many as
// can be reached, the coordinator first.
func (n *Node) readers(scope Scope, slot object.Slot, choice quorum.Choice) (parts, error) {
	coordinators, err := n.scope(scope, slot, choice)
	r := n.readStores(choice)
	if err != nil || r <= 1 {
		return coordinators, err
	}
	if scope == OneSlot {
		return n.chooseReaders(coordinators, r), nil
	}
	a := n.assignment()
	a.mu.Lock()
	defer a.mu.Unlock()
	key := readerScope{scope, r}
	if a.readers[key] == nil {
		if a.readers == nil {
			a.readers = map[readerScope]parts{}
		}
		a.readers[key] = n.chooseReaders(coordinators, r)
	}
	return a.readers[key], nil
}

// chooseReaders adds readers to the coordinators.
func (n *Node) chooseReaders(coordinators parts, r int) parts {
	table := n.Ring()
	out := parts{}
	for of, set := range coordinators {
		for slot := range object.Slot(object.Slots) {
			if !set.Has(slot) {
				continue
			}
			tried := make([]ring.NodeID, 0, r)
			for id := of.id; id != "" && len(tried) < r; id = n.primaryOf(table, slot, tried) {
				tried = append(tried, id)
				out.add(part{id: id}, slot)
			}
		}
	}
	return out
}

// doubtful are keys that some readers showed and others did not.
type doubtful []object.Key

// settle returns the names of those that exist.
func (d doubtful) settle(ctx context.Context, n *Node, choice quorum.Choice) (names []string, err error) {
	if len(d) == 0 {
		return nil, nil
	}
	batch := make([]*Command, len(d))
	for i, key := range d {
		batch[i] = keyCommand("EXISTS", key, Read|Idempotent|Untouched)
		batch[i].Quorum = choice
	}
	done := make(chan struct{})
	if !n.Execute(batch, func() { close(done) }) {
		select {
		case <-done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for i, c := range batch {
		if c.Err != nil {
			return nil, c.Err
		}
		if string(c.Reply) == ":1\r\n" {
			names = append(names, d[i].Name)
		}
	}
	return names, nil
}
