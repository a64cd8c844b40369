package kind

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"github.com/kindredkv/kindred/engine/object"
)

// The deadline of a field is an attribute of it, a Unix millisecond in 8 bytes, 0 for a field that was told to stay. Of
// concurrent ones the latest holds, and 0 is the latest, as for keys.
//
// So that what is due can be found without looking at every field, a mark stands beside it: a cell without a payload whose
// name leads with the deadline. A mark is no more than a hint where to look. Whoever changes a deadline takes away the marks
// that it knows; those that concurrent changes leave behind are removed when they are due.
const (
	fieldDeadline = 'e'
	fieldDue      = 'd'
)

// dueMarks leads the names of all marks: None (1 byte), the type (1), fieldDue (1), then the deadline (8) and the field.
const (
	dueMarks = object.CellName(rune(object.None)) + object.CellName(rune(object.Hash)) + object.CellName(rune(fieldDue))
	dueField = len(dueMarks) + 8
)

func dueName(at int64, field string) object.CellName {
	b := append(make([]byte, 0, dueField+len(field)), dueMarks...)
	return object.CellName(append(binary.BigEndian.AppendUint64(b, uint64(at)), field...))
}

func deadlineName(field []byte) object.CellName {
	return attributeName(object.Hash, fieldDeadline, field)
}

// due yields the marks of a hash in the order of their deadlines. They are valid beyond the visit.
func due(o *object.Object) iter.Seq2[int64, string] {
	return func(yield func(int64, string) bool) {
		for c := range o.From(dueMarks) {
			if !strings.HasPrefix(string(c.Name), string(dueMarks)) {
				return
			}
			if len(c.Name) < dueField {
				continue
			}
			at := binary.BigEndian.Uint64([]byte(c.Name[len(dueMarks):dueField]))
			if !yield(int64(at), strings.Clone(string(c.Name[dueField:]))) {
				return
			}
		}
	}
}

// NextDue is when it is time to look at the deadlines of an object's fields, object.NoDeadline for never. It is no later than
// any of them.
func NextDue(o *object.Object) int64 {
	if mayHaveDeadlines(o) {
		for at := range due(o) {
			return at
		}
	}
	return object.NoDeadline
}

// mayHaveDeadlines is quick to say no.
func mayHaveDeadlines(o *object.Object) bool {
	switch {
	case o == nil:
		return false
	case o.Kept == nil && (len(o.Cells) == 0 || o.Cells[0].Name.Kind() != object.None):
		return false // attributes come before all elements
	case o.Kept == nil || len(o.Kept.Changed) == 0:
		return o.HasAttributes(object.Hash)
	default:
		return true // counting would look at every change
	}
}

// Shown is an object without the fields whose deadlines have passed at a Unix millisecond.
func Shown(o *object.Object, now int64) *object.Object {
	if !mayHaveDeadlines(o) {
		return o
	}
	var gone []object.CellName
	for at, field := range due(o) {
		if at > now {
			break
		}
		if deadline := FieldDeadline(o, []byte(field)); deadline != object.NoDeadline && deadline <= now {
			gone = append(gone, elementName(object.Hash, []byte(field)))
		}
	}
	slices.Sort(gone)
	return o.Without(slices.Compact(gone))
}

// FieldDeadline is the Unix millisecond at which a field expires, object.NoDeadline for one that does not or is not there.
func FieldDeadline(o *object.Object, field []byte) int64 {
	if !mayHaveDeadlines(o) {
		return object.NoDeadline
	}
	return deadlineOfField(o.Cell(elementName(object.Hash, field)), o.Cell(deadlineName(field)))
}

// EditedField is FieldDeadline for a field as an edit has left it, and whether it is there. One whose deadline has passed still is.
func EditedField(e *object.Edit, field []byte) (at int64, ok bool) {
	c := e.Cell(elementName(object.Hash, field))
	return deadlineOfField(c, e.Cell(deadlineName(field))), c != nil
}

// deadlineOfField: a value that is newer than all deadlines was written without one, perhaps where none of them was known.
func deadlineOfField(field, deadline *object.Cell) int64 {
	if field == nil || deadline == nil {
		return object.NoDeadline
	}
	given := deadline.Newest().Dot
	for i := range field.Versions {
		if v := &field.Versions[i]; isFieldValue(v) && given.Compare(v.Dot) < 0 {
			return object.NoDeadline
		}
	}
	latest := int64(0)
	for i := range deadline.Versions {
		at := deadlineFrom(deadline.Versions[i].Payload)
		if at == object.NoDeadline {
			return object.NoDeadline
		}
		latest = max(latest, at)
	}
	return latest
}

func deadlineFrom(payload []byte) int64 {
	if len(payload) != 8 {
		return object.NoDeadline
	}
	return int64(binary.BigEndian.Uint64(payload))
}

// SetFieldDeadline sets the Unix millisecond at which a field that is there expires. object.NoDeadline is recorded as well: it
// must win over a deadline that another node sets at the same time.
func SetFieldDeadline(e *object.Edit, field []byte, at int64) {
	name := deadlineName(field)
	removeMarks(e, e.Cell(name), field)
	e.Put(name, binary.BigEndian.AppendUint64(nil, uint64(at)))
	if at != object.NoDeadline {
		e.Put(dueName(at, string(field)), nil)
	}
}

// dropFieldDeadline takes away the deadline of a field that is overwritten or removed.
func dropFieldDeadline(e *object.Edit, field []byte) {
	if !e.HasAttributes(object.Hash) {
		return
	}
	name := deadlineName(field)
	if c := e.Cell(name); c != nil {
		removeMarks(e, c, field)
		e.Remove(name)
	}
}

// removeMarks removes the marks of all versions of a deadline.
func removeMarks(e *object.Edit, deadline *object.Cell, field []byte) {
	if deadline == nil {
		return
	}
	var marks []object.CellName
	for i := range deadline.Versions {
		if at := deadlineFrom(deadline.Versions[i].Payload); at != object.NoDeadline {
			marks = append(marks, dueName(at, string(field)))
		}
	}
	for _, mark := range marks {
		if e.Cell(mark) != nil {
			e.Remove(mark)
		}
	}
}

// BeginField is called before a field is given a value or counts on: when its deadline has passed it begins anew.
func BeginField(e *object.Edit, field []byte, now int64) {
	if !e.HasAttributes(object.Hash) {
		return
	}
	c := e.Cell(elementName(object.Hash, field))
	at := deadlineOfField(c, e.Cell(deadlineName(field)))
	if at != object.NoDeadline && at <= now {
		RemoveField(e, field)
	}
}

// RemoveDueFields removes the fields whose deadlines have passed at a Unix millisecond, and marks that lead to none. It looks
// at so many marks at most, and must be called when NextDue says that one is due.
func RemoveDueFields(e *object.Edit, now int64, limit int) {
	type mark struct {
		at    int64
		field string
	}
	var marks []mark
	o := e.Object()
	for at, field := range due(o) {
		if at > now || len(marks) == limit {
			break
		}
		marks = append(marks, mark{at, field})
	}
	for _, m := range marks {
		field := []byte(m.field)
		if at := FieldDeadline(o, field); at != object.NoDeadline && at <= now {
			RemoveField(e, field)
		}
		if name := dueName(m.at, m.field); e.Cell(name) != nil {
			e.Remove(name)
		}
	}
	End(e)
}
