// Package causal holds the rules of causality every other package follows: the hybrid clock, dots, and contexts.
//
// A write event is named by its Dot: who minted it (an Actor) and when (a Time of that store's hybrid logical clock).
// What a replica has applied of one object is a Context, a version vector from Actor to Time. A context is causally
// closed: covering a dot means having applied that write and all that its writer had seen before it.
//
// An Actor is a store and a birth. A store may write a key under an old birth only while it provably remembers all
// it ever wrote under it; a store that forgot the key, or lost the unsynced end of its log, starts a new birth. Without
// births a store that forgot a key and wrote it again would seem to have seen, and so to have removed, its own earlier
// writes on other replicas. (Riak met this as lost writes and mended it with actor epochs.)
//
// The ideas are those of DeCandia et al., Dynamo (2007), section 4.4; Preguiça et al., Dotted Version Vectors (2010);
// Kulkarni et al., Logical Physical Clocks (2014). The package does no I/O, reads no clock and starts no goroutine.
package causal
