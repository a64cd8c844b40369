package causal

import "cmp"

// Node is the number of one store, drawn at random when the store is created. A wiped machine comes back with another
// number, so nothing it forgot can be taken for something it knows.
type Node uint64

// Actor is who mints dots for one key: a store, and the birth under which it writes that key.
type Actor struct {
	Node  Node
	Birth Time
}

// Compare orders actors by node, then birth.
func (a Actor) Compare(b Actor) int {
	if c := cmp.Compare(a.Node, b.Node); c != 0 {
		return c
	}
	return cmp.Compare(a.Birth, b.Birth)
}

// Dot is the name of one write event. No two events have the same dot.
type Dot struct {
	Actor
	Time Time
}

// Compare orders dots newest last: by time, then actor. It is the order that decides which of several concurrent
// values is shown, and it is the same on every node.
func (d Dot) Compare(e Dot) int {
	if c := cmp.Compare(d.Time, e.Time); c != 0 {
		return c
	}
	return d.Actor.Compare(e.Actor)
}
