package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// violation is one way in which a history breaks the promise.
type violation struct {
	key  string
	text string
}

func (v violation) String() string { return v.key + ": " + v.text }

// final is what all replicas of each key hold at the end; a key without an entry is held by none.
type final map[string]*object.Object

func (f final) of(key string) *object.Object {
	if o := f[key]; o != nil {
		return o
	}
	return &object.Object{}
}

// checkPromise checks that nothing acknowledged is lost and nothing removed is back: the siblings at the end are the maximal
// writes under their contexts. A change took effect when the final context covers its dot. Then
//
//   - an acknowledged command has a change that took effect, or one that tombstones have let go of, see reaped;
//   - what such a change wrote is alive, or was removed by a change that held it and took effect too;
//   - what is alive was written, with that payload, by a change that took effect, and removed by none.
//
// Who removed what is known from the objects that commands ran on, not from contexts: a store that wrongly seems to have seen
// a write removes it without any command having held it.
func checkPromise(h *history, f final) (out []violation) {
	gone := map[string]map[*change]bool{}
	for key, changes := range h.changes {
		gone[key] = reaped(changes, f.of(key))
		out = append(out, checkKey(key, changes, f.of(key), gone[key])...)
	}
	for _, op := range h.ops {
		if v := checkOutcome(op, f.of(op.key), gone[op.key]); v != "" {
			out = append(out, violation{op.key, v})
		}
	}
	for key, o := range f {
		if h.changes[key] == nil && len(o.Context) > 0 {
			out = append(out, violation{key, "is held and was never written"})
		}
	}
	return out
}

func checkKey(key string, changes []*change, o *object.Object, gone map[*change]bool) (out []violation) {
	written, killer := map[version]*change{}, map[version]*change{}
	dots := map[causal.Dot]*change{}
	for _, c := range changes {
		if other := dots[c.dot]; other != nil {
			out = append(out, violation{key, fmt.Sprintf("two changes have one dot: %s and %s", other, c)})
		}
		dots[c.dot] = c
		took := o.Context.Covers(c.dot)
		if !took && !gone[c] {
			continue
		}
		for v := range c.wrote {
			if took {
				written[v] = c
			}
		}
		for _, v := range c.killed {
			if took || c.acknowledged() {
				killer[v] = c
			}
		}
	}
	for v, c := range written {
		if !alive(o, v) && killer[v] == nil {
			out = append(out, violation{key, fmt.Sprintf("%s is lost, nothing that had seen it removed it: %s", v, c)})
		}
	}
	for cell := range o.From("") {
		for i := range cell.Versions {
			v := version{cell.Name, cell.Versions[i].Dot}
			switch c := written[v]; {
			case c == nil:
				out = append(out, violation{key, fmt.Sprintf("%s is alive and nobody wrote it", v)})
			case c.wrote[v] != xxh3.Hash(cell.Versions[i].Payload):
				out = append(out, violation{key, fmt.Sprintf("%s has another payload than was written: %s", v, c)})
			case killer[v] != nil:
				out = append(out, violation{key, fmt.Sprintf("%s is back, it was removed: %s", v, killer[v])})
			}
		}
	}
	return out
}

// reaped are the changes that the final context may not cover since all replicas have forgotten them with a tombstone: all
// that such a change wrote was removed, by a change that is covered or by another that was forgotten. A removal of which the
// client does not know the outcome explains that its victim is not there, and no more.
//
// Changes are looked at from the newest on. A removal has a newer time than what it removes: its store had seen it.
func reaped(changes []*change, o *object.Object) map[*change]bool {
	out, removed := map[*change]bool{}, map[version]bool{}
	changes = slices.Clone(changes)
	slices.SortFunc(changes, func(a, b *change) int { return b.dot.Compare(a.dot) })
	var tombstones []*change
	for _, c := range changes {
		if c.buries && !c.refused() {
			tombstones = append(tombstones, c)
		}
	}
	for _, c := range changes {
		took := o.Context.Covers(c.dot)
		if !took && !c.mayBeReaped(removed, tombstones) {
			continue
		}
		out[c] = !took
		for _, v := range c.killed {
			removed[v] = true
		}
	}
	return out
}

// mayBeReaped reports whether the change has left nothing that was not removed. A tombstone may have cells of no type: a
// deadline, settled totals. They go with it, unless the change was made on top of it.
func (c *change) mayBeReaped(removed map[version]bool, tombstones []*change) bool {
	if c.refused() {
		return false
	}
	for v := range c.wrote {
		switch {
		case removed[v]:
		case v.cell.Kind() != object.None:
			return false
		case !slices.ContainsFunc(tombstones, func(t *change) bool { return t == c || !c.base.Covers(t.dot) }):
			return false
		}
	}
	return true
}

// checkOutcome checks what the client was told about one command.
func checkOutcome(o *op, at *object.Object, gone map[*change]bool) string {
	if !o.writes() {
		return ""
	}
	took, changed := false, false
	for _, c := range o.changes {
		changed = changed || c.dot.Time != 0
		took = took || c.dot.Time == 0 || at.Context.Covers(c.dot) || gone[c]
	}
	switch {
	case o.outcome == acknowledged && len(o.changes) == 0:
		return fmt.Sprintf("acknowledged and never run: %s", o)
	case o.outcome == acknowledged && !took:
		return fmt.Sprintf("acknowledged, and the replicas' context does not cover it: %s", o)
	case o.outcome == refused && changed:
		return fmt.Sprintf("refused, and a coordinator ran it: %s", o)
	}
	return ""
}

// checkMonotonic checks that what one run of a node shows a client of a key that it holds a replica of never goes back: each context
// that it answers with covers those it answered with before. A fallback that answers under R=1, of what it keeps, promises no such
// thing: the primaries get that and it goes, and the next write that they miss it keeps alone.
func checkMonotonic(h *history) (out []violation) {
	type view struct {
		session, run int
		key          string
	}
	last := map[view]*op{}
	for _, o := range byStart(h.ops) {
		if o.writes() || o.outcome != acknowledged || o.run == 0 || o.atFallback {
			continue
		}
		v := view{o.session, o.run, o.key}
		if before := last[v]; before != nil && !o.context.CoversAll(before.context) && !h.mayHaveReaped(o) {
			out = append(out, violation{o.key, fmt.Sprintf("a read went back: %s after %s", o, before)})
		}
		last[v] = o
	}
	return out
}

func byStart(ops []*op) []*op {
	ops = slices.Clone(ops)
	slices.SortStableFunc(ops, func(a, b *op) int { return cmp.Compare(a.start, b.start) })
	return ops
}

// checkReads checks that a read has seen every write that was acknowledged before it began: what R + W > N promises while
// no store is destroyed and nobody stands in for a primary.
func checkReads(h *history) (out []violation) {
	ends := slices.Clone(h.ops)
	slices.SortStableFunc(ends, func(a, b *op) int { return cmp.Compare(a.end, b.end) })
	floors := map[string]*floor{}
	at := func(key string) *floor {
		if floors[key] == nil {
			floors[key] = &floor{}
		}
		return floors[key]
	}
	for _, o := range byStart(h.ops) {
		for len(ends) > 0 && ends[0].end < o.start {
			at(ends[0].key).add(ends[0])
			ends = ends[1:]
		}
		if !o.writes() && o.outcome == acknowledged {
			if missed := at(o.key).missing(o.context); missed != nil && !h.mayHaveReaped(o) {
				out = append(out, violation{o.key, fmt.Sprintf("a read missed a write: %s is not in %s", missed, o)})
			}
		}
	}
	return out
}

// floor is what a read of a key must have seen.
type floor struct {
	sure   causal.Context // of commands with one change
	open   []*op          // of commands with several: one of them was acknowledged
	newest *op
}

func (f *floor) add(o *op) {
	if !o.writes() || o.outcome != acknowledged || len(o.changes) == 0 {
		return
	}
	for _, c := range o.changes {
		if c.dot.Time == 0 {
			return
		}
	}
	if len(o.changes) > 1 {
		f.open = append(f.open, o)
		return
	}
	f.sure, f.newest = f.sure.With(o.changes[0].dot), o
}

// missing is a write that the context does not cover.
func (f *floor) missing(seen causal.Context) *op {
	if !seen.CoversAll(f.sure) {
		return f.newest
	}
	for _, o := range f.open {
		if !slices.ContainsFunc(o.changes, func(c *change) bool { return seen.Covers(c.dot) }) {
			return o
		}
	}
	return nil
}

// reapsAfter is less than it takes until a tombstone is forgotten.
const reapsAfter = time.Second

// mayHaveReaped reports whether a tombstone of the key may have been forgotten before a read ended, and with it all that
// the read would have covered.
func (h *history) mayHaveReaped(read *op) bool {
	return slices.ContainsFunc(h.changes[read.key], func(c *change) bool {
		return c.buries && c.at+reapsAfter < read.end
	})
}

// checkCounters checks that a counter is no less than the sum of what was acknowledged, and no more than that and what may
// have been added. A counter that is reset is checked by checkSums.
func checkCounters(h *history, f final, counters func(key string) bool) (out []violation) {
	type bounds struct{ low, high int64 }
	sums := map[string]bounds{}
	for _, o := range h.ops {
		if !counters(o.key) || o.amount == 0 || o.outcome == refused {
			continue
		}
		b := sums[o.key]
		b.high += o.amount
		if o.outcome == acknowledged {
			b.low += o.amount
		}
		sums[o.key] = b
	}
	for key, b := range sums {
		if n := counted(f.of(key)); n < b.low || n > b.high {
			out = append(out, violation{key, fmt.Sprintf("counts %d, which is not within %d and %d", n, b.low, b.high)})
		}
	}
	return out
}

func counted(o *object.Object) int64 {
	n, _ := kind.ParseInt(kind.Value(o))
	return n
}

// checkSums checks each counter exactly: it is the newest base that is alive, and every addition that took effect and that
// no change which took effect has removed.
func checkSums(h *history, f final, counters func(key string) bool) (out []violation) {
	for key, changes := range h.changes {
		if !counters(key) {
			continue
		}
		o := f.of(key)
		var want int64
		if base := o.Cell(object.ValueCell); base != nil {
			want, _ = kind.ParseInt(base.Newest().Payload)
		}
		reset := map[causal.Actor]causal.Time{}
		for _, c := range changes {
			if c.amount != 0 || !o.Context.Covers(c.dot) {
				continue
			}
			for _, v := range c.killed {
				reset[v.dot.Actor] = max(reset[v.dot.Actor], v.dot.Time)
			}
		}
		for _, c := range changes {
			if c.amount != 0 && o.Context.Covers(c.dot) && reset[c.dot.Actor] < c.dot.Time {
				want += c.amount
			}
		}
		if n := counted(o); n != want {
			out = append(out, violation{key, fmt.Sprintf("counts %d, the additions that took effect and were not removed are %d", n, want)})
		}
	}
	return out
}

// story tells all that happened to a key.
func (h *history) story(key string, o *object.Object) string {
	var b strings.Builder
	for _, op := range byStart(h.ops) {
		if op.key == key {
			fmt.Fprintf(&b, "    %s\n", op)
		}
	}
	changes := slices.Clone(h.changes[key])
	slices.SortStableFunc(changes, func(a, b *change) int { return cmp.Compare(a.at, b.at) })
	for _, c := range changes {
		took := "lost"
		if o.Context.Covers(c.dot) {
			took = "took effect"
		}
		fmt.Fprintf(&b, "    %s (%s)\n", c, took)
	}
	for _, e := range o.Context {
		fmt.Fprintf(&b, "    context %s\n", dotText(causal.Dot(e)))
	}
	for _, v := range versionsOf(o) {
		fmt.Fprintf(&b, "    alive %s\n", v)
	}
	return b.String()
}
