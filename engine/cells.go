package engine

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// generation names the rows that hold the cells of one object.
type generation struct {
	slot object.Slot
	at   causal.Time
}

// bounds are those of the rows from a cell on.
func (g generation) bounds(from object.CellName) *pebble.IterOptions {
	return &pebble.IterOptions{
		LowerBound: appendCellKey(nil, g.slot, g.at, from),
		UpperBound: appendCellsOf(nil, g.slot, g.at+1),
	}
}

// readCell reads one cell, no versions when it is not there. The iterator asks the filters of all levels, as for objects.
func (s *Store) readCell(g generation, name object.CellName) (versions []causal.Version, err error) {
	iter, err := s.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return nil, fmt.Errorf("read cell: %w", err)
	}
	var buf [96]byte
	if iter.SeekPrefixGE(appendCellKey(buf[:0], g.slot, g.at, name)) {
		versions, err = versionsAt(iter, true)
	}
	if err = errors.Join(err, iter.Close()); err != nil {
		return nil, fmt.Errorf("read cell: %w", err)
	}
	return versions, nil
}

// versionsAt decodes the row that an iterator stands at, copied where it is to outlive the iterator's next step.
func versionsAt(iter *pebble.Iterator, copied bool) ([]causal.Version, error) {
	value, err := iter.ValueAndErr()
	if err != nil {
		return nil, err
	}
	if copied {
		value = bytes.Clone(value)
	}
	return object.DecodeVersions(value)
}

// walkCells visits the cells that an iterator over a generation finds.
func walkCells(iter *pebble.Iterator, visit func(*object.Cell) bool) error {
	var cell object.Cell
	for ok := iter.First(); ok; ok = iter.Next() {
		versions, err := versionsAt(iter, false)
		if err != nil {
			return err
		}
		cell = object.Cell{Name: object.CellName(iter.Key()[cellPrefix:]), Versions: versions}
		if !visit(&cell) {
			return nil
		}
	}
	return iter.Error()
}

// pendingRows are the cells of a key in the applier: what the batch has read and changed of them, over the store.
type pendingRows struct {
	generation
	shard *shard
	fresh bool // nothing of the generation is in the store
	cells map[object.CellName]pendingCell
}

type pendingCell struct {
	versions []causal.Version
	changed  bool
}

// Versions reads a cell once in a batch.
func (r *pendingRows) Versions(name object.CellName) []causal.Version {
	if c, ok := r.cells[name]; ok || r.fresh {
		return c.versions
	}
	versions, err := r.shard.store.readCell(r.generation, name)
	if err != nil {
		r.shard.unreadable(err)
		return nil
	}
	r.cells[name] = pendingCell{versions: versions}
	return versions
}

// Each visits the cells of the store with those that the batch has changed in their place.
func (r *pendingRows) Each(from object.CellName, visit func(*object.Cell) bool) {
	var changed []object.Cell
	for name, c := range r.cells {
		if c.changed && name >= from {
			changed = append(changed, object.Cell{Name: name, Versions: c.versions})
		}
	}
	slices.SortFunc(changed, func(a, b object.Cell) int { return strings.Compare(string(a.Name), string(b.Name)) })
	k := object.Kept{Rows: storedRows{r.shard.store, r.generation, r.shard.unreadable}, Changed: changed}
	k.Each(from, visit)
}

// replace gives a cell other versions, and returns those that it had.
func (r *pendingRows) replace(c *object.Cell) (before []causal.Version) {
	before = r.Versions(c.Name)
	r.cells[c.Name] = pendingCell{versions: c.Versions, changed: true}
	return before
}

// stage adds the changed cells to the batch.
func (r *pendingRows) stage(b *pebble.Batch) error {
	var key, row []byte
	for name, c := range r.cells {
		if !c.changed {
			continue
		}
		key = appendCellKey(key[:0], r.slot, r.at, name)
		var err error
		if len(c.versions) > 0 {
			row = object.AppendVersions(row[:0], c.versions)
			err = b.Set(key, row, nil)
		} else if !r.fresh {
			err = b.Delete(key, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
	iter, err := r.store.db.NewIter(r.bounds(from))
	if err == nil {
		err = errors.Join(walkCells(iter, visit), iter.Close())
	}
	if err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
	}
}

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
	key object.Key
}

// Versions reads a cell.
func (r viewedRows) Versions(name object.CellName) []causal.Version {
	versions := r.storedRows.Versions(name)
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

// Each visits the cells as they are at one moment.
func (r viewedRows) Each(from object.CellName, visit func(*object.Cell) bool) {
	iter, err := r.store.db.NewIter(r.bounds(from))
	if err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
		return
	}
	if now := r.replaced(); now != nil {
		err = iter.Close()
		for c := range now.From(from) {
			if c.Name.InRow() && !visit(c) {
				break
			}
		}
	} else {
		err = errors.Join(walkCells(iter, visit), iter.Close())
	}
	if err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
	}
}

// replaced is the object as it is now, nil when its cells are still those of this generation.
func (r viewedRows) replaced() *object.Object {
	record, err := r.store.load(r.key)
	if err == nil {
		var o *object.Object
		if o, err = r.store.decode(record); err == nil {
			switch {
			case o == nil:
				return &object.Object{}
			case o.Kept != nil && o.Kept.Generation == r.at:
				return nil
			}
			return r.store.attach(r.key, o, r.fail)
		}
	}
	r.fail(err)
	return nil
}

// attach lets an object that was read beside the appliers find its cells.
func (s *Store) attach(key object.Key, o *object.Object, fail func(error)) *object.Object {
	if o != nil && o.Kept != nil {
		rows := storedRows{s, generation{key.Slot(), o.Kept.Generation}, fail}
		o.Kept.Rows = viewedRows{rows, key}
	}
	return o
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
	iter, err := r.of.Clone(pebble.CloneOptions{IterOptions: r.bounds(from)})
	if err == nil {
		err = errors.Join(walkCells(iter, visit), iter.Close())
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
