// Package mutant names rules that Kindred's promise rests on, so that tests can break each and see the simulation notice,
// and the points at which tests crash a node.
//
// In every ordinary build the rules are constants and Reach is empty: the compiler removes all of it. With the build tag
// mutants the environment variable KINDRED_MUTANT breaks the rule that it names, and OnReach is told of the points.
package mutant

// Point is a place in the code at which a crash is worth a test.
type Point string

// The points. A store is the one of the node that reaches them.
const (
	// BeforeCommit: the changes of a batch are made, and not yet written.
	BeforeCommit Point = "before-commit"
	// AfterCommit: they are written, and under appendfsync always synced, and nobody has been told.
	AfterCommit Point = "after-commit"
	// BeforeAcknowledgement: W stores have confirmed, or the command has failed, and whoever sent it has not been told.
	BeforeAcknowledgement Point = "before-acknowledgement"
	// AfterAcknowledgement: whoever sent it has been told.
	AfterAcknowledgement Point = "after-acknowledgement"
	// AmidHandoff: a store that is being filled has taken a page of objects, or one is about to drop what others cover.
	AmidHandoff Point = "amid-handoff"
	// AfterForget: a store has forgotten tombstones that all nodes hold.
	AfterForget Point = "after-forget"
)
