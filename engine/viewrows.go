package engine

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/cache"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// viewedRows are the cells of an object that was read beside the appliers. Rows may be newer than the object; and they may
// be gone, when the key was cleared and the generation dropped. What holds then is what the key has become:
//
//  1. The view reads an object with generation 1.
//  2. The key is cleared and written again, with generation 2. The appliers publish that before generation 1 is dropped.
//  3. The view does not find a cell, or opens an iterator. It looks at the object again, finds generation 2, and reads there.
//
// When the object still has generation 1, nothing of it was dropped before that look.
type viewedRows struct {
	storedRows
	key    object.Key
	record cache.Record // that of the object
	reader rowReader
}

// rowReader is who reads rows beside the appliers.
type rowReader interface {
	// fail takes the error of a row that could not be read.
	fail(error)
	// step is called for each row of a walk, and ends it when it returns false.
	step() bool
	// mayWalk is asked before a walk over all elements.
	mayWalk() bool
	// mayRepeat reports whether what reads can begin again: fail with errLong has it do so.
	mayRepeat() bool
}

// Versions reads a cell.
func (r viewedRows) Versions(name object.CellName) []causal.Version {
	var versions []causal.Version
	if !cacheable(name) {
		var known bool
		if versions, known = r.inRun(name); !known {
			versions = r.storedRows.Versions(name)
		}
	} else {
		var err error
		if versions, err = r.store.loadCell(r.generation, name); err != nil {
			r.fail(err)
			return nil
		}
	}
	if len(versions) > 0 {
		return versions
	}
	if now := r.replaced(); now != nil {
		if c := now.Cell(name); c != nil {
			return c.Versions
		}
	}
	return nil
}

// inRun looks a cell up that a run tells of.
func (r viewedRows) inRun(name object.CellName) (versions []causal.Version, known bool) {
	if n := r.store.shard(r.slot).reading.find(r.generation); n != nil {
		if in := runOf(n.shown.Load(), name, false); in != nil {
			versions, _ = in.rows.Get(name)
			return versions, true
		}
	}
	return nil, false
}

// Each visits the cells as they are at one moment.
func (r viewedRows) Each(from object.CellName, visit func(*object.Cell) bool) {
	r.walk(from, false, visit)
}

// Back visits the cells as they are at one moment, in falling order.
func (r viewedRows) Back(before object.CellName, visit func(*object.Cell) bool) {
	r.walk(before, true, visit)
}

// walk walks over the rows from a name on, or over those below it: first those that are in memory, then those in the store. A body
// that cannot begin again finds all of them in the store.
func (r viewedRows) walk(at object.CellName, back bool, visit func(*object.Cell) bool) {
	step := func(c *object.Cell) bool { return r.reader.step() && visit(c) }
	var n *readNear
	if r.reader.mayRepeat() {
		n = r.store.shard(r.slot).reading.find(r.generation)
	}
	if n == nil {
		r.walkStore(at, back, step, func() bool { return true })
		return
	}
	shown := n.shown.Load()
	if next, more := n.walk(shown, at, back, step); more {
		r.walkStore(next, back, step, func() bool { return next == at || n.shown.Load() == shown })
	}
}

// walkStore walks over the rows in the store, or over those that the key has now when they have been replaced. still reports whether
// what was visited before is what is there now; if not, the body is to begin again.
func (r viewedRows) walkStore(at object.CellName, back bool, visit func(*object.Cell) bool, still func() bool) {
	sh := r.store.shard(r.slot)
	seen, bounds := sh.committed.Load(), r.walkAt(at)
	iter, err := r.store.db.NewIter(bounds.options())
	if err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
		return
	}
	var caught *caughtRun
	now := r.replaced()
	switch {
	case !still():
		r.reader.fail(errLong)
		now = nil
	case now == nil:
		caught, err = r.walkRows(iter, bounds, sh.reading.trail(r.at, back), at, back, visit)
	}
	if err = errors.Join(err, iter.Close()); err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
		return
	}
	switch {
	case now != nil && back:
		rowsOf(now).Back(at, visit)
	case now != nil:
		rowsOf(now).Each(at, visit)
	case caught != nil:
		sh.offerRun(runOffer{r.key, r.generation, &caught.run, seen})
	}
}

// walkRows walks with an iterator, and returns the rows if they are worth keeping.
func (r viewedRows) walkRows(
	iter *pebble.Iterator, bounds rowBounds, trail *readTrail, at object.CellName, back bool, visit func(*object.Cell) bool,
) (caught *caughtRun, err error) {
	if trail.worn(r.at, back) && r.reader.mayRepeat() {
		caught = catch(at, back)
	}
	last, stopped := at, false
	step := func(c *object.Cell) bool {
		last = c.Name
		if caught != nil {
			caught.add(c)
		}
		stopped = !visit(c)
		return !stopped
	}
	if back {
		err = walkBack(iter, bounds, step)
	} else {
		err = walkCells(iter, bounds, step)
	}
	trail.note(r.at, back, min(at, last), max(at, last))
	if caught == nil || caught.rows.Len() == 0 {
		return nil, err
	}
	if stopped && !caught.full {
		caught.endAt(last)
	}
	return caught, err
}

// rowsOf are the rows that an object has, or would have.
func rowsOf(o *object.Object) object.Rows {
	if o.Kept != nil {
		return o.Kept.Rows
	}
	rows := &freshRows{}
	_, inRows := object.Part(o.Cells)
	for i := range inRows {
		rows.add(&inRows[i])
	}
	return rows
}

// replaced is the object as it is now, nil when its cells are still those of this generation.
func (r viewedRows) replaced() *object.Object {
	record, err := r.store.load(r.key)
	if err == nil && &record[0] == &r.record[0] {
		return nil
	}
	if err == nil {
		var o *object.Object
		if o, err = r.store.decode(record); err == nil {
			switch {
			case o == nil:
				return &object.Object{}
			case o.Kept != nil && o.Kept.Generation == r.at:
				return nil
			}
			return r.store.attach(r.key, o, record, r.reader)
		}
	}
	r.fail(err)
	return nil
}

// attach lets an object that was read beside the appliers find its cells.
func (s *Store) attach(key object.Key, o *object.Object, record cache.Record, reader rowReader) *object.Object {
	if o != nil && o.Kept != nil {
		rows := storedRows{s, generation{key.Slot(), o.Kept.Generation}, reader.fail}
		o.Kept.Rows = viewedRows{rows, key, record, reader}
	}
	return o
}
