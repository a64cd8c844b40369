package kind

import (
	"cmp"
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
	// home is the node that numbers automatic IDs 0, 1, 2, see NextID; 0 for none so far.
	home causal.Node
	// writers are the nodes that have added entries, in the order of their numbers.
	writers []streamWriter
}

// streamWriter is what one node has added to a stream. Its IDs are ascending.
type streamWriter struct {
	node  causal.Node
	last  StreamID
	added uint64
}

// HeadOf is the head of a stream, an empty one when it does not exist.
func HeadOf(o *object.Object) *StreamHead {
	if o == nil {
		return &StreamHead{}
	}
	return headOfCell(o.Cell(headCell))
}

func headOfCell(c *object.Cell) *StreamHead {
	h := &StreamHead{}
	if c == nil {
		return h
	}
	for i := range c.Versions {
		h.join(decodeHead(c.Versions[i].Payload))
	}
	return h
}

// Added is the number of entries that were ever added.
func (h *StreamHead) Added() (n uint64) {
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
	if h.home == 0 || o.home != 0 && o.home < h.home {
		h.home = o.home
	}
	for i := range o.writers {
		w := h.writer(o.writers[i].node)
		w.last, w.added = laterID(w.last, o.writers[i].last), max(w.added, o.writers[i].added)
	}
}

// writer is the part of a node, which is made if there is none.
func (h *StreamHead) writer(node causal.Node) *streamWriter {
	at, ok := slices.BinarySearchFunc(h.writers, node, func(w streamWriter, node causal.Node) int { return cmp.Compare(w.node, node) })
	if !ok {
		h.writers = slices.Insert(h.writers, at, streamWriter{node: node})
	}
	return &h.writers[at]
}

// put makes h the head.
func (h *StreamHead) put(e *object.Edit) {
	b := appendID(appendID(nil, h.Last), h.MaxDeleted)
	b = binary.AppendUvarint(b, uint64(h.home))
	for i := range h.writers {
		w := &h.writers[i]
		b = binary.AppendUvarint(appendID(binary.AppendUvarint(b, uint64(w.node)), w.last), w.added)
	}
	e.Put(headCell, b)
}

func decodeHead(payload []byte) *StreamHead {
	p := packed{rest: payload}
	h := &StreamHead{Last: p.id(), MaxDeleted: p.id(), home: causal.Node(p.number())}
	for p.more() {
		w := h.writer(causal.Node(p.number()))
		w.last, w.added = p.id(), p.number()
	}
	return h
}
