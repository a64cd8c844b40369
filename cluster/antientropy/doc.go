// Package antientropy makes replicas equal that have come apart, without a client reading anything.
//
// Two nodes compare the trees of the slots that both replicate: first a hash over each group of slots, then the roots of
// the slots in groups that differ, then buckets, and then the leaves of the buckets that differ, which name the keys.
// Keys that still differ a little later are joined, both ways. All of this runs at the one node that began the exchange;
// the other answers questions and keeps nothing between them, so that any message may be lost.
//
// Exchange is the comparison as a state machine without I/O. Repairer is what runs it: a trickle of exchanges with every
// peer in turn, at once for slots that a fault has touched, and at a rate. The package also verifies this node's trees
// against its data, and reaps tombstones that nothing needs any more.
//
// After DeCandia et al., Dynamo (2007), section 4.7. DESIGN.md tells the rest.
package antientropy
