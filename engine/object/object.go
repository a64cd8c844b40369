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
	// Cells are the cells with live versions, in the order of their names, those in Kept aside. An object without cells of
	// any type is a tombstone: it remembers what was removed.
	Cells []Cell
	// Kept is nil when all cells are in Cells. Else those of CellName.InRow are not.
	Kept *Kept
	// Birth is the birth under which this store writes the key, 0 when its next own write must start a new one. It is
	// knowledge of this store about itself: it is kept in the row and never sent to another node.
	Birth causal.Time
}

// Tombstone reports whether the key does not exist: no cell of any type is alive. Cells of kind None may be, such as a
// deadline that was set while another node removed the key.
func (o *Object) Tombstone() bool {
	if len(o.Cells) > 0 && o.Cells[len(o.Cells)-1].Name.Kind() != None {
		return false
	}
	return o.Kept == nil || o.Kept.empty()
}

// Cell returns the cell of that name, nil when it has no live version.
func (o *Object) Cell(name CellName) *Cell {
	if o.Kept != nil && name.InRow() {
		return o.Kept.cell(name)
	}
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

// Prefixed returns the cells in the object itself whose names begin with prefix, in order.
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
	take := func(k Kind, dot causal.Dot) {
		if kind == None || newest.Compare(dot) < 0 {
			kind, newest = k, dot
		}
	}
	for i := range o.Cells {
		if c := &o.Cells[i]; c.Name.Kind() != None {
			take(c.Name.Kind(), c.Newest().Dot)
		}
	}
	if o.Kept != nil {
		o.Kept.newest(take)
	}
	return kind
}

// Size estimates the bytes of memory that the object takes, or of a store in memory what its rows do.
func (o *Object) Size() int {
	size := objectOverhead + len(o.Context)*contextEntrySize
	for i := range o.Cells {
		size += o.Cells[i].Size()
	}
	if o.Kept != nil {
		size += int(o.Kept.Bytes)
	}
	return size
}

// Size is the part of the cell in the size of its object.
func (c *Cell) Size() int {
	size := cellOverhead + len(c.Name)
	for i := range c.Versions {
		size += versionOverhead + len(c.Versions[i].Payload)
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

// LatestWrite is the Unix millisecond of the newest write that the object has seen, removals of a part of it included.
func (o *Object) LatestWrite() int64 { return o.Context.Newest().Milliseconds() }

// KeepNewest returns o with at most n versions of each cell among those that bounded says true of, the newest, and the
// number of those that went. What is dropped counts as removed: the context covers it. Of cells in rows those are looked at
// that have changed.
func (o *Object) KeepNewest(n int, bounded func(CellName, *causal.Version) bool) (*Object, int) {
	cells, dropped := keepNewest(o.Cells, n, bounded)
	rows := o.Kept
	if rows != nil {
		changed, more := keepNewest(rows.Changed, n, bounded)
		rows, dropped = rows.replaced(changed), dropped+more
	}
	if dropped == 0 {
		return o, 0
	}
	return &Object{Context: o.Context, Cells: cells, Kept: rows, Birth: o.Birth}, dropped
}

// keepNewest copies the cells when it drops something of one.
func keepNewest(cells []Cell, n int, bounded func(CellName, *causal.Version) bool) (out []Cell, dropped int) {
	out = cells
	for i := range cells {
		name, versions := cells[i].Name, cells[i].Versions
		if len(versions) <= n {
			continue
		}
		surplus := -n
		for j := range versions {
			if bounded(name, &versions[j]) {
				surplus++
			}
		}
		if surplus <= 0 {
			continue
		}
		if dropped == 0 {
			out = slices.Clone(cells)
		}
		dropped += surplus
		out[i].Versions = slices.DeleteFunc(slices.Clone(versions), func(v causal.Version) bool {
			goes := surplus > 0 && bounded(name, &v)
			if goes {
				surplus--
			}
			return goes
		})
	}
	return out, dropped
}
