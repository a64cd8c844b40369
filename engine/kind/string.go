package kind

import (
	"bytes"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Value is the string that the object shows: its newest value and the increments on top; nil when it has neither. The
// caller must not change it.
func Value(o *object.Object) []byte {
	if o == nil {
		return nil
	}
	t := tallyOf(o)
	return t.text()
}

// Sibling is one of several concurrent values.
type Sibling struct {
	// Dot is the write that the value is from: for a counter the latest increment.
	Dot   causal.Dot
	Value []byte
}

// Values are the concurrent values of a string, the one that is shown first, the others from newer to older. Increments are
// part of the first.
func Values(o *object.Object) []Sibling {
	if o == nil {
		return nil
	}
	t := tallyOf(o)
	if t.base == nil && len(t.increments) == 0 {
		return nil
	}
	first := Sibling{Dot: t.newest(), Value: t.text()}
	out := []Sibling{first}
	if c := o.Cell(object.ValueCell); c != nil {
		for i := len(c.Versions) - 2; i >= 0; i-- {
			out = append(out, Sibling{Dot: c.Versions[i].Dot, Value: c.Versions[i].Payload})
		}
	}
	return out
}

// Set writes the whole value, a copy of what it is given, over all that the node holds of the key, of any type. The key's
// deadline goes, or stays with keepTTL.
func Set(e *object.Edit, value []byte, keepTTL bool) {
	deadline := object.NoDeadline
	if keepTTL {
		// Restated rather than left as it is: a value without a deadline of its own would count as one that never expires.
		deadline = e.Object().Deadline()
	}
	Clear(e)
	e.Put(object.ValueCell, bytes.Clone(value))
	if deadline != object.NoDeadline {
		e.SetDeadline(deadline)
	}
}

// SetSeen writes the whole value over what the token covers, whether the node holds that or not. What it holds besides
// stays, as siblings or increments on top. It fails with object.ErrTokenMalformed before anything is changed.
func SetSeen(e *object.Edit, value []byte, t object.Token) error {
	left, ok := decodeSettled(t.Settled)
	if !ok {
		return object.ErrTokenMalformed
	}
	left = removed(e.Object(), t.Context.Covers, left)
	e.RemoveSeen(t.Context)
	e.PutSeen(object.ValueCell, bytes.Clone(value), t.Context)
	if left = left.without(e); len(left) > 0 {
		e.PutSeen(settledCell, left.encode(), t.Context)
	}
	return nil
}

// Clear removes all that the node holds of the key, of any type, and leaves what it has settled by that.
func Clear(e *object.Edit) {
	left := removed(e.Object(), everything, nil)
	e.Clear()
	if left = left.without(e); len(left) > 0 {
		e.Put(settledCell, left.encode())
	}
}

// TokenOf is the token of all that the object is. A nil object, of a key that nobody has written, gives a token that
// covers nothing.
func TokenOf(o *object.Object) object.Token {
	if o == nil {
		return object.Token{}
	}
	return object.Token{Context: o.Context, Settled: removed(o, everything, nil).encode()}
}

func everything(causal.Dot) bool { return true }

// removed adds to left the totals that a removal of what seen covers settles: those of increments that go, and those that
// were left by values that go.
func removed(o *object.Object, seen func(causal.Dot) bool, left settled) settled {
	for _, c := range o.Prefixed(stringPrefix) {
		if v := c.Newest(); c.Name != object.ValueCell && seen(v.Dot) {
			if i, ok := readIncrement(c.Name, v.Dot.Time, v.Payload); ok {
				left = left.add(i)
			}
		}
	}
	if c := o.Cell(settledCell); c != nil {
		for i := range c.Versions {
			if v := &c.Versions[i]; seen(v.Dot) {
				left = left.addEncoded(v.Payload)
			}
		}
	}
	return left
}

// without drops the totals of the actor of this edit whose cell is gone: it will begin a new epoch.
func (s settled) without(e *object.Edit) settled {
	var out settled
	for _, i := range s {
		if i.actor() != e.Dot().Actor || e.Object().Cell(i.name) != nil {
			out = append(out, i)
		}
	}
	return out.bounded()
}
