// Package ring places slots on nodes by consistent hashing with virtual nodes (DeCandia et al., Dynamo, 2007, sections
// 4.2 and 6.2).
//
// The placement is a pure function of the member records: every node that knows the same records computes the same
// Table, and nothing but records has to travel. Each node owns vnodes × weight tokens, 64-bit positions on a circle that
// are hashes of its id. A slot has a position too; its preference list is the nodes met walking clockwise from there,
// distinct nodes only, and nodes of zones not yet met before others.
//
// A table holds two placements while the ring changes: the one that data is read at, and another that writes must reach
// too. First that is where data is going: who will be a primary there gets every write at once. When all who gain slots are
// filled the two change places, and former primaries get writes until all nodes know. change.go says which
// changes make up the two.
package ring
