package ring

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
)

// change is what the records say about the placement: what it is before and after the change under way.
//
// Changes take place one after the other, so that every placement in between is one that the nodes were filled for: with
// two at once, what comes about when one is done and the other not would be a placement that nobody wrote to. The first is
// the one with the least number; whoever is gone for good takes no part in any further, so all removals are part of it. A
// change that is settling comes first, for its placement is already in use.
type change struct {
	before, after []Node // those that hold data
	active        []uint64
	settling      bool
}

// resolve finds the change under way. The nodes are by id.
func resolve(nodes []Node) change {
	nodes = withPhases(nodes)
	c := change{settling: slices.ContainsFunc(nodes, func(n Node) bool { return n.Open() && n.Phase == Settling })}
	first := uint64(0)
	for i := range nodes {
		if n := &nodes[i]; n.Open() && n.State != Removing && (first == 0 || n.Change < first) {
			first = n.Change
		}
	}
	takesPart := func(n *Node) bool {
		if c.settling {
			return n.Open() && n.Phase == Settling
		}
		return n.Open() && (n.Change == first || n.State == Removing || removes(nodes, n.Change))
	}
	for _, n := range nodes {
		if n.State != Joining && n.State != Removed {
			c.before = append(c.before, n)
		}
		if takesPart(&n) {
			c.active = append(c.active, n.Change)
			n.apply()
		}
		if n.State != Joining && n.State != Removed {
			c.after = append(c.after, n)
		}
	}
	if len(c.after) == 0 {
		c.after, c.active, c.settling = c.before, nil, false // nobody would be left: it cannot take place
	}
	slices.Sort(c.active)
	c.active = slices.Compact(c.active)
	return c
}

// withPhases gives every node the phase of its change, and applies those that are done.
func withPhases(nodes []Node) []Node {
	nodes = slices.Clone(nodes)
	phases := map[uint64]Phase{}
	for i := range nodes {
		phases[nodes[i].Change] = max(phases[nodes[i].Change], nodes[i].Phase)
	}
	for i := range nodes {
		if n := &nodes[i]; n.Open() {
			if n.Phase = phases[n.Change]; n.Phase == Done {
				n.apply()
			}
		}
	}
	return nodes
}

// removes reports whether a change removes a node that is gone: who replaces it is part of that.
func removes(nodes []Node, change uint64) bool {
	return slices.ContainsFunc(nodes, func(n Node) bool { return n.Change == change && n.Open() && n.State == Removing })
}

// tokensOf is the node whose tokens another has taken over, at the end of a row of replacements; empty for one that has its
// own.
func tokensOf(nodes []Node, n *Node) NodeID {
	id := n.Replaces
	for range nodes { // whatever the records say, it ends
		i, ok := slices.BinarySearchFunc(nodes, id, func(n Node, id NodeID) int { return strings.Compare(string(n.ID), string(id)) })
		if id == "" || !ok || nodes[i].Replaces == "" {
			break
		}
		id = nodes[i].Replaces
	}
	return id
}

// id is a hash of the two placements. It stays the same while changes are added that have to wait.
func (c *change) id(vnodes, replicas int) uint64 {
	before, after := versionOf(placed(c.before), vnodes, replicas), versionOf(placed(c.after), vnodes, replicas)
	return max(1, xxh3.Hash(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, before), after)))
}

// placed is what of the nodes determines where they stand.
func placed(nodes []Node) []Node {
	out := make([]Node, len(nodes))
	for i, n := range nodes {
		out[i] = Node{ID: n.ID, Weight: n.Weight, Zone: n.Zone, Replaces: n.Replaces}
	}
	return out
}
