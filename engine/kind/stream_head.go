package kind

import (
	"encoding/binary"
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// headCell is in every stream, so that a stream without entries exists. Its name is shorter than that of any entry, and it
// is the first cell of the type.
var headCell = object.CellName([]byte{byte(object.Stream)})

// StreamHead is what a stream knows besides its entries. Of concurrent versions the greater of each part counts. Who writes
// it has joined those it holds, so in general there is one.
type StreamHead struct {
	// Last is the ID of the entry added last, which later ones must exceed, whether or not it is still there.
	Last StreamID
	// MaxDeleted is the greatest ID that XDEL has removed.
	MaxDeleted StreamID
	// first is an ID below which there are no entries. Without it a stream that is trimmed all the time would be walked from
	// where it once began, over what a store still knows of removed rows. It holds across nodes as the least of all versions:
	// for each entry there is one whose writer has seen it.
	first StreamID
	// home is the node that numbers automatic IDs 0, 1, 2, see NextID; 0 for none so far.
	home causal.Node
	// writers are the actors that have added entries, in their order; the latest, when there were many.
	writers []streamWriter
	// before is the number of entries that others have added.
	before uint64
}

// streamWriter is what one actor has added to a stream. Its IDs are ascending, and who has one of its entries has, or had, all
// before.
type streamWriter struct {
	actor causal.Actor
	last  StreamID
	added uint64
}

// maxWriters bounds the actors that a stream and its groups keep apart: a node becomes another with each restart. What an earlier
// one has added while cut off is no longer told from what was delivered if it arrives after so many others.
const maxWriters = 16

// HeadOf is the head of a stream, an empty one when it does not exist.
func HeadOf(o *object.Object) *StreamHead {
	if o == nil {
		return &StreamHead{}
	}
	return headOfCell(o.Cell(headCell))
}

func headOfCell(c *object.Cell) *StreamHead {
	if c == nil {
		return &StreamHead{}
	}
	h := decodeHead(c.Versions[0].Payload)
	for i := range c.Versions[1:] {
		h.join(decodeHead(c.Versions[1+i].Payload))
	}
	return h
}

// Added is the number of entries that were ever added.
func (h *StreamHead) Added() (n uint64) {
	n = h.before
	for i := range h.writers {
		n += h.writers[i].added
	}
	return n
}

// IsHome reports whether a node is the stream's home, which only the first primary of the key's slot becomes: nodes agree
// on who that is, though some are cut off. A stream keeps its home when the ring changes, since nodes may learn of that at
// different times. first says that the node is that primary.
func (h *StreamHead) IsHome(node causal.Node, first bool) bool {
	return h.home == node || h.home == 0 && first
}

func (h *StreamHead) join(o *StreamHead) {
	h.Last, h.MaxDeleted = laterID(h.Last, o.Last), laterID(h.MaxDeleted, o.MaxDeleted)
	h.first = earlierID(h.first, o.first)
	if h.home == 0 || o.home != 0 && o.home < h.home {
		h.home = o.home
	}
	h.before = max(h.before, o.before)
	for i := range o.writers {
		w := h.writer(o.writers[i].actor)
		w.last, w.added = laterID(w.last, o.writers[i].last), max(w.added, o.writers[i].added)
	}
}

// writer is the part of an actor, which is made if there is none.
func (h *StreamHead) writer(actor causal.Actor) *streamWriter {
	at, ok := slices.BinarySearchFunc(h.writers, actor, func(w streamWriter, actor causal.Actor) int { return w.actor.Compare(actor) })
	if !ok {
		h.writers = slices.Insert(h.writers, at, streamWriter{actor: actor})
	}
	return &h.writers[at]
}

// put makes h the head.
func (h *StreamHead) put(e *object.Edit) {
	for len(h.writers) > maxWriters {
		oldest := 0
		for i := range h.writers {
			if h.writers[i].last.Before(h.writers[oldest].last) {
				oldest = i
			}
		}
		h.before += h.writers[oldest].added
		h.writers = slices.Delete(h.writers, oldest, oldest+1)
	}
	b := appendID(appendID(appendID(nil, h.Last), h.MaxDeleted), h.first)
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(h.home)), h.before)
	for i := range h.writers {
		w := &h.writers[i]
		b = binary.AppendUvarint(appendID(appendActor(b, w.actor), w.last), w.added)
	}
	e.Put(headCell, b)
}

func decodeHead(payload []byte) *StreamHead {
	p := packed{rest: payload}
	h := &StreamHead{Last: p.id(), MaxDeleted: p.id(), first: p.id(), home: causal.Node(p.number()), before: p.number()}
	for p.more() {
		w := h.writer(p.actor())
		w.last, w.added = p.id(), p.number()
	}
	return h
}
