package object

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
)

// ErrCorrupt says that bytes are not the encoding of an object or a delta.
var ErrCorrupt = errors.New("corrupt object")

// The encoding of an object is its context, the number of cells, and each cell: name, number of versions, and each
// version as the index of its actor in the context, its time (8 bytes) and its payload. Lengths and counts are
// uvarints. Only the canonical form is decoded: names and dots in order, no cell without a version, every dot covered
// by the context.

// Append appends the encoding of o. The birth is local to a store and not part of it.
func Append(b []byte, o *Object) []byte {
	if o.Kept == nil {
		return AppendInline(b, o)
	}
	b = causal.AppendContext(b, o.Context)
	var cells []byte
	n := 0
	for c := range o.From("") {
		cells = appendCell(cells, c, o.Context)
		n++
	}
	return append(binary.AppendUvarint(b, uint64(n)), cells...)
}

// AppendInline is Append without the cells that are kept in rows.
func AppendInline(b []byte, o *Object) []byte {
	b = causal.AppendContext(b, o.Context)
	return appendCells(b, o.Cells, o.Context)
}

func appendCells(b []byte, cells []Cell, context causal.Context) []byte {
	b = binary.AppendUvarint(b, uint64(len(cells)))
	for i := range cells {
		b = appendCell(b, &cells[i], context)
	}
	return b
}

func appendCell(b []byte, c *Cell, context causal.Context) []byte {
	b = binary.AppendUvarint(b, uint64(len(c.Name)))
	b = append(b, c.Name...)
	b = binary.AppendUvarint(b, uint64(len(c.Versions)))
	for j := range c.Versions {
		v := &c.Versions[j]
		b = binary.AppendUvarint(b, uint64(actorIndex(context, v.Dot.Actor)))
		b = binary.BigEndian.AppendUint64(b, uint64(v.Dot.Time))
		b = AppendLarge(binary.AppendUvarint(b, uint64(len(v.Payload))), v.Payload)
	}
	return b
}

// copyPiece is how much is copied at a time. Nothing in the process can be stopped in the midst of a copy, and while the collector waits
// for that, nothing runs: copying 100 MB at once took tenths of a second of everybody.
const copyPiece = 1 << 20

// AppendLarge is append for bytes that may be very many.
func AppendLarge(b, p []byte) []byte {
	if len(p) <= copyPiece {
		return append(b, p...)
	}
	n := len(b)
	b = slices.Grow(b, len(p))[:n+len(p)]
	CopyLarge(b[n:], p)
	return b
}

// CopyLarge is copy for bytes that may be very many; to is at least as long as p.
func CopyLarge(to, p []byte) {
	for len(p) > copyPiece {
		copy(to, p[:copyPiece])
		to, p = to[copyPiece:], p[copyPiece:]
	}
	copy(to, p)
}

// AppendVersions appends the encoding of a cell that is kept on its own: the number of versions, and of each node, birth and
// time (8 bytes each) and the payload with its length.
func AppendVersions(b []byte, versions []causal.Version) []byte {
	b = binary.AppendUvarint(b, uint64(len(versions)))
	for i := range versions {
		b = appendDot(b, versions[i].Dot)
		b = binary.AppendUvarint(b, uint64(len(versions[i].Payload)))
		b = append(b, versions[i].Payload...)
	}
	return b
}

func appendDot(b []byte, d causal.Dot) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(d.Node))
	b = binary.BigEndian.AppendUint64(b, uint64(d.Birth))
	return binary.BigEndian.AppendUint64(b, uint64(d.Time))
}

// dotOf reads a dot from dotSize bytes.
func dotOf(b []byte) causal.Dot {
	return causal.Dot{
		Actor: causal.Actor{
			Node:  causal.Node(binary.BigEndian.Uint64(b)),
			Birth: causal.Time(binary.BigEndian.Uint64(b[8:])),
		},
		Time: causal.Time(binary.BigEndian.Uint64(b[16:])),
	}
}

// DecodeVersions reads what AppendVersions has written, at least one version. The payloads share memory with b.
func DecodeVersions(b []byte) ([]causal.Version, error) { return DecodeVersionsIn(nil, b) }

// DecodeVersionsIn is DecodeVersions into the memory of versions that nobody looks at any more.
func DecodeVersionsIn(room []causal.Version, b []byte) ([]causal.Version, error) {
	d := decoder{b: b}
	n := d.count(dotSize + 1)
	out := slices.Grow(room[:0], n)
	for range n {
		if len(d.b) < dotSize {
			d.fail()
			break
		}
		dot := dotOf(d.b)
		d.b = d.b[dotSize:]
		out = append(out, causal.Version{Dot: dot, Payload: d.bytes()})
	}
	if d.failed || n == 0 || len(d.b) != 0 {
		return nil, ErrCorrupt
	}
	return out, nil
}

// AppendKept appends what a store notes of the cells that it keeps in rows: generation (8 bytes), bytes, the number of types
// and of each the type, elements, attributes, newest dot, inexact, low and high. Numbers and lengths are uvarints.
func AppendKept(b []byte, k *Kept) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(k.Generation))
	b = binary.AppendUvarint(b, uint64(k.Bytes))
	b = binary.AppendUvarint(b, uint64(len(k.Counts)))
	for _, c := range k.Counts {
		b = append(b, byte(c.Kind))
		b = binary.AppendUvarint(b, uint64(c.Elements))
		b = binary.AppendUvarint(b, uint64(c.Attributes))
		b = appendDot(b, c.Newest)
		inexact := byte(0)
		if c.Inexact {
			inexact = 1
		}
		b = append(b, inexact)
		b = append(binary.AppendUvarint(b, uint64(len(c.Low))), c.Low...)
		b = append(binary.AppendUvarint(b, uint64(len(c.High))), c.High...)
	}
	return b
}

// DecodeKept reads what AppendKept has written from the front of b, and returns what is behind it.
func DecodeKept(b []byte) (*Kept, []byte, error) {
	if len(b) < 8 {
		return nil, nil, ErrCorrupt
	}
	k := &Kept{Generation: causal.Time(binary.BigEndian.Uint64(b))}
	d := decoder{b: b[8:]}
	k.Bytes = int64(d.uvarint())
	k.Counts = make([]KindCount, d.count(dotSize+6))
	for i := range k.Counts {
		c := &k.Counts[i]
		if len(d.b) > 0 {
			c.Kind, d.b = Kind(d.b[0]), d.b[1:]
		}
		c.Elements, c.Attributes = int64(d.uvarint()), int64(d.uvarint())
		if len(d.b) < dotSize+1 {
			return nil, nil, ErrCorrupt
		}
		c.Newest, c.Inexact = dotOf(d.b), d.b[dotSize] != 0
		d.b = d.b[dotSize+1:]
		c.Low, c.High = string(d.bytes()), string(d.bytes())
	}
	if d.failed {
		return nil, nil, ErrCorrupt
	}
	return k, d.b, nil
}

func actorIndex(context causal.Context, actor causal.Actor) int {
	for i := range context {
		if context[i].Actor == actor {
			return i
		}
	}
	panic("object: a live version that its own context does not cover")
}

// Room holds the parts of the commonest object, one value under one or two actors, in one allocation. The zero value
// is ready.
type Room struct {
	object   Object
	context  [2]causal.Entry
	cells    [1]Cell
	versions [1]causal.Version
}

// Decode reads an object. Its names and payloads share memory with b, which must not change afterwards.
func Decode(b []byte) (*Object, error) { return DecodeIn(nil, b) }

// DecodeIn is Decode into room, which the object occupies for as long as anybody looks at it; into a new one when room is
// nil. What does not fit is allocated.
func DecodeIn(room *Room, b []byte) (*Object, error) {
	if room == nil {
		room = &Room{}
	}
	o := &room.object
	o.Birth, o.Kept = 0, nil
	var err error
	if o.Context, b, err = causal.DecodeContext(room.context[:0], b); err != nil {
		return nil, err
	}
	d := decoder{b: b, context: o.Context, versions: room.versions[:0]}
	o.Cells = d.cells(room.cells[:0], 1)
	if d.failed || len(d.b) != 0 {
		return nil, ErrCorrupt
	}
	return o, nil
}

// AppendDelta appends the encoding of d: base, dot, flags, touched cells.
func AppendDelta(b []byte, d *Delta) []byte {
	b = causal.AppendContext(b, d.Base)
	b = appendDot(b, d.Dot)
	var flags byte
	if d.Cleared {
		flags |= deltaCleared
	}
	b = append(b, flags)
	return appendCells(b, d.Touched, d.Context())
}

const (
	deltaCleared = 1
	dotSize      = 24
)

// DecodeDelta reads a delta. Its names and payloads share memory with b, which must not change afterwards.
func DecodeDelta(b []byte) (*Delta, error) {
	d := &Delta{}
	var err error
	if d.Base, b, err = causal.DecodeContext(nil, b); err != nil {
		return nil, err
	}
	if len(b) < dotSize+1 || b[dotSize]&^deltaCleared != 0 {
		return nil, ErrCorrupt
	}
	d.Dot = dotOf(b)
	if d.Dot.Time == 0 || d.Base.Covers(d.Dot) {
		return nil, ErrCorrupt
	}
	d.Cleared = b[dotSize]&deltaCleared != 0
	dec := decoder{b: b[dotSize+1:], context: d.Context()}
	d.Touched = dec.cells(nil, 0)
	if dec.failed || len(dec.b) != 0 {
		return nil, ErrCorrupt
	}
	return d, nil
}

// decoder reads cells from the front of b. After a failure it yields nothing more.
type decoder struct {
	b        []byte
	context  causal.Context
	versions []causal.Version // spare room for versions of the cells to come
	failed   bool
}

func (d *decoder) fail() { d.b, d.failed = nil, true }

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// bytes reads a length and that many bytes.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if d.failed || n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

// count reads a number of items that take at least size bytes each, so that a hostile count cannot make it allocate
// more than a small multiple of the input.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if d.failed || n > uint64(len(d.b)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

const (
	minCell    = 2  // name length, number of versions
	minVersion = 10 // actor, time, payload length
)

// cells reads a list of cells into dst, each with at least minVersions versions.
func (d *decoder) cells(dst []Cell, minVersions int) []Cell {
	n := d.count(minCell)
	dst = slices.Grow(dst, n)
	if n > cap(d.versions) {
		d.versions = make([]causal.Version, 0, n) // most cells have one
	}
	for range n {
		name := CellName(view(d.bytes()))
		if len(dst) > 0 && dst[len(dst)-1].Name >= name {
			d.fail()
		}
		versions := d.cellVersions()
		if len(versions) < minVersions {
			d.fail()
		}
		if d.failed {
			return nil
		}
		dst = append(dst, Cell{Name: name, Versions: versions})
	}
	return dst
}

func (d *decoder) cellVersions() []causal.Version {
	n := d.count(minVersion)
	if n == 0 {
		return nil
	}
	out := d.versions[:0:min(n, cap(d.versions))]
	if n > cap(out) {
		out = make([]causal.Version, 0, n)
	} else {
		d.versions = d.versions[n:cap(d.versions)]
	}
	for range n {
		actor := d.uvarint()
		if d.failed || actor >= uint64(len(d.context)) || len(d.b) < 8 {
			d.fail()
			return nil
		}
		dot := causal.Dot{Actor: d.context[actor].Actor, Time: causal.Time(binary.BigEndian.Uint64(d.b))}
		d.b = d.b[8:]
		payload := d.bytes()
		if d.failed || dot.Time == 0 || dot.Time > d.context[actor].Time ||
			len(out) > 0 && out[len(out)-1].Dot.Compare(dot) >= 0 {
			d.fail()
			return nil
		}
		out = append(out, causal.Version{Dot: dot, Payload: payload})
	}
	return out
}
