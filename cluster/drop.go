package cluster

import (
	"errors"
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster/antientropy"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// A node that is a primary of a slot no longer keeps its copy until all primaries cover it:
//
//  1. The ring has been at rest for longer than a command may take, so nobody writes to this copy any more.
//  2. Every primary is compared with, merges what it lacks, syncs, and says that it is a primary by the same ring.
//  3. The copy is dropped key by key, if the slot has not changed since before 2.
//
// A primary that cannot be reached or restarts, another change of the ring, or a write that arrives late after all: the
// slot is kept and tried again. Whatever fails in between leaves a copy too many, never one too few.
const (
	// dropPause is the pause between two looks for copies to drop.
	dropPause = time.Second
	// dropSlots is how many slots are compared together.
	dropSlots = 256
)

// dropLoop drops copies that nobody reads any more, until the node stops.
func (n *Node) dropLoop() {
	for n.sleep(dropPause) {
		table := n.Ring()
		if table.Changing() || !n.atRest(table) {
			continue
		}
		left := n.leftovers(table)
		for len(left) > 0 && n.ctx.Err() == nil && n.Ring() == table {
			some := left[:min(len(left), dropSlots)]
			n.handOver(table, some, table.Primaries)
			left = left[len(some):]
		}
	}
}

// sleep waits for a while. It reports false when the node stops.
func (n *Node) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-n.ctx.Done():
		return false
	}
}

// atRest reports whether every command that began before this node knew of the ring has ended.
func (n *Node) atRest(table *ring.Table) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.Ring() == table && time.Since(n.since) > 2*n.settings().Timeout
}

// leftovers are the slots that the store holds something of and that this node has no part in.
func (n *Node) leftovers(table *ring.Table) []object.Slot {
	var out []object.Slot
	for slot := range object.Slot(object.Slots) {
		if n.store.Tree(slot) != (merkle.Tree{}) && !slices.Contains(table.Primaries(slot), n.self) &&
			!slices.Contains(table.Next(slot), n.self) && len(table.Primaries(slot)) > 0 {
			out = append(out, slot)
		}
	}
	return out
}

// handOver has the owners of slots cover this node's copies, and drops the copies of those slots that all of their owners
// cover.
func (n *Node) handOver(table *ring.Table, slots []object.Slot, owners func(object.Slot) []ring.NodeID) {
	seen := make([]uint64, len(slots))
	for i, slot := range slots {
		seen[i] = n.store.Changed(slot)
	}
	failed := n.cover(table, slots, owners)
	dropped := 0
	for i, slot := range slots {
		if failed.Has(slot) || n.Ring() != table {
			continue
		}
		mutant.Reach(mutant.AmidHandoff, uint64(n.store.Node()))
		count, err := antientropy.DropSlot(n.store, slot, seen[i])
		if err != nil {
			n.logger.Warn("a slot could not be dropped", "slot", slot, "error", err)
			break
		}
		dropped += count
	}
	if dropped > 0 {
		n.stats.dropped.Add(uint64(dropped))
		n.logger.Info("handed-over keys were dropped", "keys", dropped)
	}
}

// cover has the owners of slots cover this node's copies. It returns the slots of which some owner does not.
func (n *Node) cover(table *ring.Table, slots []object.Slot, owners func(object.Slot) []ring.NodeID) *engine.SlotSet {
	failed := &engine.SlotSet{}
	if mutant.DropsUncovered {
		return failed
	}
	parts := map[ring.NodeID]*engine.SlotSet{}
	for _, slot := range slots {
		for _, id := range owners(slot) {
			if id == n.self {
				continue
			}
			if parts[id] == nil {
				parts[id] = &engine.SlotSet{}
			}
			parts[id].Add(slot)
		}
	}
	for id, part := range parts {
		if err := n.coverBy(table, id, part); err != nil {
			n.logger.Debug("a peer does not cover what this node is to drop, it is tried again", "peer", id, "error", err)
			unite(failed, part)
		}
	}
	return failed
}

// errAway says that a node cannot be reached.
var errAway = errors.New("the node cannot be reached")

func (n *Node) coverBy(table *ring.Table, id ring.NodeID, part *engine.SlotSet) error {
	if !n.transport.Up(string(id)) {
		return errAway
	}
	return n.handoff.Cover(n.ctx, id, part, table.Version())
}

func unite(into, from *engine.SlotSet) {
	for i := range into {
		into[i] |= from[i]
	}
}
