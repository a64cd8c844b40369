package object

import (
	"slices"
	"strings"

	"github.com/kindredkv/kindred/engine/causal"
)

// Cell is the smallest thing that has versions: the value of a string, one field of a hash, one member of a set. Its
// versions are in the order of causal.Dot.Compare, newest last; more than one are siblings.
type Cell struct {
	Name     CellName
	Versions []causal.Version
}

// Newest is the version with the greatest dot, the one that is shown. It panics on a cell without versions.
func (c *Cell) Newest() *causal.Version { return &c.Versions[len(c.Versions)-1] }

// has reports whether a version of that dot is alive.
func (c *Cell) has(dot causal.Dot) bool {
	return slices.ContainsFunc(c.Versions, func(v causal.Version) bool { return v.Dot == dot })
}

// Object is all that a replica knows of one key. It is immutable: Edit, Apply and Join return new objects, which share
// what did not change.
type Object struct {
	// Context covers every write of the key that this replica has applied.
	Context causal.Context
	// Cells are the cells with live versions, in the order of their names. An object without cells of any type is a
	// tombstone: it remembers what was removed.
	Cells []Cell
	// Birth is the birth under which this store writes the key, 0 when its next own write must start a new one. It is
	// knowledge of this store about itself: it is kept in the row and never sent to another node.
	Birth causal.Time
}

// Tombstone reports whether the key does not exist: no cell of any type is alive. Cells of kind None may be, such as a
// deadline that was set while another node removed the key.
func (o *Object) Tombstone() bool {
	return len(o.Cells) == 0 || o.Cells[len(o.Cells)-1].Name.Kind() == None
}

// Cell returns the cell of that name, nil when it has no live version.
func (o *Object) Cell(name CellName) *Cell {
	i, ok := o.find(name)
	if !ok {
		return nil
	}
	return &o.Cells[i]
}

func (o *Object) find(name CellName) (int, bool) { return findCell(o.Cells, name) }

func findCell(cells []Cell, name CellName) (int, bool) {
	return slices.BinarySearchFunc(cells, name, func(c Cell, name CellName) int {
		return strings.Compare(string(c.Name), string(name))
	})
}

// Prefixed returns the cells whose names begin with prefix, in order.
func (o *Object) Prefixed(prefix CellName) []Cell {
	from, _ := o.find(prefix)
	to := from
	for to < len(o.Cells) && strings.HasPrefix(string(o.Cells[to].Name), string(prefix)) {
		to++
	}
	return o.Cells[from:to]
}

// Kind is the type that the object shows: that of the newest live version, the expiry aside. Cells of other kinds,
// written concurrently, stay until a write that has seen them removes them.
func (o *Object) Kind() Kind {
	kind := None
	var newest causal.Dot
	for i := range o.Cells {
		c := &o.Cells[i]
		if c.Name.Kind() == None {
			continue
		}
		if dot := c.Newest().Dot; kind == None || newest.Compare(dot) < 0 {
			kind, newest = c.Name.Kind(), dot
		}
	}
	return kind
}

// Size estimates the bytes of memory that the object takes.
func (o *Object) Size() int {
	size := objectOverhead + len(o.Context)*contextEntrySize
	for i := range o.Cells {
		size += cellOverhead + len(o.Cells[i].Name)
		for j := range o.Cells[i].Versions {
			size += versionOverhead + len(o.Cells[i].Versions[j].Payload)
		}
	}
	return size
}

// What the Go heap holds for each part, size classes included.
const (
	objectOverhead   = 64
	contextEntrySize = 24
	cellOverhead     = 48
	versionOverhead  = 56
)

// Join merges what two replicas know. Either may be nil, a replica that knows nothing. The result has a's birth: a is
// this store's object, and merging makes it forget nothing.
func Join(a, b *Object) *Object {
	switch {
	case b == nil:
		return a
	case a == nil:
		return &Object{Context: b.Context, Cells: b.Cells}
	case a.Context.Equal(b.Context):
		return a
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

// KeepNewest returns o with at most n versions of each cell, the newest. What is dropped counts as removed: the
// context covers it.
func (o *Object) KeepNewest(n int) *Object {
	out := &Object{Context: o.Context, Cells: slices.Clone(o.Cells), Birth: o.Birth}
	for i := range out.Cells {
		if v := out.Cells[i].Versions; len(v) > n {
			out.Cells[i].Versions = v[len(v)-n:]
		}
	}
	return out
}
