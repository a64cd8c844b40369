package cluster

import (
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine/object"
)

// Scope says which slots an operation on many keys looks at.
type Scope uint8

const (
	// Whole is every slot of the cluster, each as its coordinator sees it.
	Whole Scope = iota
	// Own is the slots whose first primary is this node.
	Own
	// OneSlot is a single slot.
	OneSlot
)

// ScanRequest asks for a step of an iteration over keys.
type ScanRequest struct {
	DB uint8
	// Cursor is 0 to begin, then the Next of the step before.
	Cursor uint64
	// Count is about how many keys to look at, at least 1.
	Count int
	// Match is a glob pattern that returned keys match; empty matches all.
	Match string
	// Kind is the type that returned keys have; object.None takes all.
	Kind  object.Kind
	Scope Scope
	// Slot is the slot of scope OneSlot.
	Slot object.Slot
	// Quorum is completed by the node's own.
	Quorum quorum.Choice
}

// ScanResult is a step of an iteration. A key that exists from the first step to the last is returned at least once.
type ScanResult struct {
	Keys []string
	// Next is the cursor to go on with; 0 when the iteration is complete. It never exceeds 2⁶³−1.
	Next uint64
}
