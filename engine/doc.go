// Package engine is the local store of one node.
//
// All changes of a slot are made by one applier, in the order they were submitted: it runs each task against the hot
// cache or Pebble, commits one batch for all the tasks that were waiting, and publishes the new objects to the hot
// cache. A task mints new dots (a command) or merges what other replicas sent; both go the same way.
package engine
