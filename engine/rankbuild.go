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

// rankBuild is the making of counts while the appliers go on.
//
//  1. The build is entered under the lock that commits take, and an iterator opened: it sees what is there before the next commit.
//  2. The elements are counted from the iterator. Each commit leaves word of the elements that it has changed.
//  3. Those are counted too, beside further commits while they are many. The last are counted between two batches, where the counts
//     are put in force: a batch that had begun without them would not change them.
type rankBuild struct {
	// changed are elements that commits have changed, and whether they are there now. The lock of shardRanks guards it.
	changed btree.Map[string, bool]
	// gone says that the generation was dropped meanwhile. The lock guards it.
	gone bool
	done chan struct{} // closed at the end
}

// rankChangesLeft is how many changes at most are counted while the applier waits, unless rankRounds were not enough to keep up.
const (
	rankChangesLeft = 64
	rankRounds      = 16
)

// note takes note of what a batch has changed. The lock must be held.
func (b *rankBuild) note(p *pendingRows, k object.Kind) {
	p.changes.Scan(func(name object.CellName, versions []causal.Version) bool {
		if spot, ok := kind.SpotOfRow(k, name); ok {
			b.changed.Set(string(spot), len(versions) > 0)
		}
		return true
	})
}

// countingRows are the elements that have been counted so far: those of an iterator and changes since.
type countingRows struct {
	rows    object.Rows
	kind    object.Kind
	changed btree.Map[string, bool]
}

// walk visits the elements from one on.
func (c *countingRows) walk(from string, visit func(string) bool) {
	next := c.changed.Iter()
	more, stopped := next.Seek(from), false
	changesBefore := func(s string, all bool) {
		for ; more && !stopped && (all || next.Key() < s); more = next.Next() {
			stopped = next.Value() && !visit(next.Key())
		}
	}
	kind.Walk(c.rows, c.kind, from, func(s string) bool {
		changesBefore(s, false)
		if !stopped && !(more && next.Key() == s) {
			stopped = !visit(s)
		}
		return !stopped
	})
	changesBefore("", true)
}

func (c *countingRows) has(spot string) (found bool) {
	c.walk(spot, func(s string) bool {
		found = s == spot
		return false
	})
	return found
}

// take counts changes.
func (c *countingRows) take(w *rank.Widths, changes *btree.Map[string, bool]) {
	changes.Scan(func(spot string, there bool) bool {
		if was := c.has(spot); was != there {
			if there {
				w.Insert(spot, c.walk)
			} else {
				w.Remove(spot)
			}
		}
		c.changed.Set(spot, there)
		return true
	})
}

// makeRanks makes counts that nobody has, and returns them with the rows of their moment. What is not there any more is counted as
// nothing.
func (r storedRows) makeRanks(key rankKey, held *shardRanks) (*rank.Widths, object.Rows, func()) {
	for {
		held.mu.Lock()
		if w := held.find(key); w != nil {
			rows, done := r.moment(key.kind)
			held.mu.Unlock()
			return w, rows, done
		}
		b := held.building[key]
		if b != nil {
			held.mu.Unlock()
			<-b.done
			continue
		}
		b = &rankBuild{done: make(chan struct{})}
		if held.building == nil {
			held.building = map[rankKey]*rankBuild{}
		}
		held.building[key] = b
		iter, err := r.store.db.NewIter(nil)
		held.mu.Unlock()
		if err == nil {
			err = r.build(b, key, held, iter)
		}
		held.mu.Lock()
		delete(held.building, key)
		gone := b.gone
		held.mu.Unlock()
		close(b.done)
		if err != nil {
			r.fail(fmt.Errorf("read cells: %w", err))
		}
		if err != nil || gone {
			return &rank.Widths{}, &freshRows{}, func() {}
		}
	}
}

// build counts what an iterator sees and what is changed meanwhile, and puts the counts in force.
func (r storedRows) build(b *rankBuild, key rankKey, held *shardRanks, iter *pebble.Iterator) (err error) {
	defer func() { err = errors.Join(err, iter.Close()) }()
	failed := func(e error) { err = errors.Join(err, e) }
	c := &countingRows{rows: sameMoment{iter, r.generation, failed}, kind: key.kind}
	w := countRows(c.rows, key.kind)
	for round := 0; err == nil && round < rankRounds; round++ {
		held.mu.Lock()
		changes := b.changed
		if changes.Len() <= rankChangesLeft {
			held.mu.Unlock()
			break
		}
		b.changed = btree.Map[string, bool]{}
		held.mu.Unlock()
		c.take(w, &changes)
	}
	ran := r.store.shard(r.slot).control(func() {
		held.mu.Lock()
		defer held.mu.Unlock()
		if c.take(w, &b.changed); err == nil && !b.gone {
			held.put(key, w)
		}
	})
	if err == nil && !ran {
		err = ErrClosed
	}
	return err
}
