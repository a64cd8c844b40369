package kind

import (
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// manyPassed is from how many entries on that were passed over in search of late ones it is noted that there are none, since
// they were removed.
const manyPassed = 64

// Delivery is a step of a group through its stream.
type Delivery struct {
	// IDs are the entries that are delivered, ascending.
	IDs []StreamID

	group   StreamGroup
	changed bool
}

// Deliver finds up to limit entries that a group was not given yet, 0 for any number, and calls visit with each. It
// costs what it finds; after a partition, once, also what was added since its beginning.
func Deliver(o *object.Object, g *StreamGroup, limit int64, visit func(*StreamEntry)) *Delivery {
	d := &Delivery{group: *g}
	h := HeadOf(o)
	some, behind := g.undelivered(h)
	from, ok := behind.Next()
	if !some || !ok {
		return d
	}
	d.group.seen = append([]streamPosition(nil), g.seen...)
	counts := &streamCounts{o: o, h: h}
	passed := 0
	for entry := range StreamEntries(o, from, MaxStreamID) {
		left := func(actor causal.Actor) bool { return g.position(actor).Before(entry.ID) }
		if !g.Last.Before(entry.ID) && !entry.writtenBy(left) {
			passed++
			continue
		}
		visit(&entry)
		d.IDs = append(d.IDs, entry.ID)
		d.group.count(counts, entry.ID)
		for i := range entry.cell.Versions {
			d.group.reach(entry.cell.Versions[i].Dot.Actor, entry.ID)
		}
		if limit > 0 && int64(len(d.IDs)) >= limit {
			break
		}
	}
	if len(d.IDs) == 0 && passed >= manyPassed {
		for i := range h.writers {
			d.group.reach(h.writers[i].actor, h.writers[i].last)
		}
	}
	d.changed = len(d.IDs) > 0 || passed >= manyPassed
	return d
}

// Changed reports whether the group has advanced.
func (d *Delivery) Changed() bool { return d.changed }

// Put notes how far the group is.
func (d *Delivery) Put(e *object.Edit, name []byte) { d.group.put(e, name) }

// count takes an entry that is delivered into Last and Read.
func (g *StreamGroup) count(s *streamCounts, id StreamID) {
	if !g.Last.Before(id) {
		if g.Read != EntriesUnknown {
			g.Read++ // it has arrived late
		}
		return
	}
	if g.Read != EntriesUnknown && !s.removedFrom(id) {
		g.Read++
	} else if s.h.Added() > 0 {
		g.Read = s.upTo(id)
	}
	g.Last = id
}

// Lag is the number of entries that the group was not given yet, false when that is not known.
func (g *StreamGroup) Lag(o *object.Object, h *StreamHead) (int64, bool) {
	s := &streamCounts{o: o, h: h}
	added := int64(h.Added())
	if added == 0 {
		return 0, true
	}
	read := g.Read
	if read == EntriesUnknown || s.removedFrom(g.Last) {
		read = s.upTo(g.Last)
	}
	return added - read, read != EntriesUnknown
}

// streamCounts tells how many entries there were up to an ID, as far as the counts of the stream tell that.
type streamCounts struct {
	o *object.Object
	h *StreamHead

	firstID StreamID
	some    bool
	looked  bool // firstID and some are known
}

// first is the ID of the first entry, false when there is none.
func (s *streamCounts) first() (StreamID, bool) {
	if !s.looked {
		s.firstID, s.some = FirstEntry(s.o)
		s.looked = true
	}
	return s.firstID, s.some
}

// removedFrom reports whether an entry of that ID or a later one may have been removed from amid the stream. What was removed
// from its beginning leaves no gap.
func (s *streamCounts) removedFrom(id StreamID) bool {
	if s.h.MaxDeleted == (StreamID{}) || s.h.MaxDeleted.Before(id) {
		return false
	}
	first, some := s.first()
	return some && !s.h.MaxDeleted.Before(first)
}

// upTo is the number of entries that were added up to an ID where the counts tell it, as they do at the ends of the stream; else
// EntriesUnknown.
func (s *streamCounts) upTo(id StreamID) int64 {
	added := int64(s.h.Added())
	first, some := s.first()
	switch c := id.Compare(s.h.Last); {
	case added == 0:
		return 0
	case !some && c <= 0, c == 0:
		return added
	case c > 0, !s.h.MaxDeleted.Before(first) && s.h.MaxDeleted != StreamID{}:
		return EntriesUnknown
	}
	switch c := id.Compare(first); {
	case c < 0:
		return added - StreamLength(s.o)
	case c == 0:
		return added - StreamLength(s.o) + 1
	default:
		return EntriesUnknown
	}
}
