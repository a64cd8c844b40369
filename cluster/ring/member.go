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
	default:
		return fmt.Sprintf("state(%d)", uint8(s))
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
}
