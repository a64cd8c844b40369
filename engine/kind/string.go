package kind

import (
	"bytes"
	"slices"

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
// part of the first. Equal values are no conflict: the newest stands for all of them.
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
		for _, other := range otherValues(c) {
			if !slices.ContainsFunc(out, other.same) {
				out = append(out, other)
			}
		}
	}
	return out
}

func (s Sibling) same(o Sibling) bool { return bytes.Equal(s.Value, o.Value) }

// Conflicted reports whether a string has several values.
func Conflicted(o *object.Object) bool {
	c := o.Cell(object.ValueCell)
	return c != nil && len(c.Versions) > 1 && len(Values(o)) > 1
}

// Set writes the whole value over all that the node holds of the key, of any type. The key's deadline goes, or stays with
// keepTTL. The value is not copied: it must stay as it is for as long as the result of the edit is looked at.
func Set(e *object.Edit, value []byte, keepTTL bool) {
	deadline := object.NoDeadline
	if keepTTL {
		// Restated rather than left as it is: a value without a deadline of its own would count as one that never expires.
		deadline = e.Object().Deadline()
	}
	Clear(e)
	e.Put(object.ValueCell, value)
	if deadline != object.NoDeadline {
		e.SetDeadline(deadline)
	}
}

// SetSeen writes the whole value over what a client has seen, whether the node holds that or not. What it holds besides
// stays, as siblings or increments on top.
func SetSeen(e *object.Edit, value []byte, seen Seen) {
	left := removeSeen(e, seen)
	putSeen(e, bytes.Clone(value), seen.Context)
	left.leave(e, seen)
}

// ClearSeen removes what a client has seen, whether the node holds that or not.
func ClearSeen(e *object.Edit, seen Seen) {
	removeSeen(e, seen).leave(e, seen)
}

func removeSeen(e *object.Edit, seen Seen) settled {
	left := removed(e.Object(), seen.Context.Covers, slices.Clone(seen.settled))
	e.RemoveSeen(seen.Context)
	return left
}

// leave puts down what a removal has settled, beside what others have.
func (s settled) leave(e *object.Edit, seen Seen) {
	if s = s.without(e); len(s) > 0 {
		e.PutSeen(settledCell, s.encode(), seen.Context)
	}
}

// Clear removes all that the node holds of the key, of any type, and leaves what it has settled by that.
func Clear(e *object.Edit) {
	left := removed(e.Object(), everything, nil)
	e.Clear()
	if left = left.without(e); len(left) > 0 {
		e.Put(settledCell, left.encode())
	}
}

// Copy makes the key what o shows, with its deadline. Values that o does not show are not copied.
func Copy(e *object.Edit, o *object.Object) {
	Clear(e)
	switch shown := o.Kind(); shown {
	case object.String:
		e.Put(object.ValueCell, bytes.Clone(Value(o)))
	case object.Hash:
		for el := range Elements(o, shown, 0) {
			copyField(e, o, &el)
		}
	case object.Set:
		for el := range Elements(o, shown, 0) {
			AddMember(e, []byte(el.Name))
		}
	case object.ZSet:
		for el := range Elements(o, shown, 0) {
			SetScore(e, []byte(el.Name), el.Score())
		}
	case object.Stream:
		copyStream(e, o)
	case object.List:
		copyItems(e, o)
	}
	if at := o.Deadline(); at != object.NoDeadline {
		e.SetDeadline(at)
	}
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
		if i.actor() != e.Dot().Actor || e.Cell(i.name) != nil {
			out = append(out, i)
		}
	}
	return out.bounded()
}
