//go:build mutants

package mutant

import (
	"os"
	"sync/atomic"
)

var broken = os.Getenv("KINDRED_MUTANT")

// Off.go says what the rules are.
var (
	AcknowledgesEarly       = broken == "acknowledges-early"
	ReusesForgottenBirths   = broken == "reuses-forgotten-births"
	KeepsBirthsAfterCrash   = broken == "keeps-births-after-crash"
	AppliesOverGaps         = broken == "applies-over-gaps"
	TreesMissMerges         = broken == "trees-miss-merges"
	LastArrivalWins         = broken == "last-arrival-wins"
	SkipsHintsOfEarlierRuns = broken == "skips-hints-of-earlier-runs"
	DropsHintsUnconfirmed   = broken == "drops-hints-unconfirmed"
	DropsUncovered          = broken == "drops-uncovered"
	AcceptsOtherRings       = broken == "accepts-other-rings"
	ReapsWhatDiffers        = broken == "reaps-what-differs"
	ReapsUnsynced           = broken == "reaps-unsynced"
	ReapsEarly              = broken == "reaps-early"
)

var onReach atomic.Pointer[func(Point, uint64)]

// OnReach has f called at every point, on the goroutine that reaches it.
func OnReach(f func(p Point, store uint64)) { onReach.Store(&f) }

// Reach marks a point.
func Reach(p Point, store uint64) {
	if f := onReach.Load(); f != nil {
		(*f)(p, store)
	}
}
