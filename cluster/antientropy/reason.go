package antientropy

// Reason is why a tombstone is not reaped yet.
type Reason uint8

const (
	// HeldAway: a node of the cluster does not answer. It may hold what the tombstone removed.
	HeldAway Reason = iota
	// HeldChanging: a node joins or leaves, or nodes know different rings.
	HeldChanging
	// HeldYoung: messages from before the removal may still be under way.
	HeldYoung
	// HeldDiffers: a replica holds something else, or nothing; anti-entropy has yet to make it equal.
	HeldDiffers
	// HeldHints: a node keeps hints of the slot, or a copy that it has yet to hand over.
	HeldHints
	reasons
)

// String is the reason in a word.
func (r Reason) String() string {
	return [...]string{"away", "changing", "young", "differs", "hints"}[r]
}

// Reasons are all reasons, in order.
func Reasons() []Reason { return []Reason{HeldAway, HeldChanging, HeldYoung, HeldDiffers, HeldHints} }

// Rule names a condition of reaping. Tests leave one out to show what it is for.
type Rule uint8

const (
	// RuleSame: all primaries hold the same tombstone.
	RuleSame Rule = 1 << iota
	// RuleSynced: it is on the disk of each.
	RuleSynced
	// RuleLate: no message from before can still arrive.
	RuleLate
)
