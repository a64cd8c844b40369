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
	passed := 0
	for entry := range StreamEntries(o, from, MaxStreamID) {
		left := func(actor causal.Actor) bool { return g.position(actor).Before(entry.ID) }
		if !g.Last.Before(entry.ID) && !entry.writtenBy(left) {
			passed++
			continue
		}
		visit(&entry)
		d.IDs = append(d.IDs, entry.ID)
		d.group.count(o, h, entry.ID)
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
func (g *StreamGroup) count(o *object.Object, h *StreamHead, id StreamID) {
	if !g.Last.Before(id) {
		if g.Read != EntriesUnknown {
			g.Read++ // it has arrived late
		}
		return
	}
	if g.Read != EntriesUnknown && !removedFrom(o, h, id) {
		g.Read++
	} else if h.Added() > 0 {
		g.Read = entriesUpTo(o, h, id)
	}
	g.Last = id
}

// Lag is the number of entries that the group was not given yet, false when that is not known.
func (g *StreamGroup) Lag(o *object.Object, h *StreamHead) (int64, bool) {
	added := int64(h.Added())
	if added == 0 {
		return 0, true
	}
	read := g.Read
	if read == EntriesUnknown || removedFrom(o, h, g.Last) {
		read = entriesUpTo(o, h, g.Last)
	}
	return added - read, read != EntriesUnknown
}

// removedFrom reports whether an entry of that ID or a later one may have been removed from amid the stream. What was removed
// from its beginning leaves no gap.
func removedFrom(o *object.Object, h *StreamHead, id StreamID) bool {
	if h.MaxDeleted == (StreamID{}) || h.MaxDeleted.Before(id) {
		return false
	}
	first, some := FirstEntry(o)
	return some && !h.MaxDeleted.Before(first)
}

// entriesUpTo is the number of entries that were added up to an ID where the counts tell it, as they do at the ends of the
// stream; else EntriesUnknown.
func entriesUpTo(o *object.Object, h *StreamHead, id StreamID) int64 {
	added, length := int64(h.Added()), StreamLength(o)
	switch c := id.Compare(h.Last); {
	case added == 0:
		return 0
	case length == 0 && c <= 0, c == 0:
		return added
	case c > 0:
		return EntriesUnknown
	}
	first, _ := FirstEntry(o)
	if h.MaxDeleted != (StreamID{}) && !h.MaxDeleted.Before(first) {
		return EntriesUnknown
	}
	switch c := id.Compare(first); {
	case c < 0:
		return added - length
	case c == 0:
		return added - length + 1
	default:
		return EntriesUnknown
	}
}
