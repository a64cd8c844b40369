package kind

import (
	"bytes"
	"math/big"
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/hyperloglog"
	"github.com/kindredkv/kindred/engine/object"
)

// The versions of a field's cell are values and increments. The first byte of a payload says which: fieldValue before the
// value itself, or ones or units before an increment of the version's actor.
const fieldValue = '='

// fieldSettled names the attribute with the settled totals of a field.
const fieldSettled = '+'

// IsValue reports whether a version is one of several values of which some may be dropped, rather than an increment, a sketch,
// or a part of what a stream and its groups know.
func IsValue(name object.CellName, v *causal.Version) bool {
	switch name.Kind() {
	case object.None:
		return name.Owner() != object.Stream
	case object.String:
		return name != object.ValueCell || !hyperloglog.Is(v.Payload)
	case object.Hash:
		return isFieldValue(v)
	case object.ZSet:
		return isScoreSet(v)
	case object.Stream:
		return name != headCell
	default:
		return true
	}
}

func isFieldValue(v *causal.Version) bool { return len(v.Payload) > 0 && v.Payload[0] == fieldValue }

// HasField reports whether a hash has a field. A nil object is a key that does not exist.
func HasField(o *object.Object, field []byte) bool { return has(o, object.Hash, field) }

// Field is the value of a field; false when the hash does not have it. The caller must not change it.
func Field(o *object.Object, field []byte) ([]byte, bool) {
	if o == nil {
		return nil, false
	}
	c := o.Cell(elementName(object.Hash, field))
	if c == nil {
		return nil, false
	}
	return fieldText(o, c, field), true
}

// Value is the value of an element that is a field of o.
func (el *Element) Value(o *object.Object) []byte {
	if v := el.cell.Versions; len(v) == 1 && isFieldValue(&v[0]) {
		return v[0].Payload[1:]
	}
	return fieldText(o, el.cell, []byte(el.Name))
}

func fieldText(o *object.Object, c *object.Cell, field []byte) []byte {
	if len(c.Versions) == 1 && isFieldValue(&c.Versions[0]) {
		return c.Versions[0].Payload[1:]
	}
	t := fieldTally(c, settledOfField(o, field))
	return t.text()
}

// settledOfField is the cell of a field's settled totals, nil when there are none.
func settledOfField(o *object.Object, field []byte) *object.Cell {
	if !o.HasAttributes(object.Hash) {
		return nil
	}
	return o.Cell(attributeName(object.Hash, fieldSettled, field))
}

// fieldTally takes a field apart, as tallyOf does a string: each increment as the cell that it would be there.
func fieldTally(c, left *object.Cell) tally {
	var t tally
	for i := range c.Versions {
		v := &c.Versions[i]
		switch {
		case isFieldValue(v):
			t.base, t.baseDot = v.Payload[1:], v.Dot // the last is the newest
		case len(v.Payload) > 0:
			t.increments = append(t.increments, incrementCell(v))
		}
	}
	if left != nil {
		for i := range left.Versions {
			t.settled = t.settled.addEncoded(left.Versions[i].Payload)
		}
	}
	return t
}

func incrementCell(v *causal.Version) object.Cell {
	return object.Cell{
		Name:     incrementName(v.Payload[0], v.Dot.Actor),
		Versions: []causal.Version{{Dot: v.Dot, Payload: v.Payload[1:]}},
	}
}

func fieldPayload(value []byte) []byte {
	return append(append(make([]byte, 0, 1+len(value)), fieldValue), value...)
}

// SetField gives a field a value over all that the node holds of it, its deadline too, and reports whether the field is new.
func SetField(e *object.Edit, field, value []byte) bool {
	name := elementName(object.Hash, field)
	c := e.Cell(name)
	settleField(e, c, field)
	dropFieldDeadline(e, field)
	e.Put(name, fieldPayload(value))
	return c == nil
}

// RemoveField removes a field and reports whether it was there.
func RemoveField(e *object.Edit, field []byte) bool {
	name := elementName(object.Hash, field)
	c := e.Cell(name)
	if c == nil {
		return false
	}
	settleField(e, c, field)
	dropFieldDeadline(e, field)
	e.Remove(name)
	return true
}

// settleField leaves what is known of other actors' increments to a field whose cell is about to be overwritten or removed.
func settleField(e *object.Edit, c *object.Cell, field []byte) {
	var left settled
	if c != nil {
		for i := range c.Versions {
			v := &c.Versions[i]
			if isFieldValue(v) || len(v.Payload) == 0 || v.Dot.Actor == e.Dot().Actor {
				continue
			}
			cell := incrementCell(v)
			if inc, ok := readIncrement(cell.Name, v.Dot.Time, cell.Versions[0].Payload); ok {
				left = left.add(inc)
			}
		}
	}
	if len(left) == 0 {
		return
	}
	name := attributeName(object.Hash, fieldSettled, field)
	if old := e.Cell(name); old != nil {
		for i := range old.Versions {
			left = left.addEncoded(old.Versions[i].Payload)
		}
	}
	left = slices.DeleteFunc(left, func(i increment) bool { return i.actor() == e.Dot().Actor })
	e.Put(name, left.bounded().encode())
}

// AddToField is the addition of delta to the integer that a field shows, 0 when it is not there, and what it shows then. It
// fails with ErrNotInteger or ErrOverflow.
func AddToField(o *object.Object, field []byte, delta int64) (Addition, int64, error) {
	t := tallyOfField(o, field)
	return t.add(delta)
}

// AddFloatToField is AddToField for numbers. It fails with ErrNotFloat or ErrNotFinite.
func AddFloatToField(o *object.Object, field []byte, delta *big.Float) (Addition, []byte, error) {
	t := tallyOfField(o, field)
	return t.addFloat(delta)
}

func tallyOfField(o *object.Object, field []byte) tally {
	if o != nil {
		if c := o.Cell(elementName(object.Hash, field)); c != nil {
			return fieldTally(c, settledOfField(o, field))
		}
	}
	return tally{}
}

// MakeInField makes the addition to the field that it was computed for.
func (a Addition) MakeInField(e *object.Edit, field []byte) {
	name := elementName(object.Hash, field)
	actor := e.Dot().Actor
	i := increment{name: incrementName(a.counts, actor), epoch: e.Dot().Time}
	own := func(v *causal.Version) bool {
		return v.Dot.Actor == actor && len(v.Payload) > 0 && v.Payload[0] == a.counts
	}
	if c := e.Cell(name); c != nil {
		for j := range c.Versions {
			if v := &c.Versions[j]; own(v) {
				i, _ = readIncrement(i.name, v.Dot.Time, v.Payload[1:])
			}
		}
	}
	i.total = i.total.plus(a.delta)
	payload := i.payload(append(make([]byte, 0, 1+16), a.counts))
	e.PutBeside(name, payload, func(v *causal.Version) bool { return !own(v) })
}

// copyField puts what an element shows into a field of another hash, with its deadline.
func copyField(e *object.Edit, o *object.Object, el *Element) {
	field := []byte(el.Name)
	e.Put(elementName(object.Hash, field), fieldPayload(el.Value(o)))
	if at := FieldDeadline(o, field); at != object.NoDeadline {
		SetFieldDeadline(e, field, at)
	}
}

// FieldValues are the concurrent values of a field, the one that is shown first, as Values gives those of a string.
func FieldValues(o *object.Object, field []byte) []Sibling {
	if o == nil {
		return nil
	}
	c := o.Cell(elementName(object.Hash, field))
	if c == nil {
		return nil
	}
	t := fieldTally(c, settledOfField(o, field))
	out := []Sibling{{Dot: t.newest(), Value: t.text()}}
	for i := len(c.Versions) - 1; i >= 0; i-- {
		v := &c.Versions[i]
		if !isFieldValue(v) || v.Dot == t.baseDot {
			continue
		}
		other := Sibling{Dot: v.Dot, Value: bytes.Clone(v.Payload[1:])}
		if !slices.ContainsFunc(out, other.same) {
			out = append(out, other)
		}
	}
	return out
}
