package object

import (
	"slices"
	"strings"

	"github.com/kindredkv/kindred/engine/causal"
)

// Edit is the change that one command makes to one object: one dot, whatever number of cells it touches. Its methods
// see the effect of those before them. It is used by one goroutine.
//
// It holds the touched cells alone, so that a change costs what it touches, whether the others are in the object or in
// rows of their own.
type Edit struct {
	base    *Object
	dot     causal.Dot
	cleared bool             // nothing is left of the base but what changed says
	changed []Cell           // the touched cells as they are now, in the order of the first touch; one without versions is gone
	places  map[CellName]int // where each is in changed, once there are many
	context causal.Context   // what the command has seen besides the base, by a context token

	// Room for the commonest change, so that it takes no allocation. Results are copied out of it.
	changeRoom  [2]Cell
	versionRoom [1]causal.Version
	inRoom      bool // versionRoom is taken
}

// manyChanges is the number of touched cells from which on they are found by a map.
const manyChanges = 8

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
	*e = Edit{base: base, dot: dot}
	e.changed = e.changeRoom[:0]
}

// Dot is the name of this change.
func (e *Edit) Dot() causal.Dot { return e.dot }

// Cell is the cell of that name as the edit has left it so far, nil when it has no live version. It is valid until the next
// change.
func (e *Edit) Cell(name CellName) *Cell {
	if i, ok := e.find(name); ok {
		if len(e.changed[i].Versions) == 0 {
			return nil
		}
		return &e.changed[i]
	}
	if e.cleared {
		return nil
	}
	return e.base.Cell(name)
}

// Touched reports whether the edit has changed the cell of that name, by a removal too.
func (e *Edit) Touched(name CellName) bool {
	_, ok := e.find(name)
	return ok
}

// HasAttributes reports whether there may be cells that belong to a type and do not make the key exist.
func (e *Edit) HasAttributes(kind Kind) bool {
	if !e.cleared && e.base.HasAttributes(kind) {
		return true
	}
	return slices.ContainsFunc(e.changed, func(c Cell) bool { return c.Name.Kind() == None && c.Name.Owner() == kind })
}

// Changed reports whether the edit has changed anything.
func (e *Edit) Changed() bool { return e.cleared || len(e.changed) > 0 }

// find returns the place in changed of a cell that the edit has touched.
func (e *Edit) find(name CellName) (int, bool) {
	if e.places != nil {
		i, ok := e.places[name]
		return i, ok
	}
	for i := range e.changed {
		if e.changed[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// Object returns the cells as the edit has left them so far, for reading within the command. The context is the base's.
func (e *Edit) Object() *Object {
	if len(e.changed) == 0 && !e.cleared {
		return e.base
	}
	o := &Object{Context: e.base.Context}
	o.Cells, o.Kept = e.cells()
	return o
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
	e.PutBeside(name, payload, func(v *causal.Version) bool { return !seen.Covers(v.Dot) })
}

// PutBeside adds a version that supersedes those of the cell that stay says false of. A version that this edit has put
// before goes in any case.
func (e *Edit) PutBeside(name CellName, payload []byte, stay func(*causal.Version) bool) {
	var versions []causal.Version
	if c := e.Cell(name); c != nil {
		for i := range c.Versions {
			if v := &c.Versions[i]; v.Dot != e.dot && stay(v) {
				versions = append(versions, *v)
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
	e.context = e.context.Merge(seen)
	if seen.CoversAll(e.base.Context) && len(e.changed) == 0 {
		e.cleared = true
		return
	}
	tellsAll := !e.base.Context.CoversAll(seen)
	for c := range e.Object().From("") {
		left := c.Clone()
		left.Versions = slices.DeleteFunc(left.Versions, func(v causal.Version) bool {
			return v.Dot != e.dot && seen.Covers(v.Dot)
		})
		if tellsAll || len(left.Versions) < len(c.Versions) {
			e.set(left.Name, left.Versions)
		}
	}
	e.cleared = e.cleared || tellsAll
}

// RemoveVersions removes those versions of the cell that goes says true of.
func (e *Edit) RemoveVersions(name CellName, goes func(*causal.Version) bool) {
	if c := e.Cell(name); c != nil {
		e.set(name, slices.DeleteFunc(slices.Clone(c.Versions), func(v causal.Version) bool { return goes(&v) }))
	}
}

// Remove removes all versions of the cell.
func (e *Edit) Remove(name CellName) { e.set(name, nil) }

// Clear removes every cell.
func (e *Edit) Clear() {
	e.cleared, e.changed, e.places = true, e.changed[:0], nil
}

// Keep puts back the versions that the base holds of a cell, after a Clear that was meant for the others.
func (e *Edit) Keep(name CellName) {
	if c := e.base.Cell(name); c != nil {
		e.set(name, c.Versions)
	}
}

func (e *Edit) set(name CellName, versions []causal.Version) {
	i, ok := e.find(name)
	if ok {
		e.changed[i].Versions = versions
		return
	}
	e.changed = append(e.changed, Cell{Name: name, Versions: versions})
	switch {
	case e.places != nil:
		e.places[name] = len(e.changed) - 1
	case len(e.changed) > manyChanges:
		e.places = make(map[CellName]int, 4*manyChanges)
		for i := range e.changed {
			e.places[e.changed[i].Name] = i
		}
	}
}

// sorted is a copy of the touched cells in the order of their names, which shares nothing with the edit.
func (e *Edit) sorted() []Cell {
	out := slices.Clone(e.changed)
	slices.SortFunc(out, func(a, b Cell) int { return strings.Compare(string(a.Name), string(b.Name)) })
	for i := range out {
		if v := out[i].Versions; e.inRoom && len(v) == 1 && &v[0] == &e.versionRoom[0] {
			out[i].Versions = slices.Clone(v)
			break
		}
	}
	return out
}

// cells are the cells after the edit.
func (e *Edit) cells() ([]Cell, *Kept) {
	changed := e.sorted()
	switch {
	case e.cleared:
		return overlay(nil, changed), nil
	case e.base.Kept == nil:
		return overlay(e.base.Cells, changed), nil
	default:
		inline, inRows := Part(changed)
		return overlay(e.base.Cells, inline), e.base.Kept.with(inRows)
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
	if e.isSingle() {
		room.versions[0] = e.changed[0].Versions[0]
		room.cells[0] = Cell{Name: e.changed[0].Name, Versions: room.versions[:]}
		room.object = Object{Context: base.AppendWith(room.context[:0], e.dot), Cells: room.cells[:], Birth: e.dot.Birth}
		return &room.object
	}
	o := &Object{Context: base.With(e.dot), Birth: e.dot.Birth}
	o.Cells, o.Kept = e.cells()
	return o
}

// isSingle reports whether the result is one cell of one version, which the edit has touched.
func (e *Edit) isSingle() bool {
	if len(e.changed) != 1 || len(e.changed[0].Versions) != 1 {
		return false
	}
	own := e.base.Cells
	return e.cleared || e.base.Kept == nil && (len(own) == 0 || len(own) == 1 && own[0].Name == e.changed[0].Name)
}

// KeptRoom is the memory of an object whose cells are in rows, of which one has changed.
type KeptRoom struct {
	object   Object
	kept     Kept
	context  [2]causal.Entry
	counts   [1]KindCount
	changed  [1]Cell
	versions [1]causal.Version
}

// InRows reports whether the cells of the result that can be in rows are there.
func (e *Edit) InRows() bool { return !e.cleared && e.base.Kept != nil }

// ResultInRows is Result in a room, for an edit that is InRows. What does not fit is allocated.
func (e *Edit) ResultInRows(room *KeptRoom) *Object {
	base := e.base.Context.Merge(e.context)
	room.object = Object{Context: base.AppendWith(room.context[:0], e.dot), Cells: e.base.Cells, Kept: &room.kept, Birth: e.dot.Birth}
	if len(e.changed) != 1 || !e.changed[0].Name.InRow() || len(e.base.Kept.Changed) > 0 {
		room.object.Cells, room.object.Kept = e.cells()
		return &room.object
	}
	room.kept, room.changed[0] = *e.base.Kept, e.changed[0]
	if len(e.changed[0].Versions) == 1 {
		room.versions[0] = e.changed[0].Versions[0]
		room.changed[0].Versions = room.versions[:]
	}
	room.kept.Changed = room.changed[:]
	return &room.object
}

// Begin makes in the room what becomes of o when its changed cells have gone into rows: o with counts of its own, which are those
// of k yet, and without changes. Where o is in the room itself it is no more; its changes stay.
func (room *KeptRoom) Begin(o *Object, k *Kept, rows Rows) (*Object, *Kept) {
	counts := append(room.counts[:0], k.Counts...)
	room.kept = Kept{Generation: k.Generation, Counts: counts, Bytes: k.Bytes, Rows: rows}
	room.object = Object{Context: o.Context, Cells: o.Cells, Birth: o.Birth}
	return &room.object, &room.kept
}

// Delta returns the change alone. o is the result of the edit.
func (e *Edit) Delta(o *Object) *Delta {
	d := e.delta(e.sorted(), o)
	return &d
}

// AppendDelta appends the encoding of Delta.
func (e *Edit) AppendDelta(b []byte, o *Object) []byte {
	if len(e.changed) != 1 {
		return AppendDelta(b, e.Delta(o))
	}
	touched := [1]Cell{e.changed[0]}
	d := e.delta(touched[:], o)
	size := dotSize*(len(d.Base)+1) + len(touched[0].Name) + deltaRest
	for i := range touched[0].Versions {
		size += minVersion + len(touched[0].Versions[i].Payload)
	}
	return AppendDelta(slices.Grow(b, size), &d)
}

// deltaRest is what the encoding of a delta of one cell takes besides the parts that are counted, in most cases.
const deltaRest = 16

// delta is the change alone, with the touched cells sorted.
func (e *Edit) delta(touched []Cell, o *Object) Delta {
	for i := range touched {
		t := &touched[i]
		t.Versions = nil
		if c := o.Cell(t.Name); c != nil {
			t.Versions = c.Versions
		}
	}
	return Delta{Base: e.base.Context.Merge(e.context), Dot: e.dot, Cleared: e.cleared, Touched: touched}
}
