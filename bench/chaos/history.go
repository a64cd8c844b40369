package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// outcome is what a client knows of a command.
type outcome uint8

const (
	// acknowledged: it was answered.
	acknowledged outcome = iota
	// indeterminate: it may have been done, may be done later, or never.
	indeterminate
	// refused: it was not done and never will be.
	refused
)

func (o outcome) String() string { return [...]string{"acknowledged", "indeterminate", "refused"}[o] }

// action is what a command does to its key.
type action uint8

const (
	set     action = iota // over all that its coordinator holds
	resolve               // over what the client has seen
	remove
	increment
	add  // a member of a set
	drop // the same
)

func (a action) String() string {
	return [...]string{"SET", "RESOLVE", "DEL", "INCRBY", "SADD", "SREM"}[a]
}

// operation is one write of a client.
type operation struct {
	Client int
	Node   int
	Action action
	Key    string
	Value  string
	// Saw are the values that the client had seen: RESOLVE supersedes them.
	Saw []string
	// Amount is what INCRBY adds.
	Amount int64
	// Brief says that the value was given a deadline, long before the end.
	Brief bool
	// Removed says that DEL or SREM told that it removed something.
	Removed bool
	// Start and End are from the beginning of the run. End means nothing unless it was acknowledged.
	Start, End time.Duration
	Outcome    outcome
	Reply      string // what was answered, or the error
}

func (o *operation) String() string {
	text := fmt.Sprintf("%9.3fs–%.3fs client %d at node %d: %s %s", o.Start.Seconds(), o.End.Seconds(), o.Client, o.Node, o.Action, o.Key)
	switch o.Action {
	case set, add, drop:
		text += " " + brief(o.Value)
	case resolve:
		text += " " + brief(o.Value) + " over " + brief(o.Saw...)
	case increment:
		text += fmt.Sprint(" ", o.Amount)
	}
	return fmt.Sprintf("%s: %s, %s", text, o.Outcome, o.Reply)
}

// history is all that clients did, in the order in which it ended. It may be used by any goroutine.
type history struct {
	mu     sync.Mutex // guards all below
	ops    []*operation
	counts [3]int
}

func (h *history) add(o *operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, o)
	h.counts[o.Outcome]++
}

// tally is how many operations had each outcome so far.
func (h *history) tally() [3]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts
}

// byKey groups the operations.
func (h *history) byKey() map[string][]*operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[string][]*operation{}
	for _, o := range h.ops {
		out[o.Key] = append(out[o.Key], o)
	}
	return out
}

// brief is values as a story shows them: the beginning of each.
func brief(values ...string) string {
	var words []string
	for _, v := range values {
		if len(v) > 20 {
			v = v[:20] + "…"
		}
		words = append(words, v)
	}
	return strings.Join(words, ", ")
}
