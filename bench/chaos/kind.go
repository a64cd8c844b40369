package main

import (
	"math/rand/v2"
	"time"
)

// kind is what the plan knows of a kind of fault.
type kind struct {
	target target
	// destroys says that a store loses what it has acknowledged.
	destroys bool
	// takes is about how long it lasts beside its hold.
	takes time.Duration
	// strikes draws whom it is about.
	strikes func(rng *rand.Rand, f *fault, nodes int)
}

// target is what a fault is about. A short run has one of each, as far as there is time. One of links may come together with one of
// another target.
type target int

const (
	processes target = iota
	stores
	members
	links
)

// The kinds. The deck has a card for each variant, which differ in how many nodes they strike.
var kinds = map[string]kind{
	"kill":            {target: processes, strikes: some(1, quorum, maxNodes), takes: 2 * time.Second},
	"pause":           {target: processes, strikes: some(1, quorum)},
	"power cut":       {target: processes, strikes: some(1, quorum, maxNodes), takes: 3 * time.Second},
	"full disk":       {target: stores, strikes: some(1), takes: 2 * time.Second},
	"rolling restart": {target: processes, strikes: some(0), takes: 10 * time.Second},
	"wipe":            {target: stores, strikes: slowed(some(quorum - 1)), destroys: true, takes: 10 * time.Second},
	"roll back":       {target: stores, strikes: some(quorum - 1), destroys: true, takes: 15 * time.Second},
	"join":            {target: members, strikes: theSpare, takes: 5 * time.Second},
	"leave":           {target: members, strikes: theSpare, takes: 10 * time.Second},
	"remove":          {target: members, strikes: some(quorum - 1), destroys: true, takes: 15 * time.Second},
	"replace":         {target: members, strikes: some(quorum - 1), destroys: true, takes: 10 * time.Second},
	"halves":          {target: links, strikes: halves(0)},
	"bridge":          {target: links, strikes: halves(1)},
	"one way":         {target: links, strikes: oneWay},
	"flapping":        {target: links, strikes: halves(0)},
	"slow":            {target: links, strikes: slowed(some(1, 2))},
}

// deckKinds are the cards: kills and losses of power of one, of W and of all are as likely as other faults are.
var deckKinds = []string{
	"kill", "kill", "kill", "pause", "pause", "power cut", "power cut", "full disk", "rolling restart", "wipe", "roll back", "join", "leave", "remove", "replace",
	"halves", "bridge", "one way", "flapping", "slow",
}

var networkKinds = []string{"halves", "bridge", "one way", "flapping", "slow"}

func (k kind) draw(rng *rand.Rand, name string, nodes int) fault {
	f := fault{kind: name}
	k.strikes(rng, &f, nodes)
	return f
}

// some strikes one of these numbers of nodes.
func some(counts ...int) func(*rand.Rand, *fault, int) {
	return func(rng *rand.Rand, f *fault, nodes int) {
		f.nodes = rng.Perm(nodes)[:min(nodes, counts[rng.IntN(len(counts))])]
	}
}

// theSpare is the node that joins and leaves.
func theSpare(_ *rand.Rand, f *fault, _ int) { f.nodes = []int{startNodes} }

// halves makes two sides, with so many nodes on neither.
func halves(between int) func(*rand.Rand, *fault, int) {
	return func(rng *rand.Rand, f *fault, nodes int) {
		f.nodes = rng.Perm(nodes)[between:]
		f.split = 1 + rng.IntN(len(f.nodes)/2)
	}
}

// oneWay lets one or two nodes speak to nobody, or to one node only not.
func oneWay(rng *rand.Rand, f *fault, nodes int) {
	f.nodes, f.split = rng.Perm(nodes), 1+rng.IntN(2)
	if rng.IntN(2) == 0 {
		f.nodes = f.nodes[:f.split+1]
	}
}

// slowed makes what the struck nodes send slow.
func slowed(strikes func(*rand.Rand, *fault, int)) func(*rand.Rand, *fault, int) {
	return func(rng *rand.Rand, f *fault, nodes int) {
		strikes(rng, f, nodes)
		f.delay = between(rng, 10*time.Millisecond, 310*time.Millisecond)
		f.jitter, f.loss = f.delay/4, rng.IntN(80)
	}
}
