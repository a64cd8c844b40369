package kind

import (
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// What is written over a part of what a client has seen, a field or all types but one, supersedes of that part what the node
// holds, and no more: to claim that a context is covered says so of every cell. What the client has seen and the node has
// not is a sibling when it arrives. A coordinator asks R replicas first.

// SetFieldSeen gives a field a value over what a client has seen of it. What else the node holds of it stays beside.
func SetFieldSeen(e *object.Edit, field, value []byte, seen Seen) {
	name := elementName(object.Hash, field)
	stays := func(v *causal.Version) bool { return !seen.Context.Covers(v.Dot) }
	c := e.Cell(name)
	if c != nil {
		going := &object.Cell{Name: name, Versions: slices.DeleteFunc(slices.Clone(c.Versions), func(v causal.Version) bool { return stays(&v) })}
		settleField(e, going, field)
	}
	if d := e.Cell(deadlineName(field)); d != nil && seen.Context.Covers(d.Newest().Dot) {
		dropFieldDeadline(e, field)
	}
	e.PutBeside(name, fieldPayload(value), stays)
}

// FieldConflicted reports whether a field has several values.
func FieldConflicted(o *object.Object, field []byte) bool {
	if o == nil {
		return false
	}
	c := o.Cell(elementName(object.Hash, field))
	return c != nil && len(c.Versions) > 1 && len(FieldValues(o, field)) > 1
}

// Conflicted reports whether an element that is a field of o has several values.
func (el *Element) Conflicted(o *object.Object) bool {
	return len(el.cell.Versions) > 1 && FieldConflicted(o, []byte(el.Name))
}

// Others are the cells of all types but one that a client has seen a version of.
func Others(o *object.Object, keep object.Kind, seen Seen) (names []object.CellName) {
	for c := range o.From("") {
		covered := slices.ContainsFunc(c.Versions, func(v causal.Version) bool { return seen.Context.Covers(v.Dot) })
		if owner := c.Name.Owner(); covered && owner != object.None && owner != keep {
			names = append(names, object.CellName([]byte(c.Name)))
		}
	}
	return names
}

// RemoveSeen removes what a client has seen of some cells, at least one.
func RemoveSeen(e *object.Edit, names []object.CellName, seen Seen) {
	var left settled
	if slices.ContainsFunc(names, func(name object.CellName) bool { return name.Kind() == object.String }) {
		left = removed(e.Object(), seen.Context.Covers, slices.Clone(seen.settled))
	}
	for _, name := range names {
		e.RemoveVersions(name, func(v *causal.Version) bool { return seen.Context.Covers(v.Dot) })
	}
	left.leave(e, seen)
}
