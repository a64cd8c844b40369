package main

import (
	"fmt"
	"slices"
	"time"
)

// late is how long after its acknowledgement a write may still be run a second time: a coordinator that was late, because it
// was paused or cut off, may do so when it is back. No fault lasts longer.
const late = 30 * time.Second

// violation is a broken promise.
type violation struct {
	Key  string // empty when it is about no key
	Rule string
	Text string
	// About is the operation that it is about, if any.
	About *operation
}

// final is what a key is at the end: the values that SIBLINGS gives, the members of a set, or the sum of a counter.
type final struct {
	values []string
	sum    int64
}

// judge holds the history of one key against what is left of it.
func judge(ops []*operation, f final) []violation {
	if ops[0].Action == increment {
		return judgeCounter(ops, f.sum)
	}
	var out []violation
	report := func(rule string, o *operation, text string) {
		out = append(out, violation{Key: ops[0].Key, Rule: rule, Text: text, About: o})
	}
	issued := map[string]*operation{}
	for _, o := range ops {
		if o.Action == set || o.Action == resolve || o.Action == add {
			issued[o.Value] = o
		}
	}
	for _, v := range f.values {
		switch o := issued[v]; {
		case o == nil:
			report("a value that nobody wrote", nil, brief(v))
		case o.Outcome == refused:
			report("a write that was refused was done", o, o.String())
		case o.Brief && o.Outcome == acknowledged:
			report("an expired key is back", o, o.String())
		case removedForGood(o, ops):
			report("a removed value is back", o, o.String())
		}
	}
	for _, o := range issued {
		if o.Outcome == acknowledged && !o.Brief && !slices.Contains(f.values, o.Value) && !explained(o, ops) {
			report("an acknowledged write is lost", o, o.String()+"\nleft: "+brief(f.values...))
		}
	}
	return out
}

// explained reports whether another write or removal, acknowledged or indeterminate, may have seen the write, and so have
// superseded it. RESOLVE supersedes just what the client saw, and SREM its member; SADD supersedes nothing. SET and DEL supersede
// what their coordinator held whenever they ran, and may have run again.
func explained(o *operation, ops []*operation) bool {
	for _, other := range ops {
		switch {
		case other == o || other.Outcome == refused || other.Action == add:
		case other.Action == resolve:
			if slices.Contains(other.Saw, o.Value) {
				return true
			}
		case other.Action == drop:
			if other.Value == o.Value {
				return true
			}
		case other.Outcome == indeterminate || other.End+late >= o.Start:
			return true
		}
	}
	return false
}

// removedForGood reports whether a DEL that found the key, or a SREM that found the member, took the value away. The write must
// be so old that it does not run again.
func removedForGood(o *operation, ops []*operation) bool {
	for _, other := range ops {
		removes := other.Action == remove && writtenOnce(ops) || other.Action == drop && other.Value == o.Value
		if removes && other.Removed && o.Outcome == acknowledged && o.End+late < other.Start {
			return true
		}
	}
	return false
}

// writtenOnce reports whether there is but one write: then a DEL that found the key has seen it.
func writtenOnce(ops []*operation) bool {
	writes := 0
	for _, o := range ops {
		if o.Action != remove {
			writes++
		}
	}
	return writes == 1
}

// judgeCounter holds: the sum of what was acknowledged ≤ the counter ≤ that with what is indeterminate.
func judgeCounter(ops []*operation, sum int64) []violation {
	var certain, possible int64
	for _, o := range ops {
		switch o.Outcome {
		case acknowledged:
			certain += o.Amount
		case indeterminate:
			possible += o.Amount
		}
	}
	if certain <= sum && sum <= certain+possible {
		return nil
	}
	return []violation{{
		Key: ops[0].Key, Rule: "a counter lost or repeated increments",
		Text: fmt.Sprintf("it is %d, and must be %d to %d", sum, certain, certain+possible),
	}}
}
