package object

import (
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
)

// Edit is the change that one command makes to one object: one dot, whatever number of cells it touches. Its methods
// see the effect of those before them. It is used by one goroutine.
type Edit struct {
	base    *Object
	dot     causal.Dot
	cells   []Cell // as they are now, sorted; shares the base's until touched
	shared  bool   // cells is the slice of the base, or of an object that was handed out
	touched []CellName
	cleared bool
	context causal.Context // what the command has seen besides the base, by a context token

	// Room for the commonest change, so that it takes no allocation. Results are copied out of it.
	cellRoom    [2]Cell
	cellsInRoom bool
	versionRoom [1]causal.Version
	inRoom      bool // versionRoom is taken
	touchRoom   [2]CellName
}

// NewEdit begins a change of base, nil for a key without an object, under the dot minted for it.
func NewEdit(base *Object, dot causal.Dot) *Edit {
	e := &Edit{}
	e.Reset(base, dot)
	return e
}

// nothing is the base of a key without an object.
var nothing Object

// Reset makes e a new change, as NewEdit does. What earlier results hold stays as it is.
func (e *Edit) Reset(base *Object, dot causal.Dot) {
	if base == nil {
		base = &nothing
	}
	*e = Edit{base: base, dot: dot, cells: base.Cells, shared: true}
	e.touched = e.touchRoom[:0]
}

// Dot is the name of this change.
func (e *Edit) Dot() causal.Dot { return e.dot }

// Object returns the cells as the edit has left them so far, for reading within the command. The context is the base's.
func (e *Edit) Object() *Object {
	e.shared = true
	return &Object{Context: e.base.Context, Cells: e.cells}
}

// Put gives the cell one version that supersedes all that the base holds. The payload is kept, so the caller must not
// change it afterwards.
func (e *Edit) Put(name CellName, payload []byte) {
	version := causal.Version{Dot: e.dot, Payload: payload}
	if e.inRoom {
		e.set(name, []causal.Version{version})
		return
	}
	e.inRoom = true
	e.versionRoom[0] = version
	e.set(name, e.versionRoom[:1:1])
}

// PutSeen adds a version that supersedes only those that seen covers. The others stay beside it as siblings.
func (e *Edit) PutSeen(name CellName, payload []byte, seen causal.Context) {
	var versions []causal.Version
	if i, ok := findCell(e.cells, name); ok {
		for _, v := range e.cells[i].Versions {
			if v.Dot != e.dot && !seen.Covers(v.Dot) {
				versions = append(versions, v)
			}
		}
	}
	versions = append(versions, causal.Version{Dot: e.dot, Payload: payload})
	slices.SortFunc(versions, func(a, b causal.Version) int { return a.Dot.Compare(b.Dot) })
	e.set(name, versions)
}

// RemoveSeen removes the versions of every cell that seen covers, and lets the object's context cover seen: writes
// that the client has seen and this replica has not are superseded too when they arrive. seen must be a context that a
// replica of this key had, and the edit must leave nothing that depends on what only seen covers.
//
// A replica may hold cells that seen covers and the base knows nothing of. They go too, so that equal contexts stay
// equal objects: the delta then tells of every cell.
func (e *Edit) RemoveSeen(seen causal.Context) {
	for _, c := range slices.Clone(e.cells) {
		var versions []causal.Version
		for _, v := range c.Versions {
			if v.Dot == e.dot || !seen.Covers(v.Dot) {
				versions = append(versions, v)
			}
		}
		if len(versions) < len(c.Versions) {
			e.set(c.Name, versions)
		}
	}
	e.context = e.context.Merge(seen)
	if !e.base.Context.CoversAll(seen) {
		e.cleared = true
		for i := range e.cells {
			e.touch(e.cells[i].Name)
		}
	}
}

// Remove removes all versions of the cell.
func (e *Edit) Remove(name CellName) { e.set(name, nil) }

// Clear removes every cell.
func (e *Edit) Clear() {
	e.cells, e.shared, e.cleared = nil, true, true
	e.touched = e.touched[:0]
}

// Keep puts back the versions that the base holds of a cell, after a Clear that was meant for the others.
func (e *Edit) Keep(name CellName) {
	if c := e.base.Cell(name); c != nil {
		e.set(name, c.Versions)
	}
}

func (e *Edit) set(name CellName, versions []causal.Version) {
	i, ok := findCell(e.cells, name)
	if e.shared {
		e.own()
	}
	switch {
	case ok && len(versions) == 0:
		e.cells = slices.Delete(e.cells, i, i+1)
	case ok:
		e.cells[i].Versions = versions
	case len(versions) > 0:
		e.cells = slices.Insert(e.cells, i, Cell{Name: name, Versions: versions})
	}
	e.touch(name)
}

// own copies the cells before the first change to them.
func (e *Edit) own() {
	if e.cellsInRoom || len(e.cells) >= len(e.cellRoom) {
		e.cells = slices.Clone(e.cells)
	} else {
		e.cells, e.cellsInRoom = append(e.cellRoom[:0], e.cells...), true
	}
	e.shared = false
}

func (e *Edit) touch(name CellName) {
	if !slices.Contains(e.touched, name) {
		e.touched = append(e.touched, name)
	}
}

// Finish returns the object after the change, and the delta that brings other replicas there.
func (e *Edit) Finish() (*Object, *Delta) {
	o := e.Result()
	return o, e.Delta(o)
}

// Result returns the object after the change. It shares nothing with the edit, which may be reset, but may share parts with
// the base.
func (e *Edit) Result() *Object { return e.ResultIn(&Room{}) }

// ResultIn is Result in a room, which the object occupies for as long as anybody looks at it.
func (e *Edit) ResultIn(room *Room) *Object {
	base := e.base.Context.Merge(e.context)
	if len(e.cells) == 1 && len(e.cells[0].Versions) == 1 {
		room.versions[0] = e.cells[0].Versions[0]
		room.cells[0] = Cell{Name: e.cells[0].Name, Versions: room.versions[:]}
		room.object = Object{Context: base.AppendWith(room.context[:0], e.dot), Cells: room.cells[:], Birth: e.dot.Birth}
		return &room.object
	}
	o := &Object{Context: base.With(e.dot), Cells: slices.Clone(e.cells), Birth: e.dot.Birth}
	for i := range o.Cells {
		if v := o.Cells[i].Versions; e.inRoom && &v[0] == &e.versionRoom[0] {
			o.Cells[i].Versions = slices.Clone(v)
		}
	}
	return o
}

// Delta returns the change alone. o is the result of the edit.
func (e *Edit) Delta(o *Object) *Delta {
	base := e.base.Context.Merge(e.context)
	d := &Delta{Base: base, Dot: e.dot, Cleared: e.cleared, Touched: make([]Cell, 0, len(e.touched))}
	slices.Sort(e.touched)
	for _, name := range e.touched {
		cell := Cell{Name: name}
		if c := o.Cell(name); c != nil {
			cell.Versions = c.Versions
		}
		d.Touched = append(d.Touched, cell)
	}
	return d
}
