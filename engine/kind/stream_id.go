package kind

import (
	"cmp"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/kindredkv/kindred/engine/causal"
)

// StreamID is the name of an entry of a stream: a Unix millisecond, as a rule, and a number within it.
type StreamID struct{ MS, Seq uint64 }

// MaxStreamID is the greatest.
var MaxStreamID = StreamID{math.MaxUint64, math.MaxUint64}

// Compare orders IDs.
func (id StreamID) Compare(o StreamID) int {
	if c := cmp.Compare(id.MS, o.MS); c != 0 {
		return c
	}
	return cmp.Compare(id.Seq, o.Seq)
}

// Before reports whether id is smaller than o.
func (id StreamID) Before(o StreamID) bool { return id.Compare(o) < 0 }

func laterID(a, b StreamID) StreamID {
	if a.Before(b) {
		return b
	}
	return a
}

func earlierID(a, b StreamID) StreamID {
	if a.Before(b) {
		return a
	}
	return b
}

// String is the ID as clients see it.
func (id StreamID) String() string {
	b := strconv.AppendUint(make([]byte, 0, 42), id.MS, 10)
	return string(strconv.AppendUint(append(b, '-'), id.Seq, 10))
}

// Next is the ID behind id, false when there is none.
func (id StreamID) Next() (StreamID, bool) {
	if id.Seq++; id.Seq == 0 {
		id.MS++
	}
	return id, id != StreamID{}
}

// Previous is the ID before id, false when there is none.
func (id StreamID) Previous() (StreamID, bool) {
	if id == (StreamID{}) {
		return id, false
	}
	if id.Seq--; id.Seq == math.MaxUint64 {
		id.MS--
	}
	return id, true
}

// appendName appends the ID in 16 bytes whose order is that of IDs.
func (id StreamID) appendName(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, id.MS), id.Seq)
}

const idSize = 16

// idOf reads what appendName has written.
func idOf(name string) (StreamID, bool) {
	if len(name) != idSize {
		return StreamID{}, false
	}
	b := []byte(name)
	return StreamID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, true
}

// Automatic IDs are made without asking anybody, so no two nodes may make the same one. A node has a tag, 40 bits of its
// number, at the low end of the sequence number, and a count above it. Only one node, the stream's home, numbers 0, 1, 2
// as a single server does: below 1<<tagBits, where no tagged number is, or with a tag of 0.
const tagBits = 40

func tagOf(node causal.Node) uint64 {
	return max(1, uint64(node)&(1<<tagBits-1))
}

// NextID is the ID of an entry that is added to a stream with this head under a dot, when the client leaves it to the
// store. It is false when there is none left. Home says that the node is the stream's home, see StreamHead.IsHome.
//
// The millisecond is that of the dot, which never repeats on a node, unless the stream is ahead of it. So IDs never go
// backwards on one node, although its wall clock may, and although it may have forgotten the stream.
func (h *StreamHead) NextID(dot causal.Dot, home bool) (StreamID, bool) {
	ms := uint64(dot.Time.Milliseconds())
	if ms < h.Last.MS {
		ms = h.Last.MS
	}
	if home {
		return h.NextIDIn(ms, dot, true)
	}
	events := uint64(dot.Time)&0xffff + 1
	if id := (StreamID{uint64(dot.Time.Milliseconds()), events<<tagBits | tagOf(dot.Node)}); h.Last.Before(id) {
		return id, true
	}
	return h.NextIDIn(ms, dot, false)
}

// NextIDIn is NextID with a given millisecond, for as long as the sequence numbers in it last; then with the one behind it.
func (h *StreamHead) NextIDIn(ms uint64, dot causal.Dot, home bool) (StreamID, bool) {
	id := StreamID{MS: ms}
	switch counted := h.Last.Seq >> tagBits; {
	case ms != h.Last.MS && home, h.Last == StreamID{} && home:
		if ms == 0 {
			id.Seq = 1 // 0-0 is no ID
		}
		return id, true
	case ms != h.Last.MS:
		id.Seq = 1<<tagBits | tagOf(dot.Node)
		return id, true
	case home && h.Last.Seq < 1<<tagBits-1:
		id.Seq = h.Last.Seq + 1
		return id, true
	case counted < math.MaxUint64>>tagBits:
		id.Seq = (counted + 1) << tagBits
		if !home {
			id.Seq |= tagOf(dot.Node)
		}
		return id, true
	case ms == math.MaxUint64:
		return StreamID{}, false
	default:
		return h.NextIDIn(ms+1, dot, home)
	}
}

// Exhausted reports whether no automatic ID is left.
func (h *StreamHead) Exhausted() bool { return h.Last.MS == math.MaxUint64 && h.MillisecondExhausted() }

// MillisecondExhausted reports whether no automatic ID is left in the millisecond of the last.
func (h *StreamHead) MillisecondExhausted() bool {
	return h.Last.Seq>>tagBits == math.MaxUint64>>tagBits
}
