// Package command holds the command table and runs what clients send.
//
// Each command is a row of the table, a Spec: its name, arity, flags and key positions as Redis describes them, and one or
// two functions that do the work. Which function a row has says where it runs:
//
//   - Run: a command on keys of one slot. It runs at the slot's coordinator, which may be another node, inside an
//     engine.Tx, and decides by the transaction and its arguments alone.
//   - Merge, beside Run: the command takes any number of keys. When they are in several slots it is cut into one command
//     for each slot, and Merge puts the replies together.
//   - Local: a command about the connection or this node. It runs at once and never waits.
//   - Slow: a command that may wait, such as SCAN over the cluster. It runs on a goroutine of its own when all before it
//     in the pipeline is done. Beside Run it takes the case of keys in several slots.
//
// A Handler runs batches, the commands that one read of a connection brought. Runs of keyed commands go to the cluster
// in one call, so that a pipeline costs one round trip to the replicas; commands that only concern the connection are run
// as they come and their replies kept in place. Replies leave in the order of the commands.
//
// The texts of errors are those of Redis 7.2, for clients decide by them.
package command
