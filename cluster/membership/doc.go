// Package membership keeps the member records of the cluster, and tells who answers.
//
// Records are exchanged by memberlist (SWIM, Das et al., 2002, with Lifeguard): all of them by push/pull when two nodes meet,
// and as broadcasts when one changes. From time to time a push/pull compares hashes of all, and nodes that differ send each other
// theirs. They merge newest-wins and are kept on disk. TestGrow measures what that costs with hundreds of nodes.
//
// Who answers is memberlist's finding too, but it never changes a record: only joining, leaving and removal
// change the ring. Memberlist forgets nodes that stay away and does not heal a long partition by itself, so every known
// member that does not answer is redialed for ever, a few at a time.
package membership
