package clustertest

import (
	"slices"

	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// ringEvent does an event of a script that changes the ring, or waits for a change. It reports whether it was one.
//
//	join                            a node starts and joins; it has the next number
//	member @k.1                     waits until the node is a member
//	settled                         waits until no running node holds anything that it is no primary of
func (s *script) ringEvent(words []string) bool {
	switch words[0] {
	case "join":
		s.c.Add()
	case "member":
		n := s.c.Nodes[s.node(words[1])]
		s.c.Await("a member", func() bool { return !n.Joining() })
	case "settled":
		s.c.Await("settled", s.c.settled)
	default:
		return false
	}
	return true
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
