package clustertest

import (
	"slices"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// ringEvent does an event of a script that changes the ring, or waits for a change. It reports whether it was one.
//
//	join                            a node starts and joins; it has the next number
//	member @k.1                     waits until the node is a member
//	leave @1 @0                     the first node is told at the second to leave
//	left @1                         waits until the node has left and holds nothing, and stops it
//	settled                         waits until no running node holds anything that it is no primary of
func (s *script) ringEvent(words []string) bool {
	switch words[0] {
	case "join":
		s.c.Add()
	case "member":
		n := s.c.Nodes[s.node(words[1])]
		s.c.Await("a member", func() bool { return !n.Joining() })
	case "leave":
		s.c.Await("told to leave", func() bool {
			change := cluster.RingChange{Kind: cluster.ChangeLeave, Node: string(s.c.Nodes[s.node(words[1])].ID)}
			return s.c.Nodes[s.node(words[2])].RingCommit(change) == nil
		})
	case "left":
		s.left(s.node(words[1]))
	case "settled":
		s.c.Await("settled", s.c.settled)
	default:
		return false
	}
	return true
}

// left waits until a node has left.
func (s *script) left(i int) {
	gone := s.c.Nodes[i]
	s.c.Await("gone", func() bool {
		for _, n := range s.c.Nodes {
			if _, known := n.Ring().Index(gone.ID); n.running && known {
				return false
			}
		}
		set := &engine.SlotSet{}
		for j := range set {
			set[j] = ^uint64(0)
		}
		return gone.Store.Count(set, 0) == 0
	})
	s.c.Stop(i)
	gone.started = false
}

// settled reports whether no running node holds anything of slots that it does not replicate.
func (c *clients) settled() bool {
	for _, n := range c.Nodes {
		if !n.running {
			continue
		}
		ring := n.Ring()
		for slot := range object.Slot(object.Slots) {
			if n.Store.Tree(slot) != (merkle.Tree{}) && (ring.Changing() || !slices.Contains(ring.Primaries(slot), n.ID)) {
				return false
			}
		}
	}
	return true
}
