package object

import (
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
)

// Join merges what two replicas know. Either may be nil, a replica that knows nothing. The result has a's birth: a is
// this store's object, and merging makes it forget nothing.
func Join(a, b *Object) *Object {
	b = b.Whole()
	switch {
	case b == nil:
		return a
	case a == nil:
		return &Object{Context: b.Context, Cells: b.Cells}
	case a.Context.Equal(b.Context):
		return a
	case a.Kept != nil:
		return a.Kept.join(a, b)
	}
	cells := joinCells(a.Cells, a.Context, b.Cells, b.Context)
	return &Object{Context: a.Context.Merge(b.Context), Cells: cells, Birth: a.Birth}
}

// joinCells joins two sorted lists of cells name by name. A cell that one side lacks is joined with no versions.
func joinCells(a []Cell, aContext causal.Context, b []Cell, bContext causal.Context) []Cell {
	out := make([]Cell, 0, max(len(a), len(b)))
	add := func(name CellName, av, bv []causal.Version) {
		if v := causal.Join(av, aContext, bv, bContext); len(v) > 0 {
			out = append(out, Cell{Name: name, Versions: v})
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case j == len(b) || i < len(a) && a[i].Name < b[j].Name:
			add(a[i].Name, a[i].Versions, nil)
			i++
		case i == len(a) || b[j].Name < a[i].Name:
			add(b[j].Name, nil, b[j].Versions)
			j++
		default:
			add(a[i].Name, a[i].Versions, b[j].Versions)
			i++
			j++
		}
	}
	return out
}

// replaceFactor is how many times fewer cells a later object has for it to take the place of the rows rather than being
// compared with each of them.
const replaceFactor = 8

// join is Join for a, whose rows k tells of, and an object that has all its cells with it. Only rows that are different
// afterwards are among the changes.
func (k *Kept) join(a, b *Object) *Object {
	if b.Context.CoversAll(a.Context) && int64(len(b.Cells)) <= k.rows()/replaceFactor {
		return &Object{Context: b.Context, Cells: b.Cells, Birth: a.Birth}
	}
	inline, theirs := part(b.Cells)
	out := &Object{Context: a.Context.Merge(b.Context), Birth: a.Birth}
	out.Cells = joinCells(a.Cells, a.Context, inline, b.Context)
	var changed []Cell
	compare := func(name CellName, own, their []causal.Version) {
		if v := causal.Join(own, a.Context, their, b.Context); !sameVersions(v, own) {
			changed = append(changed, Cell{Name: name, Versions: v})
		}
	}
	k.each("", func(c *Cell) bool {
		for len(theirs) > 0 && theirs[0].Name < c.Name {
			compare(theirs[0].Name, nil, theirs[0].Versions)
			theirs = theirs[1:]
		}
		var their []causal.Version
		if len(theirs) > 0 && theirs[0].Name == c.Name {
			their, theirs = theirs[0].Versions, theirs[1:]
		}
		kept := c.clone()
		compare(kept.Name, kept.Versions, their)
		return true
	})
	for i := range theirs {
		compare(theirs[i].Name, nil, theirs[i].Versions)
	}
	out.Kept = k.with(changed)
	return out
}

// rows is the number of rows, changes aside.
func (k *Kept) rows() (n int64) {
	for _, c := range k.Counts {
		n += c.Elements + c.Attributes
	}
	return n
}

// clone is a copy that outlives the visit of a cell.
func (c *Cell) clone() Cell {
	versions := make([]causal.Version, len(c.Versions))
	for i, v := range c.Versions {
		versions[i] = causal.Version{Dot: v.Dot, Payload: slices.Clone(v.Payload)}
	}
	return Cell{Name: CellName([]byte(c.Name)), Versions: versions}
}

func sameVersions(a, b []causal.Version) bool {
	return slices.EqualFunc(a, b, func(x, y causal.Version) bool { return x.Dot == y.Dot })
}
