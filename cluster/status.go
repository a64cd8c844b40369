package cluster

import (
	"time"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Status is the cluster as one node sees it.
type Status struct {
	// Self is the index of this node in Nodes.
	Self  int
	Nodes []NodeStatus
	// Replicas is the configured N.
	Replicas int
	// RingVersion identifies the placement of slots; equal on nodes that know the same members.
	RingVersion uint64
	// WithoutQuorum is how many slots have too few primaries that this node can reach for the configured R and W.
	WithoutQuorum int
	Stats         Stats
}

// NodeStatus is one member.
type NodeStatus struct {
	// ID is 40 hex digits.
	ID string
	// Store is the number that the node's dots carry.
	Store causal.Node
	// Host is the address that clients and peers use.
	Host                                              string
	Port, ClusterPort, PeerPort, GossipPort, HTTPPort int
	Zone                                              string
	Weight                                            int
	// State is joining, member, filling, leaving or removed. One that is filling is a member with a new store, which is not
	// read from until the others have filled it.
	State string
	// Alive says that this node can reach it.
	Alive bool
	// ClockAhead is by how much its clock is ahead, when this node refuses it for that; else 0.
	ClockAhead time.Duration
	// Slots are the slots whose coordinator it is now: the first of the preference list that is alive.
	Slots []SlotRange
	// Replicated is how many slots it is a primary of.
	Replicated int
	Version    string
}

// SlotRange is First to Last, both included.
type SlotRange struct{ First, Last object.Slot }

// Stats counts what the quorum paths met since the node started.
type Stats struct {
	Forwarded    uint64 // commands sent to another coordinator
	ReadRepairs  uint64 // objects sent to a replica that a read found stale
	DeltaGaps    uint64 // changes that a replica could not apply for want of an earlier one
	CaughtUp     uint64 // of such earlier changes, those that replicas were sent later
	Refills      uint64 // large objects sent whole instead
	Hedges       uint64 // requests sent to a further replica because the first was late
	Failovers    uint64 // commands taken over by the next in the preference list
	Expired      uint64 // keys that this node, as their coordinator, removed after their deadline
	Evicted      uint64 // keys that this node, as their coordinator, removed for want of room
	NoQuorum     uint64 // commands answered with NOQUORUM
	ClusterDown  uint64 // commands refused with CLUSTERDOWN
	SiblingsSeen uint64 // reads that found concurrent values
	OtherRing    uint64 // requests of coordinators that had another ring, refused
	// HintsReplayed counts hints that their owners have confirmed, HintsDropped those that were let go for their age, and changes
	// that there was no room to keep for others.
	HintsReplayed, HintsDropped uint64
}
