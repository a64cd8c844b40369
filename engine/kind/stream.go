package kind

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// entryName names the cell of an entry: the type and the ID.
func entryName(id StreamID) object.CellName {
	return object.CellName(id.appendName(append(make([]byte, 0, 1+idSize), byte(object.Stream))))
}

// StreamEntry is what a stream holds under one ID. It is valid until the next is asked for.
type StreamEntry struct {
	ID   StreamID
	cell *object.Cell
}

// maxPerID bounds the entries of one ID that are looked at. There are as many as there are sides that were given it.
const maxPerID = 64

// Values are the fields and values of an entry, alternating. Under an ID that clients have given on two sides of a
// partition there are several entries, the newest last; equal ones count as one.
func (s *StreamEntry) Values() [][][]byte {
	var all [][][]byte
	for i := range s.cell.Versions {
		p := packed{rest: s.cell.Versions[i].Payload}
		for p.more() && !p.bad && len(all) < maxPerID {
			values := make([][]byte, 0, min(p.number(), uint64(len(p.rest))))
			for range cap(values) {
				values = append(values, p.bytes())
			}
			same := func(o [][]byte) bool { return slices.EqualFunc(o, values, bytes.Equal) }
			if !p.bad && !slices.ContainsFunc(all, same) {
				all = append(all, values)
			}
		}
	}
	return all
}

// entryPayload holds entries one behind the other: the number of their strings, and each with its length.
func entryPayload(entries ...[][]byte) []byte {
	size := 0
	for _, values := range entries {
		size += binary.MaxVarintLen32
		for _, v := range values {
			size += binary.MaxVarintLen32 + len(v)
		}
	}
	b := make([]byte, 0, size)
	for _, values := range entries {
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = appendBytes(b, v)
		}
	}
	return b
}

// StreamEntries yields the entries from one ID to another, both included, in ascending order.
func StreamEntries(o *object.Object, from, to StreamID) iter.Seq[StreamEntry] {
	return func(yield func(StreamEntry) bool) {
		if o == nil {
			return
		}
		for c := range o.From(entryName(laterID(from, HeadOf(o).first))) {
			id, ok := entryID(c)
			if !ok || to.Before(id) || !yield(StreamEntry{id, c}) {
				return
			}
		}
	}
}

// StreamEntriesBack yields the entries from one ID down to another, both included.
func StreamEntriesBack(o *object.Object, from, to StreamID) iter.Seq[StreamEntry] {
	return func(yield func(StreamEntry) bool) {
		if o == nil {
			return
		}
		end := object.CellName([]byte{byte(object.Stream) + 1})
		if next, ok := from.Next(); ok {
			end = entryName(next)
		}
		for c := range o.Back(end) {
			id, ok := entryID(c)
			if !ok || id.Before(to) || !yield(StreamEntry{id, c}) {
				return
			}
		}
	}
}

// entryID is false of the head and of cells that are no entries.
func entryID(c *object.Cell) (StreamID, bool) {
	if c.Name.Kind() != object.Stream {
		return StreamID{}, false
	}
	return idOf(string(c.Name[1:]))
}

// HasEntry reports whether a stream has an entry of that ID.
func HasEntry(o *object.Object, id StreamID) bool { return o != nil && o.Cell(entryName(id)) != nil }

// EntryOf is the entry of an ID.
func EntryOf(o *object.Object, id StreamID) (StreamEntry, bool) {
	if o == nil {
		return StreamEntry{}, false
	}
	c := o.Cell(entryName(id))
	return StreamEntry{id, c}, c != nil
}

// StreamLength is the number of entries, those of one ID counted once.
func StreamLength(o *object.Object) int64 {
	if o == nil {
		return 0
	}
	n := o.Count(object.Stream)
	if n > 0 && o.Cell(headCell) != nil {
		n--
	}
	return n
}

// FirstEntry is the ID of the first entry, false when there is none.
func FirstEntry(o *object.Object) (StreamID, bool) {
	for entry := range StreamEntries(o, StreamID{}, MaxStreamID) {
		return entry.ID, true
	}
	return StreamID{}, false
}

// LastEntry is the ID of the last entry, false when there is none.
func LastEntry(o *object.Object) (StreamID, bool) {
	for entry := range StreamEntriesBack(o, MaxStreamID, StreamID{}) {
		return entry.ID, true
	}
	return StreamID{}, false
}

// BeginStream is called before a stream is added to that may not exist. Groups and deadlines that another node has changed
// while the key was removed must not come back with it.
func BeginStream(e *object.Edit) {
	if o := e.Object(); o.Tombstone() && o.HasAttributes(object.Stream) {
		Clear(e)
	}
	Begin(e)
}

// MakeStream makes a stream that has no entries.
func MakeStream(e *object.Edit) {
	BeginStream(e)
	if e.Cell(headCell) == nil {
		(&StreamHead{}).put(e)
	}
}

// AddEntry adds an entry whose ID is above that of the head. automatic says that the ID is one of NextID, made as home or not.
func AddEntry(e *object.Edit, id StreamID, values [][]byte, automatic, home bool) {
	h := headOfCell(e.Cell(headCell))
	h.Last, h.first = laterID(h.Last, id), earlierID(h.first, id)
	if automatic && home {
		h.home = e.Dot().Node
	}
	w := h.writer(e.Dot().Actor)
	w.last = laterID(w.last, id)
	w.added++
	h.put(e)
	e.Put(entryName(id), entryPayload(values))
}

// RemoveEntry removes an entry as XDEL does, and reports whether it was there.
func RemoveEntry(e *object.Edit, id StreamID) bool {
	if e.Cell(entryName(id)) == nil {
		return false
	}
	e.Remove(entryName(id))
	if h := headOfCell(e.Cell(headCell)); h.MaxDeleted.Before(id) {
		h.MaxDeleted = id
		h.put(e)
	}
	return true
}

// EndRemovals is called after RemoveEntry. It notes where the stream begins when the first entries were removed.
func EndRemovals(e *object.Edit) {
	h := headOfCell(e.Cell(headCell))
	first, some := FirstEntry(e.Object())
	if !some {
		first = h.Last
	}
	if h.first.Before(first) {
		h.first = first
		h.put(e)
	}
}

// SetStream sets what the head says. Nil leaves a part as it is.
func SetStream(e *object.Edit, last StreamID, added *uint64, maxDeleted *StreamID) {
	h := headOfCell(e.Cell(headCell))
	h.Last = last
	if maxDeleted != nil {
		h.MaxDeleted = *maxDeleted
	}
	if added != nil {
		for i := range h.writers {
			h.writers[i].added = 0
		}
		h.before, h.writer(e.Dot().Actor).added = 0, *added
	}
	h.put(e)
}

// FillStream makes a key that was cleared a stream of entries, which ascend, and of what they do not tell: the last ID, the greatest
// that was removed, and how many were added. Under one ID there may be several. All are those of the actor of this edit.
func FillStream(e *object.Edit, last, maxDeleted StreamID, added uint64, entries iter.Seq2[StreamID, [][][]byte]) {
	h := &StreamHead{Last: last, MaxDeleted: maxDeleted, first: last}
	*h.writer(e.Dot().Actor) = streamWriter{actor: e.Dot().Actor, last: last, added: added}
	for id, values := range entries {
		h.first = earlierID(h.first, id)
		e.Put(entryName(id), entryPayload(values...))
	}
	h.put(e)
}

// copyStream makes a stream of what o shows. Its entries are those of the actor that copies now, so positions of groups are
// told by ID alone.
func copyStream(e *object.Edit, o *object.Object) {
	from := HeadOf(o)
	FillStream(e, from.Last, from.MaxDeleted, from.Added(), func(yield func(StreamID, [][][]byte) bool) {
		for entry := range StreamEntries(o, StreamID{}, MaxStreamID) {
			if !yield(entry.ID, entry.Values()) {
				return
			}
		}
	})
	for c := range o.From(streamAttributes) {
		if c.Name.Kind() != object.None || c.Name.Owner() != object.Stream {
			break
		}
		payload := bytes.Clone(c.Newest().Payload)
		if c.Name[attributeWhat] == groupCells {
			g := groupOfCell(c)
			_, start := g.undelivered(from)
			payload = (&StreamGroup{Last: g.Last, Read: g.Read, set: e.Dot().Time, base: start}).encode()
		}
		e.Put(object.CellName([]byte(c.Name)), payload)
	}
}

// writtenBy reports whether yes says so of an actor that has written the entry.
func (s *StreamEntry) writtenBy(yes func(causal.Actor) bool) bool {
	return slices.ContainsFunc(s.cell.Versions, func(v causal.Version) bool { return yes(v.Dot.Actor) })
}
