package quorum

import (
	"errors"
	"testing"
)

// TestEveryQuorumOfThree decides a write and a read for all R and W and every number of replicas that answer: met just
// when enough do.
func TestEveryQuorumOfThree(t *testing.T) {
	const n = 3
	for need := 1; need <= n; need++ {
		for yes := 0; yes <= n; yes++ {
			tally := NewTally(need, n)
			state := tally.State()
			for i := range n {
				if state != Open {
					break
				}
				if i < yes {
					state = tally.Yes()
				} else {
					state = tally.No()
				}
			}
			want := Missed
			if yes >= need {
				want = Met
			}
			if state != want {
				t.Errorf("%d of %d needed, %d say yes: state %d, want %d", need, n, yes, state, want)
			}
		}
	}
}

func TestTallyIsMissedAsSoonAsItCannotBeMet(t *testing.T) {
	tally := NewTally(2, 3)
	if tally.No() != Open || tally.No() != Missed {
		t.Fatal("two refusals of three leave no quorum of two")
	}
	tally = NewTally(1, 1)
	tally.Asked()
	if tally.No() != Open || tally.Yes() != Met {
		t.Fatal("a further replica that was asked can still meet the quorum")
	}
}

func TestChoice(t *testing.T) {
	defaults := Choice{R: 2, W: 2, Strict: Sloppy}
	if got := (Choice{W: 3}).Or(defaults); got != (Choice{R: 2, W: 3, Strict: Sloppy}) {
		t.Fatalf("completed to %+v", got)
	}
	for n, want := range map[int]Choice{0: {R: 1, W: 1}, 1: {R: 1, W: 1}, 2: {R: 2, W: 2}, 3: {R: 2, W: 3}} {
		if got := (Choice{R: 2, W: 3}).Within(n); got != want {
			t.Errorf("within %d: %+v, want %+v", n, got, want)
		}
	}
	if err := (Choice{R: 4}).Validate(3); !errors.Is(err, ErrImpossible) {
		t.Errorf("R of 4 among 3: %v", err)
	}
	if err := (Choice{R: 3, W: 3}).Validate(3); err != nil {
		t.Error(err)
	}
}
