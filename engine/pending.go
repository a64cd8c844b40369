package engine

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/tidwall/btree"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/engine/rank"
)

// freshRows are the rows of an object that has none in the store: all of them have been changed. One without versions is gone.
type freshRows struct {
	changes btree.Map[object.CellName, []causal.Version]
}

// Versions reads a row.
func (r *freshRows) Versions(name object.CellName) []causal.Version {
	versions, _ := r.changes.Get(name)
	return versions
}

// Each visits the rows from a name on.
func (r *freshRows) Each(from object.CellName, visit func(*object.Cell) bool) {
	r.changes.Ascend(from, func(name object.CellName, versions []causal.Version) bool {
		if name.Local() != from.Local() {
			return false
		}
		return len(versions) == 0 || visit(&object.Cell{Name: name, Versions: versions})
	})
}

// Back visits the rows below a name in falling order.
func (r *freshRows) Back(before object.CellName, visit func(*object.Cell) bool) {
	r.changes.Descend(before, func(name object.CellName, versions []causal.Version) bool {
		if name == before {
			return true
		}
		if name.Local() != before.Local() {
			return false
		}
		return len(versions) == 0 || visit(&object.Cell{Name: name, Versions: versions})
	})
}

// Put writes a local row.
func (r *freshRows) Put(name object.CellName) { r.changes.Set(name, local) }

// Remove removes a local row.
func (r *freshRows) Remove(name object.CellName) { r.changes.Set(name, nil) }

// Count does nothing: ranks are made when they are asked for.
func (r *freshRows) Count(object.Kind, string, bool) {}

// Ranks counts the rows.
func (r *freshRows) Ranks(k object.Kind) (*rank.Widths, object.Rows, func()) {
	return countRows(r, k), r, func() {}
}

// countRows makes the counts of a type's elements.
func countRows(rows object.Rows, k object.Kind) *rank.Widths { return rank.New(walkOf(rows, k)) }

func walkOf(rows object.Rows, k object.Kind) rank.Walk {
	return func(from string, visit func(string) bool) { kind.Walk(rows, k, from, visit) }
}

// add adds a cell, which must be new.
func (r *freshRows) add(c *object.Cell) {
	r.changes.Set(c.Name, c.Versions)
	kind.Derive(r, nil, c.Name, nil, c.Versions)
}

// pendingRows are the rows of a key in the applier: what the batch has changed of them, over the store.
type pendingRows struct {
	generation
	freshRows
	shard *shard
	met   object.CellName              // the row that the last walk came to last; "" before there was one
	fresh bool                         // nothing of the generation is in the store
	seen  map[object.CellName]seenCell // cells that were looked up; one of the shard's
	ranks pendingRanks
}

// Versions reads a row.
func (r *pendingRows) Versions(name object.CellName) []causal.Version {
	if versions, ok := r.changes.Get(name); ok || r.fresh {
		return versions
	}
	if c, ok := r.seen[name]; ok {
		return c.versions
	}
	if versions, known := r.shard.runs.stored(r.generation, name); known {
		return versions
	}
	c, err := r.shard.loadCell(r.generation, name)
	if err != nil {
		r.shard.unreadable(err)
		return nil
	}
	if r.seen == nil {
		r.seen = r.shard.seen.take()
	}
	r.seen[name] = c
	return c.versions
}

// seenMaps are maps for the cells that a batch looks up. They are used again: making one grow costs as much as what it saves.
type seenMaps []map[object.CellName]seenCell

func (s *seenMaps) take() map[object.CellName]seenCell {
	if n := len(*s); n > 0 {
		m := (*s)[n-1]
		*s = (*s)[:n-1]
		return m
	}
	return map[object.CellName]seenCell{}
}

// give takes a map back at the end of the batch.
func (s *seenMaps) give(m map[object.CellName]seenCell) {
	if m == nil || len(m) > maxBatch || len(*s) == keptSeen {
		return
	}
	clear(m)
	*s = append(*s, m)
}

// keptSeen is how many maps are kept for the next batch.
const keptSeen = 4

// Each visits the rows of the store with those that the batch has changed in their place.
func (r *pendingRows) Each(from object.CellName, visit func(*object.Cell) bool) {
	if r.fresh {
		r.freshRows.Each(from, visit)
		return
	}
	if r.met == from && from != "" {
		if c, ok := r.near(from); ok {
			if !visit(&c) {
				return
			}
			from += "\x00"
		}
	}
	changed := r.changes.Iter()
	more := changed.Seek(from) && changed.Key().Local() == from.Local()
	stopped := false
	// changesBefore visits the changes below a name, or all that are left.
	changesBefore := func(name object.CellName, all bool) {
		for more && !stopped && (all || changed.Key() < name) {
			if v := changed.Value(); len(v) > 0 {
				stopped = !visit(&object.Cell{Name: changed.Key(), Versions: v})
			}
			more = changed.Next() && changed.Key().Local() == from.Local()
		}
	}
	r.shard.upwards(r.generation, from, func(c *object.Cell) bool {
		changesBefore(c.Name, false)
		if !stopped && !(more && changed.Key() == c.Name) {
			r.met = c.Name
			stopped = !visit(c)
		}
		return !stopped
	})
	changesBefore("", true)
}

// Back visits the rows below a name in falling order.
func (r *pendingRows) Back(before object.CellName, visit func(*object.Cell) bool) {
	if r.fresh {
		r.freshRows.Back(before, visit)
		return
	}
	if n := len(r.met); n > 0 && len(before) == n+1 && before[n] == 0 && before[:n] == r.met {
		if c, ok := r.near(r.met); ok {
			if !visit(&c) {
				return
			}
			before = c.Name
		}
	}
	changed := r.changes.Iter()
	var more bool
	if changed.Seek(before) {
		more = changed.Prev()
	} else {
		more = changed.Last()
	}
	more = more && changed.Key().Local() == before.Local()
	stopped := false
	changesAbove := func(name object.CellName) {
		for more && !stopped && changed.Key() > name {
			if v := changed.Value(); len(v) > 0 {
				stopped = !visit(&object.Cell{Name: changed.Key(), Versions: v})
			}
			more = changed.Prev() && changed.Key().Local() == before.Local()
		}
	}
	r.shard.downwards(r.generation, before, func(c *object.Cell) bool {
		changesAbove(c.Name)
		if !stopped && !(more && changed.Key() == c.Name) {
			r.met = c.Name
			stopped = !visit(c)
		}
		return !stopped
	})
	changesAbove("")
}

// near is a row that is in memory. Who takes elements from an end finds the next one with each that goes, and begins there the
// next time: that is not worth a walk.
func (r *pendingRows) near(name object.CellName) (object.Cell, bool) {
	versions, ok := r.changes.Get(name)
	if !ok {
		versions, _ = r.shard.runs.stored(r.generation, name)
	}
	return object.Cell{Name: name, Versions: versions}, len(versions) > 0
}

// stage adds the changed rows to the batch.
func (r *pendingRows) stage(b *pebble.Batch) (err error) {
	key, row := r.shard.cellKey, r.shard.row
	r.changes.Scan(func(name object.CellName, versions []causal.Version) bool {
		key = appendCellKey(key[:0], r.slot, r.at, name)
		switch {
		case len(versions) == 0:
			if !r.fresh {
				err = b.Delete(key, nil)
			}
		case name.Local():
			err = b.Set(key, nil, nil)
		default:
			row = object.AppendVersions(row[:0], versions)
			err = b.Set(key, row, nil)
		}
		return err == nil
	})
	if cap(row) > maxKeptBatch {
		row = nil
	}
	r.shard.cellKey, r.shard.row = key, row
	return err
}

// The rows that a batch reads are those from before it. One iterator for points and one for walks serve all of it. The latter
// keeps its bounds while the walks are over one object, and Pebble then goes on from where it stands when one walk begins
// behind another, as those of a queue do.

// readCell reads a row, no versions when it is not there.
func (sh *shard) readCell(g generation, name object.CellName) ([]causal.Version, error) {
	if sh.points == nil {
		var err error
		if sh.points, err = sh.store.db.NewIter(&pebble.IterOptions{UseL6Filters: true}); err != nil {
			return nil, fmt.Errorf("read cell: %w", err)
		}
	}
	return pointCell(sh.points, g, name)
}

// walkRows walks over rows of the store.
func (sh *shard) walkRows(bounds rowBounds, walk walkFunc, visit func(*object.Cell) bool) {
	iter, err := sh.rows, error(nil)
	sh.rows = nil // who walks within a walk gets another
	if iter == nil {
		iter, err = sh.store.db.NewIter(bounds.options())
	} else {
		iter.SetBounds(bounds.first, bounds.end)
	}
	if err == nil {
		err = walk(iter, bounds, visit)
		if sh.rows == nil {
			sh.rows = iter
		} else {
			err = errors.Join(err, iter.Close())
		}
	}
	if err != nil {
		sh.unreadable(fmt.Errorf("read cells: %w", err))
	}
}

// closeRows ends the reading of rows in a batch.
func (sh *shard) closeRows() {
	for _, iter := range []**pebble.Iterator{&sh.points, &sh.rows} {
		if *iter != nil {
			if err := (*iter).Close(); err != nil {
				sh.store.fatal(fmt.Errorf("read cells: %w", err))
			}
			*iter = nil
		}
	}
}
