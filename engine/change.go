package engine

import (
	"github.com/kindredkv/kindred/engine/cache"
	"github.com/kindredkv/kindred/engine/object"
)

// Change is one key that a task changed. It is made of bytes, which nobody changes any more, so it may be kept.
type Change struct {
	Key object.Key
	// Delta is the encoding of what an edit changed; nil for a merge, and for an object of few cells, which is sent whole.
	Delta []byte

	record  cache.Record // the key's after the batch, which may hold later changes too
	whole   []byte       // the encoding of the object, where record does not have it and there is no delta
	pending *pendingKey  // until the batch is committed
	edited  bool         // it is an edit, not a merge
}

// settle ends the batch of the change. Of an object that was small after the change, or gone, and has cells in rows after the
// batch, it keeps what the delta would be for: all cells are of this batch.
func (c *Change) settle() {
	p := c.pending
	if c.edited && c.Delta == nil && p.object.Kept != nil {
		if p.whole == nil {
			p.whole = object.Append(nil, p.object)
		}
		c.whole = p.whole
	}
	c.record, c.pending = p.record, nil
}

// NewChange returns the change that leaves a key as an object; the delta may be nil.
func NewChange(key object.Key, o *object.Object, delta []byte) Change {
	return Change{Key: key, Delta: delta, record: cache.NewRecord(key, o.Context.Digest(), appendRow(nil, 0, o))}
}

// Encoding is that of the whole object after the change. It reports false for one whose cells are in rows, and of which there
// is a delta or that was merged: Store.Whole has it.
func (c *Change) Encoding() (encoding []byte, ok bool) {
	if c.whole != nil {
		return c.whole, true
	}
	return encodingOf(c.record)
}

// Object is the object after the change, decoded: the empty one for a key that was forgotten. Cells in rows are not to be
// read from it.
func (c *Change) Object() *object.Object {
	row := c.record.Row()
	if len(row) == 0 {
		return &object.Object{}
	}
	p, err := splitRow(row)
	if err != nil {
		panic("engine: a change that cannot be decoded: " + err.Error())
	}
	o, err := decodeRow(row, p.epoch, nil)
	if err != nil {
		panic("engine: a change that cannot be decoded: " + err.Error())
	}
	return o
}

// noObject is the encoding of the empty object.
var noObject = object.Append(nil, &object.Object{})

// encodingOf is the encoding of the object of a record; false when its cells are in rows.
func encodingOf(r cache.Record) (encoding []byte, ok bool) {
	row := r.Row()
	if len(row) == 0 {
		return noObject, true
	}
	p, err := splitRow(row)
	if err != nil {
		panic("engine: a record of a malformed row")
	}
	return p.encoding, p.kept == nil
}
