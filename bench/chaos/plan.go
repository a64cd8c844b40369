package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// The shape of the cluster: nodes at the start, and N, R and W. One node more can join.
const (
	startNodes = 5
	maxNodes   = startNodes + 1
	replicas   = 3
	quorum     = 2
)

// plan is what will happen, all of it drawn from the seed.
type plan struct {
	seed     uint64
	duration time.Duration
	rounds   []round
}

// round is some faults that begin together, last, and end; then the cluster has rest.
type round struct {
	faults []fault
	hold   time.Duration
	rest   time.Duration
}

// fault is one thing done to some nodes. Nodes from split on are on the other side of a cut.
type fault struct {
	kind  string
	nodes []int
	split int
	// delay, jitter and loss, of 1000 packets, are those of a slow network.
	delay, jitter time.Duration
	loss          int
}

// newPlan deals the kinds of faults from a shuffled deck, so that none comes twice before each has come once, and at first one of each
// target. Every third round that destroys nothing has a fault of the network with it. Only keeps it to some kinds; empty allows all.
func newPlan(seed uint64, duration time.Duration, only []string) *plan {
	p := &plan{seed: seed, duration: duration}
	rng := rand.New(rand.NewPCG(seed, 0))
	var deck []string
	nodes := startNodes
	for spent := time.Duration(0); spent < duration; {
		if len(deck) == 0 {
			deck = oneOfEach(shuffled(rng, only))
		}
		r := round{hold: between(rng, 3*time.Second, 8*time.Second), rest: between(rng, 2*time.Second, 4*time.Second)}
		name := deck[0]
		deck = deck[1:]
		r.faults = append(r.faults, kinds[name].draw(rng, name, nodes))
		if kinds[name].target != links && !kinds[name].destroys && rng.IntN(3) == 0 {
			name := networkKinds[rng.IntN(len(networkKinds))]
			r.faults = append(r.faults, kinds[name].draw(rng, name, nodes))
		}
		if name == "join" {
			nodes = maxNodes
		}
		p.rounds = append(p.rounds, r)
		spent += r.hold + r.rest + kinds[name].takes
	}
	return p
}

func shuffled(rng *rand.Rand, only []string) []string {
	var deck []string
	for _, name := range deckKinds {
		if len(only) == 0 || slices.Contains(only, name) {
			deck = append(deck, name)
		}
	}
	rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

// oneOfEach moves the first card of each target to the front.
func oneOfEach(deck []string) []string {
	var first, rest []string
	met := map[target]bool{}
	for _, name := range deck {
		if t := kinds[name].target; !met[t] {
			met[t] = true
			first = append(first, name)
		} else {
			rest = append(rest, name)
		}
	}
	return append(first, rest...)
}

func between(rng *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(rng.Int64N(int64(to-from))).Round(10*time.Millisecond)
}

// write prints the plan, a round a line.
func (p *plan) write(out io.Writer) {
	fmt.Fprintf(out, "plan of seed %d, %s: %d rounds\n", p.seed, p.duration, len(p.rounds))
	for i, r := range p.rounds {
		fmt.Fprintf(out, "  %2d. %s\n", i+1, r)
	}
}

func (r round) String() string {
	var words []string
	for _, f := range r.faults {
		words = append(words, f.String())
	}
	return fmt.Sprintf("%s, for %s, then rest for %s", strings.Join(words, " and "), r.hold, r.rest)
}

func (f fault) String() string {
	text := f.kind
	switch {
	case f.split > 0:
		text += fmt.Sprintf(" %v|%v", f.nodes[:f.split], f.nodes[f.split:])
	case len(f.nodes) > 0:
		text += fmt.Sprintf(" %v", f.nodes)
	}
	if f.delay > 0 {
		text += fmt.Sprintf(" by %s±%s, %d‰ lost", f.delay, f.jitter, f.loss)
	}
	return text
}

// destroys reports whether a store loses what it has acknowledged: then the cluster settles before the next round.
func (r round) destroys() bool {
	for _, f := range r.faults {
		if kinds[f.kind].destroys {
			return true
		}
	}
	return false
}
