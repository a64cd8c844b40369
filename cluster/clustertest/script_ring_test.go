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
//	leave @1 @2 @0                  the nodes are to leave together, as the last is told
//	remove @1 @0                    the second is told that the first is gone for good, and replace @1 @5 @0 that another
//	                                takes its place
//	standby                         like join, but the node waits until it is told to take part
//	weigh @1 2 @0                   the last is told that the first is to have a weight
//	filling @1                      waits until the node fetches slots that it gains
//	settling @1                     waits until the node sees a change that is settling
//	rest                            waits until no change of the ring is under way
//	refused @1                      waits until no running node has a connection with the node, in either direction
//	left @1                         waits until the node has left and holds nothing, and stops it
//	settled                         waits until no running node holds anything that it is no primary of
//	handoffrate 0                   how many MB a second of what the nodes hand over are sent from now on
//	deaf @1, hears @1               no gossip reaches the node or leaves it; it does again
func (s *script) ringEvent(words []string) bool {
	switch words[0] {
	case "join":
		s.c.Add()
	case "member":
		n := s.c.Nodes[s.node(words[1])]
		s.c.Await("a member", func() bool { return !n.Joining() })
	case "leave":
		var leave []cluster.RingChange
		for _, word := range words[1 : len(words)-1] {
			leave = append(leave, cluster.RingChange{Kind: cluster.ChangeLeave, Node: s.id(word)})
		}
		s.change(s.node(words[len(words)-1]), leave...)
	case "remove":
		s.change(s.node(words[2]), cluster.RingChange{Kind: cluster.ChangeRemove, Node: s.id(words[1])})
		s.c.Nodes[s.node(words[1])].started = false
	case "replace":
		s.change(s.node(words[3]), cluster.RingChange{Kind: cluster.ChangeReplace, Node: s.id(words[1]), By: s.id(words[2])})
		s.c.Nodes[s.node(words[1])].started = false
	case "weigh":
		s.change(s.node(words[3]), cluster.RingChange{Kind: cluster.ChangeWeight, Node: s.id(words[1]), Weight: s.number(words[2])})
	case "standby":
		i := s.c.Reserve()
		s.c.Standby(i)
		s.c.Start(i)
	case "filling":
		s.c.Await("filling", func() bool {
			list, _, _ := s.c.Nodes[s.node(words[1])].Transfers()
			return len(list) > 0
		})
	case "settling":
		n := s.c.Nodes[s.node(words[1])]
		s.c.Await("settling", func() bool { return n.Ring().Settling() })
	case "rest":
		s.rest()
	case "refused":
		s.refused(s.node(words[1]))
	case "left":
		s.left(s.node(words[1]))
	case "handoffrate":
		s.c.handoffRate.Store(int64(s.number(words[1])) << 20)
	case "deaf", "hears":
		s.c.Deafen(s.node(words[1]), words[0] == "deaf")
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

// change asks a node for changes of the ring, until they are possible: it may have yet to hear of another.
func (s *script) change(at int, changes ...cluster.RingChange) {
	s.c.Await("asked for the change", func() bool { return s.c.Nodes[at].RingCommit(changes...) == nil })
}

// rest waits until no running node of the cluster sees a change under way, and all see the same ring.
func (s *script) rest() {
	s.c.Await("at rest", func() bool {
		version := uint64(0)
		for _, n := range s.c.Nodes {
			if !n.running || !n.started {
				continue
			}
			ring := n.Ring()
			if ring.Changing() || version != 0 && ring.Version() != version {
				return false
			}
			version = ring.Version()
		}
		return true
	})
}

// id is the id of the node that a word names.
func (s *script) id(word string) string { return string(s.c.Nodes[s.node(word)].ID) }

// refused waits until nobody talks to a node.
func (s *script) refused(i int) {
	gone := s.c.Nodes[i]
	s.c.Await("refused", func() bool {
		for _, node := range gone.Status().Nodes {
			if node.Alive && node.ID != string(gone.ID) {
				return false
			}
		}
		for _, n := range s.c.Nodes {
			if _, known := n.Ring().Index(gone.ID); n != gone && n.running && known {
				return false
			}
		}
		return true
	})
}
