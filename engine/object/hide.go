package object

import (
	"slices"
)

// Without is o as it would look without some cells, whose names are in order. It is for reading: what it leaves out is still
// there, and o.Context covers it.
func (o *Object) Without(names []CellName) *Object {
	if len(names) == 0 {
		return o
	}
	hidden := func(name CellName) bool {
		_, ok := slices.BinarySearch(names, name)
		return ok
	}
	out := &Object{Context: o.Context, Kept: o.Kept, Birth: o.Birth}
	out.Cells = slices.DeleteFunc(slices.Clone(o.Cells), func(c Cell) bool { return hidden(c.Name) })
	if o.Kept == nil {
		return out
	}
	var gone []Cell
	for _, name := range names {
		if name.InRow() {
			gone = append(gone, Cell{Name: name})
		}
	}
	out.Kept = o.Kept.with(gone)
	return out
}
