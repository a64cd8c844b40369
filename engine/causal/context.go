package causal

import (
	"slices"
	"time"
)

// Entry says that a context covers every dot of Actor up to and including Time.
type Entry struct {
	Actor
	Time Time
}

// Context is a version vector: the entries of the actors it knows, in the order of Actor.Compare, one per actor. The
// zero value covers nothing. Contexts are immutable: methods that change one return another.
type Context []Entry

// find returns the position of actor, or where it would be.
func (c Context) find(actor Actor) (int, bool) {
	// Almost every context has one to three entries: a scan beats a binary search there.
	for i := range c {
		switch o := c[i].Actor.Compare(actor); {
		case o == 0:
			return i, true
		case o > 0:
			return i, false
		}
	}
	return len(c), false
}

// Covers reports whether the write named by d is part of what c has seen.
func (c Context) Covers(d Dot) bool {
	i, ok := c.find(d.Actor)
	return ok && c[i].Time >= d.Time
}

// CoversAll reports whether c has seen everything that o has.
func (c Context) CoversAll(o Context) bool {
	i := 0
	for _, e := range o {
		for i < len(c) && c[i].Actor.Compare(e.Actor) < 0 {
			i++
		}
		if i == len(c) || c[i].Actor != e.Actor || c[i].Time < e.Time {
			return false
		}
	}
	return true
}

// Equal reports whether two contexts cover the same. Equal contexts mean equal objects.
func (c Context) Equal(o Context) bool { return slices.Equal(c, o) }

// With returns c grown by one dot.
func (c Context) With(d Dot) Context {
	if c.Covers(d) {
		return c
	}
	return c.AppendWith(make(Context, 0, len(c)+1), d)
}

// AppendWith is With, written to the empty slice dst.
func (c Context) AppendWith(dst Context, d Dot) Context {
	i, ok := c.find(d.Actor)
	dst = append(dst, c...)
	switch {
	case !ok:
		return slices.Insert(dst, i, Entry(d))
	case dst[i].Time < d.Time:
		dst[i].Time = d.Time
	}
	return dst
}

// Merge returns the least context that covers all that either covers. It returns c or o itself where one is enough.
func (c Context) Merge(o Context) Context {
	if c.CoversAll(o) {
		return c
	}
	if o.CoversAll(c) {
		return o
	}
	out := make(Context, 0, len(c)+len(o))
	i, j := 0, 0
	for i < len(c) && j < len(o) {
		switch order := c[i].Actor.Compare(o[j].Actor); {
		case order < 0:
			out = append(out, c[i])
			i++
		case order > 0:
			out = append(out, o[j])
			j++
		default:
			out = append(out, Entry{Actor: c[i].Actor, Time: max(c[i].Time, o[j].Time)})
			i++
			j++
		}
	}
	out = append(out, c[i:]...)
	return append(out, o[j:]...)
}

// Newest is the greatest time the context covers, 0 when it is empty.
func (c Context) Newest() Time {
	var newest Time
	for _, e := range c {
		newest = max(newest, e.Time)
	}
	return newest
}

const (
	// PruneAbove is the number of entries up to which a context is never pruned.
	PruneAbove = 50
	// PruneAge is the age below which an entry is never pruned.
	PruneAge = 24 * time.Hour
)

// Prune drops the oldest entries beyond PruneAbove, but none that keep names and none younger than PruneAge at now.
// A pruned dot is no longer covered: if an old copy of its write comes back it is applied again, so keep must name
// the actors of all live versions.
func (c Context) Prune(now Time, keep func(Actor) bool) Context {
	surplus := len(c) - PruneAbove
	if surplus <= 0 {
		return c
	}
	limit := TimeAt(now.Milliseconds() - PruneAge.Milliseconds())
	var old []Entry
	for _, e := range c {
		if e.Time < limit && !keep(e.Actor) {
			old = append(old, e)
		}
	}
	slices.SortFunc(old, func(a, b Entry) int { return Dot(a).Compare(Dot(b)) })
	if len(old) > surplus {
		old = old[:surplus]
	}
	return slices.DeleteFunc(slices.Clone(c), func(e Entry) bool { return slices.Contains(old, e) })
}
