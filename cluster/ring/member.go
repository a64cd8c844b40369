package ring

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// NodeID names a node for its life: 40 lower-case hexadecimal digits, like the node ids of Redis Cluster.
type NodeID string

// idLength is the number of digits of a NodeID.
const idLength = 40

// ErrNodeID says that a text is no node id.
var ErrNodeID = errors.New("a node id is 40 lower-case hexadecimal digits")

// ParseNodeID checks a node id.
func ParseNodeID(s string) (NodeID, error) {
	if b, err := hex.DecodeString(s); err != nil || len(s) != idLength || hex.EncodeToString(b) != s {
		return "", fmt.Errorf("%w: %q", ErrNodeID, s)
	}
	return NodeID(s), nil
}

// State is a node's part in the ring.
type State uint8

const (
	// Joining nodes get the writes of their future slots and are not read from.
	Joining State = iota
	// Member nodes hold the data of their slots.
	Member
	// Leaving nodes still hold data and give it away.
	Leaving
	// Removed nodes are no longer part of the cluster. Their records stay so that old news cannot bring them back.
	Removed
	// Removing nodes are gone for good. Others take their slots over, from the replicas that are left.
	Removing
)

// String is the state in lower case.
func (s State) String() string {
	switch s {
	case Joining:
		return "joining"
	case Member:
		return "member"
	case Leaving:
		return "leaving"
	case Removed:
		return "removed"
	case Removing:
		return "removing"
	default:
		return fmt.Sprintf("state(%d)", uint8(s))
	}
}

// Phase is how far a change of the ring has come.
type Phase uint8

const (
	// Filling: data is read at the placement before the change, and written to that before and that after it, while those
	// who gain slots are filled.
	Filling Phase = iota
	// Settling: data is read at the placement after the change, and still written to both, until all nodes know.
	Settling
	// Done: the placement before is forgotten.
	Done
)

// String is the phase in lower case.
func (p Phase) String() string {
	switch p {
	case Filling:
		return "filling"
	case Settling:
		return "settling"
	case Done:
		return "done"
	default:
		return fmt.Sprintf("phase(%d)", uint8(p))
	}
}

// Node is what of a member record determines the placement.
type Node struct {
	ID NodeID
	// Weight multiplies the number of tokens; values below 1 count as 1.
	Weight int
	// Zone is where the node stands. Replicas land in distinct zones while there are enough.
	Zone  string
	State State
	// Change names the change of the ring that the node is part of, or was last; 0 for none. Changes take place in the order
	// of their numbers, and nodes with the same take part in one. A joining node without one takes no part yet.
	Change uint64
	// Phase is how far the change has come: that of any of its nodes counts for all.
	Phase Phase
	// NextWeight and NextZone are what a member is to have after the change; a weight of 0 says that nothing changes.
	NextWeight int
	NextZone   string
	// Replaces is the node whose tokens this one takes over; empty for none.
	Replaces NodeID
}

// Open reports whether the node is part of a change that has yet to come about.
func (n *Node) Open() bool {
	return n.Change != 0 && n.Phase != Done && (n.State != Member && n.State != Removed || n.State == Member && n.NextWeight > 0)
}

// apply makes the node what its change is to make it.
func (n *Node) apply() {
	switch {
	case n.State == Joining:
		n.State = Member
	case n.State == Leaving || n.State == Removing:
		n.State = Removed
	case n.NextWeight > 0:
		n.Weight, n.Zone, n.NextWeight, n.NextZone = n.NextWeight, n.NextZone, 0, ""
	}
	n.Phase = Done
}
