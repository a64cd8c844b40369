package engine

import (
	"bytes"
	"errors"
	"fmt"
	"unsafe"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// generation names the rows that hold the cells of one object.
type generation struct {
	slot object.Slot
	at   causal.Time
}

// rowBounds are those of an object's cells, or of its local rows, with the place where a walk begins.
type rowBounds struct{ first, end, at []byte }

func (b rowBounds) options() *pebble.IterOptions {
	return &pebble.IterOptions{LowerBound: b.first, UpperBound: b.end}
}

// walkAt are the bounds of a walk from a name on, or downwards from below it.
func (g generation) walkAt(name object.CellName) rowBounds {
	b := rowBounds{at: appendCellKey(nil, g.slot, g.at, name)}
	ends := appendCellKey(nil, g.slot, g.at, object.CellsEnd)
	if name.Local() {
		b.first, b.end = ends, appendCellsOf(nil, g.slot, g.at+1)
	} else {
		b.first, b.end = appendCellsOf(nil, g.slot, g.at), ends
	}
	return b
}

// readCell reads one cell, no versions when it is not there. The iterator asks the filters of all levels, as for objects.
func (s *Store) readCell(g generation, name object.CellName) (versions []causal.Version, err error) {
	iter, err := s.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return nil, fmt.Errorf("read cell: %w", err)
	}
	versions, err = pointCell(iter, g, name)
	if err = errors.Join(err, iter.Close()); err != nil {
		return nil, fmt.Errorf("read cell: %w", err)
	}
	return versions, nil
}

func pointCell(iter *pebble.Iterator, g generation, name object.CellName) ([]causal.Version, error) {
	var buf [96]byte
	if iter.SeekPrefixGE(appendCellKey(buf[:0], g.slot, g.at, name)) {
		return versionsAt(iter, name)
	}
	if err := iter.Error(); err != nil {
		return nil, fmt.Errorf("read cell: %w", err)
	}
	return nil, nil
}

// local are the versions of a row that is derived.
var local = []causal.Version{{}}

// versionsAt decodes the row that an iterator stands at, for it to outlive the iterator's next step.
func versionsAt(iter *pebble.Iterator, name object.CellName) ([]causal.Version, error) {
	value, err := iter.ValueAndErr()
	if err != nil {
		return nil, err
	}
	if name.Local() {
		return local, nil
	}
	return object.DecodeVersions(bytes.Clone(value))
}

type walkFunc func(*pebble.Iterator, rowBounds, func(*object.Cell) bool) error

// walkCells visits the cells from where a walk begins, in the order of their names. The iterator has the bounds.
func walkCells(iter *pebble.Iterator, b rowBounds, visit func(*object.Cell) bool) error {
	return walk(iter, iter.SeekGE(b.at), iter.Next, visit)
}

// walkBack is walkCells in falling order.
func walkBack(iter *pebble.Iterator, b rowBounds, visit func(*object.Cell) bool) error {
	return walk(iter, iter.SeekLT(b.at), iter.Prev, visit)
}

func walk(iter *pebble.Iterator, ok bool, step func() bool, visit func(*object.Cell) bool) error {
	var cell object.Cell
	var room []causal.Version
	var names names
	for ; ok; ok = step() {
		cell = object.Cell{Name: names.add(iter.Key()[cellPrefix:]), Versions: local}
		if !cell.Name.Local() {
			value, err := iter.ValueAndErr()
			if err != nil {
				return err
			}
			if room, err = object.DecodeVersionsIn(room, value); err != nil {
				return err
			}
			cell.Versions = room
		}
		if !visit(&cell) {
			return nil
		}
	}
	return iter.Error()
}

// names are those that a walk has come to. Many have one piece of memory, since most are not kept.
type names struct {
	chunk []byte
}

const (
	firstNames = 64
	mostNames  = 4 << 10
)

func (n *names) add(name []byte) object.CellName {
	if cap(n.chunk)-len(n.chunk) < len(name) {
		n.chunk = make([]byte, 0, max(len(name), min(max(firstNames, 2*cap(n.chunk)), mostNames)))
	}
	at := len(n.chunk)
	n.chunk = append(n.chunk, name...)
	return object.CellName(unsafe.String(unsafe.SliceData(n.chunk[at:]), len(name)))
}

// unreadable ends the task that needed a cell, and the node.
func (sh *shard) unreadable(err error) {
	sh.store.fatal(err)
	sh.tx.fail(err)
}

// storedRows are the cells as they are in the store at each look.
type storedRows struct {
	store *Store
	generation
	fail func(error)
}

// Versions reads a cell.
func (r storedRows) Versions(name object.CellName) []causal.Version {
	versions, err := r.store.readCell(r.generation, name)
	if err != nil {
		r.fail(err)
	}
	return versions
}

// Each visits the cells as they are at one moment.
func (r storedRows) Each(from object.CellName, visit func(*object.Cell) bool) {
	bounds := r.walkAt(from)
	iter, err := r.store.db.NewIter(bounds.options())
	if err == nil {
		err = errors.Join(walkCells(iter, bounds, visit), iter.Close())
	}
	if err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
	}
}

// Back visits the cells as they are at one moment, in falling order.
func (r storedRows) Back(before object.CellName, visit func(*object.Cell) bool) {
	bounds := r.walkAt(before)
	iter, err := r.store.db.NewIter(bounds.options())
	if err == nil {
		err = errors.Join(walkBack(iter, bounds, visit), iter.Close())
	}
	if err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
	}
}

// sameMoment are the cells as of the moment of an iterator over all rows.
type sameMoment struct {
	of *pebble.Iterator
	generation
	fail func(error)
}

// Versions reads a cell.
func (r sameMoment) Versions(name object.CellName) (versions []causal.Version) {
	r.Each(name, func(c *object.Cell) bool {
		if c.Name == name {
			versions = c.Clone().Versions
		}
		return false
	})
	return versions
}

// Each visits the cells.
func (r sameMoment) Each(from object.CellName, visit func(*object.Cell) bool) {
	r.walk(r.walkAt(from), walkCells, visit)
}

// Back visits the cells in falling order.
func (r sameMoment) Back(before object.CellName, visit func(*object.Cell) bool) {
	r.walk(r.walkAt(before), walkBack, visit)
}

func (r sameMoment) walk(
	bounds rowBounds, walk walkFunc, visit func(*object.Cell) bool,
) {
	iter, err := r.of.Clone(pebble.CloneOptions{IterOptions: bounds.options()})
	if err == nil {
		err = errors.Join(walk(iter, bounds, visit), iter.Close())
	}
	if err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
	}
}

// ErrTooLarge says that an object is too large to be sent in one piece.
var ErrTooLarge = errors.New("the object is too large for one message")

// Whole is what the store knows of a key with all its cells, as of one moment; nil when it knows nothing. It fails with
// ErrTooLarge for more than Options.MaxWhole.
func (s *Store) Whole(key object.Key) (*object.Object, error) {
	return s.wholeWithin(key, s.options.MaxWhole)
}

func (s *Store) wholeWithin(key object.Key, most int64) (whole *object.Object, err error) {
	r, err := s.load(key)
	if err != nil {
		return nil, err
	}
	o, err := s.decode(r)
	if err != nil || o == nil || o.Kept == nil {
		return o, err
	}
	iter, err := s.db.NewIter(nil)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	row := appendRowKey(nil, key)
	if !iter.SeekGE(row) || !bytes.Equal(iter.Key(), row) {
		return nil, iter.Error()
	}
	value, err := iter.ValueAndErr()
	if err != nil {
		return nil, err
	}
	if o, err = decodeRow(bytes.Clone(value), s.epoch, nil); err != nil || o.Kept == nil {
		return o, err
	}
	if o.Kept.Bytes > most {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, o.Kept.Bytes)
	}
	o.Kept.Rows = sameMoment{iter, generation{key.Slot(), o.Kept.Generation}, func(e error) { err = e }}
	whole = o.Whole()
	return whole, err
}

// WholeEncoding is the encoding of Whole.
func (s *Store) WholeEncoding(key object.Key) ([]byte, error) {
	return s.WholeEncodingWithin(key, s.options.MaxWhole)
}

// WholeEncodingWithin is WholeEncoding with another bound on the cells in rows.
func (s *Store) WholeEncodingWithin(key object.Key, most int64) ([]byte, error) {
	o, err := s.wholeWithin(key, most)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return noObject, nil
	}
	return object.Append(nil, o), nil
}

// whole is the key's object as the tasks before left it: its cells are not read by anybody else meanwhile.
func (sh *shard) whole(key object.Key) (*object.Object, error) {
	o, err := sh.load(key)
	if err == nil && o != nil && o.Kept != nil && o.Kept.Bytes > sh.store.options.MaxWhole {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, o.Kept.Bytes)
	}
	return o, err
}
