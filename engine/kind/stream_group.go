package kind

import (
	"encoding/binary"
	"iter"
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// What belongs to the groups of a stream are attributes: cells named by None (1 byte), the type (1), what it is (1), and of
//
//	a group              its name
//	a consumer           the length of the group's name (uvarint), that name, the consumer's
//	a pending entry      the length of the group's name (uvarint), that name, the ID (16)
//
// so that the pending entries of a group are in the order of their IDs.
const (
	groupCells    = 'g'
	consumerCells = 'c'
	pendingCells  = 'p'

	attributeWhat = 2
)

// streamAttributes is before all attributes of streams.
var streamAttributes = object.CellName([]byte{byte(object.None), byte(object.Stream)})

func streamAttribute(what byte, parts ...[]byte) []byte {
	b := append(make([]byte, 0, 32), byte(object.None), byte(object.Stream), what)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func groupName(group []byte) object.CellName {
	return object.CellName(streamAttribute(groupCells, group))
}

// withinGroup begins the names of a group's consumers or pending entries.
func withinGroup(what byte, group []byte) []byte {
	return append(binary.AppendUvarint(streamAttribute(what), uint64(len(group))), group...)
}

// StreamGroup is a consumer group: how far it has read.
//
// An ID alone could not tell that. Entries that were added on the other side of a partition arrive late, with IDs below those
// that the group was given meanwhile, and would never be delivered. But the IDs of one actor are ascending and arrive in order,
// so what is left is told by a position for each actor that has added entries. Nodes will not do: one that has handed the
// stream over and forgotten it adds entries that arrive without its earlier ones.
type StreamGroup struct {
	// Last is the greatest ID that was delivered, or that the group was set to.
	Last StreamID
	// Read is the number of entries that were read, as Redis counts them, or EntriesUnknown.
	Read int64
	// set is when the group was made or set, which the later wins of concurrent ones, and wins over reading.
	set causal.Time
	// base is what the group was set to: entries up to it are not delivered.
	base StreamID
	// seen are the positions beyond base, in the order of the actors; the latest, when there were many.
	seen []streamPosition
	// before is the position of all others.
	before StreamID
}

// EntriesUnknown stands for a number of entries read that is not known.
const EntriesUnknown int64 = -1

// streamPosition says that the entries of an actor are delivered up to an ID.
type streamPosition struct {
	actor causal.Actor
	id    StreamID
}

// GroupOf is a group of a stream, nil when there is none of that name.
func GroupOf(o *object.Object, name []byte) *StreamGroup {
	if o == nil {
		return nil
	}
	if c := o.Cell(groupName(name)); c != nil {
		return groupOfCell(c)
	}
	return nil
}

func groupOfCell(c *object.Cell) *StreamGroup {
	g := decodeGroup(c.Versions[0].Payload)
	for i := range c.Versions[1:] {
		g.join(decodeGroup(c.Versions[1+i].Payload))
	}
	return g
}

// StreamGroups yields the groups of a stream in the order of their names.
func StreamGroups(o *object.Object) iter.Seq2[string, *StreamGroup] {
	return func(yield func(string, *StreamGroup) bool) {
		for rest, c := range streamCells(o, streamAttribute(groupCells)) {
			if !yield(rest, groupOfCell(c)) {
				return
			}
		}
	}
}

// streamCells yields the cells whose names begin with a prefix, and what is behind it.
func streamCells(o *object.Object, prefix []byte) iter.Seq2[string, *object.Cell] {
	return cellsFrom(o, prefix, nil)
}

// cellsFrom is streamCells from prefix and rest on.
func cellsFrom(o *object.Object, prefix, rest []byte) iter.Seq2[string, *object.Cell] {
	return func(yield func(string, *object.Cell) bool) {
		if o == nil {
			return
		}
		for c := range o.From(object.CellName(slices.Concat(prefix, rest))) {
			if len(c.Name) < len(prefix) || string(c.Name[:len(prefix)]) != string(prefix) || !yield(string(c.Name[len(prefix):]), c) {
				return
			}
		}
	}
}

// CountGroups is the number of groups.
func CountGroups(o *object.Object) (n int) {
	for range StreamGroups(o) {
		n++
	}
	return n
}

// SetGroup makes a group, or sets one that is there.
func SetGroup(e *object.Edit, name []byte, id StreamID, read int64) {
	g := StreamGroup{Last: id, Read: read, set: e.Dot().Time, base: id}
	g.put(e, name)
}

// DestroyGroup removes a group with all that belongs to it.
func DestroyGroup(e *object.Edit, o *object.Object, name []byte) {
	e.Remove(groupName(name))
	for _, what := range []byte{consumerCells, pendingCells} {
		for _, c := range streamCells(o, withinGroup(what, name)) {
			e.Remove(object.CellName([]byte(c.Name)))
		}
	}
}

func (g *StreamGroup) put(e *object.Edit, name []byte) {
	for len(g.seen) > maxWriters {
		oldest := 0
		for i := range g.seen {
			if g.seen[i].id.Before(g.seen[oldest].id) {
				oldest = i
			}
		}
		g.before = laterID(g.before, g.seen[oldest].id)
		g.seen = slices.Delete(g.seen, oldest, oldest+1)
	}
	e.Put(groupName(name), g.encode())
}

func (g *StreamGroup) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(g.set))
	b = appendID(appendID(appendID(b, g.Last), g.base), g.before)
	b = binary.AppendVarint(b, g.Read)
	for _, s := range g.seen {
		b = appendID(appendActor(b, s.actor), s.id)
	}
	return b
}

func decodeGroup(payload []byte) *StreamGroup {
	p := packed{rest: payload}
	g := &StreamGroup{set: causal.Time(p.number()), Last: p.id(), base: p.id(), before: p.id(), Read: p.signed()}
	for p.more() {
		actor := p.actor()
		g.reach(actor, p.id())
	}
	return g
}

func (g *StreamGroup) join(o *StreamGroup) {
	switch {
	case g.set > o.set:
		return
	case g.set < o.set:
		*g = *o
		return
	case g.Last.Before(o.Last):
		g.Last, g.Read = o.Last, o.Read
	case g.Last == o.Last:
		g.Read = max(g.Read, o.Read)
	}
	g.base, g.before = laterID(g.base, o.base), laterID(g.before, o.before)
	for _, s := range o.seen {
		g.reach(s.actor, s.id)
	}
}

func (g *StreamGroup) find(actor causal.Actor) (int, bool) {
	return slices.BinarySearchFunc(g.seen, actor, func(s streamPosition, actor causal.Actor) int { return s.actor.Compare(actor) })
}

// reach notes that the entries of an actor are delivered up to an ID.
func (g *StreamGroup) reach(actor causal.Actor, id StreamID) {
	at, ok := g.find(actor)
	if !ok {
		g.seen = slices.Insert(g.seen, at, streamPosition{actor: actor})
	}
	g.seen[at].id = laterID(g.seen[at].id, id)
}

// position is up to where the entries of an actor are delivered.
func (g *StreamGroup) position(actor causal.Actor) StreamID {
	if at, ok := g.find(actor); ok {
		return laterID(g.base, g.seen[at].id)
	}
	return laterID(g.base, g.before)
}

// undelivered is the ID behind which to look for entries that the group was not given, and whether there may be some: what is
// behind Last, and what actors have added beyond the group's positions. A group that has all does not look at the entries.
func (g *StreamGroup) undelivered(h *StreamHead) (some bool, behind StreamID) {
	behind = g.Last
	for i := range h.writers {
		w := &h.writers[i]
		if at := g.position(w.actor); at.Before(w.last) {
			some, behind = true, earlierID(behind, at)
		}
	}
	return some || g.Last.Before(h.Last), behind
}

// Advance sets a group to an ID above its last, as if all entries up to it were delivered.
func (g *StreamGroup) Advance(e *object.Edit, name []byte, id StreamID) {
	next := *g
	next.Last, next.base = laterID(g.Last, id), laterID(g.base, id)
	next.put(e, name)
}
