//go:build !mutants

package mutant

// The rules, none of them broken.
const (
	// AcknowledgesEarly: a write is acknowledged when its coordinator alone has it.
	AcknowledgesEarly = false
	// ReusesForgottenBirths: a store writes a key that it has forgotten under the birth it had before.
	ReusesForgottenBirths = false
	// KeepsBirthsAfterCrash: rows from before an unclean stop are written on under their births.
	KeepsBirthsAfterCrash = false
	// AppliesOverGaps: a delta is applied by a store that has not seen what it builds on.
	AppliesOverGaps = false
	// TreesMissMerges: a merge of what others wrote does not show in the tree.
	TreesMissMerges = false
	// LastArrivalWins: of two concurrent objects the one that comes later replaces the other.
	LastArrivalWins = false
	// SkipsHintsOfEarlierRuns: hints that were kept before a restart are not replayed.
	SkipsHintsOfEarlierRuns = false
	// DropsHintsUnconfirmed: a hint goes when it is sent, whether or not its owner has confirmed it.
	DropsHintsUnconfirmed = false
	// DropsUncovered: a store drops its copy of a slot that it is no longer to hold before the primaries cover it.
	DropsUncovered = false
	// AcceptsOtherRings: a store confirms and answers what was planned by another ring than it has.
	AcceptsOtherRings = false
	// ReapsWhatDiffers: a tombstone goes at once, also while a primary holds something else. If it waited as it should,
	// anti-entropy would most often have made the primaries equal.
	ReapsWhatDiffers = false
	// ReapsUnsynced: a tombstone goes while it is not on every primary's disk.
	ReapsUnsynced = false
	// ReapsEarly: a tombstone goes while messages from before it may be under way.
	ReapsEarly = false
)

// Reach marks a point.
func Reach(Point, uint64) {}
