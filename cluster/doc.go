// Package cluster is what the protocol layer calls: it brings a command to the coordinator of its slot, runs it there
// under its quorum, and describes the ring.
//
// The way of a command: Node.Execute takes a batch, the commands of one read of a client connection. Those whose slot
// this node coordinates go to the coordinator package; the others are forwarded, one frame for each other node. The
// coordinator consults R stores, runs the command against its own store, sends what changed to the other replicas and
// answers when W stores have it.
package cluster
