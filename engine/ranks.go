package engine

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/engine/rank"
)

// Ranks of elements in rows are told by counts in memory (package rank). They are made when a command first asks for a rank, by a walk over
// all elements beside the appliers (rankBuild), and follow each write from then on; those that were not used for long are given up when there are many. In
// the store they would be rows that every write changes, and Pebble steps over each older value of such a row for as long
// as it is in a memtable: a push took a hundred times as long.

// ranksBytes bounds the counts of a shard, at some two bytes an element.
const ranksBytes = 16 << 20

type rankKey struct {
	generation causal.Time
	kind       object.Kind
}

// shardRanks are the counts of a shard's objects.
type shardRanks struct {
	// mu guards entries and building. The applier holds it from before a commit that changes elements until the counts are those after it,
	// so who holds it for reading and opens an iterator finds both of one moment. Counts are never changed, but replaced.
	mu       sync.RWMutex
	entries  map[rankKey]*rankEntry
	building map[rankKey]*rankBuild
	bytes    int64
	tick     atomic.Int64
}

type rankEntry struct {
	widths *rank.Widths
	bytes  int64
	used   atomic.Int64
}

// find returns counts, nil when there are none. mu must be held.
func (r *shardRanks) find(key rankKey) *rank.Widths {
	e := r.entries[key]
	if e == nil {
		return nil
	}
	e.used.Store(r.tick.Add(1))
	return e.widths
}

func (r *shardRanks) have(key rankKey) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.entries[key] != nil
}

// put keeps counts. mu must be held for writing.
func (r *shardRanks) put(key rankKey, w *rank.Widths) {
	r.remove(key)
	if r.entries == nil {
		r.entries = map[rankKey]*rankEntry{}
	}
	e := &rankEntry{widths: w, bytes: w.Bytes()}
	e.used.Store(r.tick.Add(1))
	r.entries[key] = e
	for r.bytes += e.bytes; r.bytes > ranksBytes && len(r.entries) > 1; {
		r.removeOldest()
	}
}

func (r *shardRanks) removeOldest() {
	var oldest rankKey
	least := int64(0)
	for key, e := range r.entries {
		if used := e.used.Load(); least == 0 || used < least {
			oldest, least = key, used
		}
	}
	r.remove(oldest)
}

func (r *shardRanks) remove(key rankKey) {
	if e := r.entries[key]; e != nil {
		r.bytes -= e.bytes
		delete(r.entries, key)
	}
}

// Ranks are counts and the rows of their moment.
func (r viewedRows) Ranks(k object.Kind) (*rank.Widths, object.Rows, func()) {
	if held := &r.store.shard(r.slot).ranks; !held.have(rankKey{r.at, k}) && !r.reader.mayWalk() {
		return &rank.Widths{}, &freshRows{}, func() {}
	}
	w, rows, done := r.storedRows.Ranks(k)
	if now := r.replaced(); now != nil {
		done()
		return rowsOf(now).Ranks(k)
	}
	return w, rows, done
}

// Ranks are counts and the rows of their moment.
func (r storedRows) Ranks(k object.Kind) (*rank.Widths, object.Rows, func()) {
	key, held := rankKey{r.at, k}, &r.store.shard(r.slot).ranks
	held.mu.RLock()
	w := held.find(key)
	if w == nil {
		held.mu.RUnlock()
		return r.makeRanks(key, held)
	}
	defer held.mu.RUnlock()
	rows, done := r.moment(k)
	return w, rows, done
}

// moment are the rows as they are now, of which those that tell the order of a type are near.
func (r storedRows) moment(k object.Kind) (object.Rows, func()) {
	bounds := r.walkAt(kind.FirstRow(k))
	iter, err := r.store.db.NewIter(bounds.options())
	if err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
		return &freshRows{}, func() {}
	}
	return &orderRows{sameMoment: sameMoment{iter, r.generation, r.fail}, first: bounds.first}, func() {
		if err := iter.Close(); err != nil {
			r.fail(fmt.Errorf("read cells: %w", err))
		}
	}
}

// orderRows are sameMoment for one walk over the rows that the iterator has the bounds of, which it does itself.
type orderRows struct {
	sameMoment
	first []byte
	taken bool
}

// Each visits the cells.
func (r *orderRows) Each(from object.CellName, visit func(*object.Cell) bool) {
	bounds := r.walkAt(from)
	if r.taken || !bytes.Equal(bounds.first, r.first) {
		r.sameMoment.Each(from, visit)
		return
	}
	r.taken = true
	if err := walkCells(r.of, bounds, visit); err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
	}
}

// Ranks counts the rows.
func (r sameMoment) Ranks(k object.Kind) (*rank.Widths, object.Rows, func()) {
	return countRows(r, k), r, func() {}
}

// pendingRanks are the counts that a batch has made or changed, and what it has changed without there being any.
type pendingRanks struct {
	widths  map[object.Kind]*rank.Widths
	changed map[object.Kind]bool
}

// Count keeps the ranks of a type up to date with an element that is new or gone.
func (r *pendingRows) Count(k object.Kind, spot string, added bool) {
	if k == object.Stream {
		return
	}
	p := &r.ranks
	if !p.changed[k] {
		if p.changed == nil {
			p.changed = map[object.Kind]bool{}
		}
		p.changed[k] = true
		if p.widths[k] == nil && !r.fresh {
			if w := r.held(k); w != nil {
				r.hold(k, w.Copy())
			}
		}
	}
	switch w := p.widths[k]; {
	case w == nil:
	case added:
		w.Insert(spot, walkOf(r, k))
	default:
		w.Remove(spot)
	}
}

// Ranks are the counts as the batch leaves them.
func (r *pendingRows) Ranks(k object.Kind) (*rank.Widths, object.Rows, func()) {
	w := r.ranks.widths[k]
	if w == nil {
		if !r.fresh && !r.ranks.changed[k] {
			w = r.held(k)
		}
		if w != nil {
			w = w.Copy()
		} else {
			w = countRows(r, k)
		}
		r.hold(k, w)
	}
	return w, r, func() {}
}

func (r *pendingRows) hold(k object.Kind, w *rank.Widths) {
	if r.ranks.widths == nil {
		r.ranks.widths = map[object.Kind]*rank.Widths{}
	}
	r.ranks.widths[k] = w
}

// held are the counts of what is in the store.
func (r *pendingRows) held(k object.Kind) *rank.Widths {
	held := &r.shard.ranks
	held.mu.RLock()
	defer held.mu.RUnlock()
	return held.find(rankKey{r.at, k})
}

// withRanks commits, and then makes the counts those of what was committed.
func (sh *shard) withRanks(commit func() error) error {
	concerned := false
	for _, p := range sh.order {
		concerned = concerned || len(p.dropped) > 0 || p.rows != nil && len(p.rows.ranks.changed)+len(p.rows.ranks.widths) > 0
	}
	if !concerned {
		return commit()
	}
	sh.ranks.mu.Lock()
	defer sh.ranks.mu.Unlock()
	err := commit()
	for _, p := range sh.order {
		for _, g := range p.dropped {
			for _, k := range []object.Kind{object.ZSet, object.List} {
				sh.ranks.remove(rankKey{g.at, k})
				if b := sh.ranks.building[rankKey{g.at, k}]; b != nil {
					b.gone = true
				}
			}
		}
		if p.rows == nil {
			continue
		}
		for k := range p.rows.ranks.changed {
			sh.ranks.remove(rankKey{p.rows.at, k}) // somebody may have made counts of what was there before
			if b := sh.ranks.building[rankKey{p.rows.at, k}]; b != nil && err == nil {
				b.note(p.rows, k)
			}
		}
		for k, w := range p.rows.ranks.widths {
			if err == nil {
				sh.ranks.put(rankKey{p.rows.at, k}, w)
			}
		}
	}
	return err
}
