package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		duration := time.Duration(rapid.IntRange(1, 1200).Draw(t, "seconds")) * time.Second
		var one, again bytes.Buffer
		p := newPlan(seed, duration, nil)
		p.write(&one)
		newPlan(seed, duration, nil).write(&again)
		if one.String() != again.String() {
			t.Fatalf("one seed gives two plans:\n%s\n%s", &one, &again)
		}
		var sum time.Duration
		met := map[string]int{}
		for _, r := range p.rounds {
			sum += r.hold + r.rest + kinds[r.faults[0].kind].takes
			checkRound(t, &r)
			met[r.faults[0].kind]++
		}
		if last := &p.rounds[len(p.rounds)-1]; sum < duration || sum-last.hold-last.rest-kinds[last.faults[0].kind].takes >= duration {
			t.Fatalf("%d rounds last %s, not %s", len(p.rounds), sum, duration)
		}
		if len(p.rounds) >= len(deckKinds) && len(met) != len(kinds) {
			t.Fatalf("%d rounds have %d of %d kinds", len(p.rounds), len(met), len(kinds))
		}
	})
}

// checkRound holds a round to what the promise asks for: fewer than W stores lose what they have acknowledged.
func checkRound(t *rapid.T, r *round) {
	destroyed := 0
	for _, f := range r.faults {
		seen := slices.Clone(f.nodes)
		slices.Sort(seen)
		if len(slices.Compact(seen)) != len(f.nodes) {
			t.Fatalf("%s strikes a node twice", f)
		}
		if len(f.nodes) > 0 && (slices.Min(f.nodes) < 0 || slices.Max(f.nodes) >= maxNodes) || f.split >= max(1, len(f.nodes)) {
			t.Fatalf("%s strikes nodes that are not there", f)
		}
		if kinds[f.kind].destroys {
			destroyed += len(f.nodes)
		}
		if f.delay+f.jitter > late/10 {
			t.Fatalf("%s is slower than the judgement allows", f)
		}
	}
	if destroyed >= quorum || r.destroys() != (destroyed > 0) {
		t.Fatalf("%s destroys %d stores", r, destroyed)
	}
	if len(r.faults) > 1 && (kinds[r.faults[0].kind].target == links || kinds[r.faults[1].kind].target != links) {
		t.Fatalf("%s has two faults of a target", r)
	}
	if r.hold > late/2 {
		t.Fatalf("%s lasts longer than the judgement allows", r)
	}
}

// A short run must not be one of deaths only.
func TestPlanBeginsWithOneOfEach(t *testing.T) {
	for seed := range uint64(50) {
		met := map[target]bool{}
		for _, r := range newPlan(seed, 10*time.Minute, nil).rounds[:4] {
			met[kinds[r.faults[0].kind].target] = true
		}
		if len(met) != 4 {
			t.Fatalf("seed %d begins with %d targets", seed, len(met))
		}
	}
}

func TestPlanOfSomeKinds(t *testing.T) {
	p := newPlan(1, time.Minute, []string{"wipe", "halves"})
	for _, r := range p.rounds {
		if kind := r.faults[0].kind; kind != "wipe" && kind != "halves" {
			t.Errorf("there is a %s", kind)
		}
	}
}

// Whoever reads the plan can tell who is struck.
func TestFaultText(t *testing.T) {
	for want, f := range map[string]fault{
		"rolling restart":               {kind: "rolling restart"},
		"kill [2 4]":                    {kind: "kill", nodes: []int{2, 4}},
		"halves [0]|[1 2]":              {kind: "halves", nodes: []int{0, 1, 2}, split: 1},
		"slow [3] by 20ms±5ms, 7‰ lost": {kind: "slow", nodes: []int{3}, delay: 20 * time.Millisecond, jitter: 5 * time.Millisecond, loss: 7},
	} {
		if f.String() != want {
			t.Errorf("%q, want %q", f, want)
		}
	}
}

func TestStory(t *testing.T) {
	var ops []*operation
	for i := range 100 {
		ops = append(ops, &operation{Value: strings.Repeat("v", i)})
	}
	for at, want := range map[int]int{0: around + 1, 50: 2*around + 1, 99: around + 1} {
		if got := story(ops, ops[at]); len(got) != want || !slices.Contains(got, ops[at]) {
			t.Errorf("around %d: %d operations", at, len(got))
		}
	}
	if got := story(ops, nil); got[len(got)-1] != ops[99] {
		t.Error("of no operation: not the last")
	}
}
