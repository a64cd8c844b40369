// Package usage remembers, roughly, when and how often keys were used, so that eviction can tell which are wanted least.
//
// As Redis does, it keeps a few bytes a key, and makes them up from samples: for LRU the time of the last use, for LFU the
// minute of the last use and a counter that grows by the logarithm of the number of uses and shrinks with time. Unlike in
// Redis they are not kept with the key but in a table by its hash, for a key need not be in memory as a whole: keys that
// share a place make each other seem used more. A Table may be used from any goroutine.
package usage
