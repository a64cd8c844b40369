package engine

import (
	"time"

	"github.com/kindredkv/kindred/engine/backlog"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// Merge joins another replica's object into the key. Nothing is minted.
func (tx *Tx) Merge(key object.Key, o *object.Object) {
	own := tx.Raw(key)
	if tx.failed != nil || own != nil && own.Context.CoversAll(o.Context) {
		return
	}
	if err := tx.source.observe(o.Context.Newest()); err != nil {
		tx.fail(err)
		return
	}
	joined := object.Join(own, o)
	if mutant.LastArrivalWins {
		joined = &object.Object{Context: joined.Context, Cells: o.Cells, Birth: joined.Birth}
	}
	tx.addMerged(key, tx.source.settle(joined))
}

// Apply applies another replica's delta to the key. It reports false, and changes nothing, when this store has not
// seen what the delta builds on and needs the whole object. encoded is the delta's encoding.
func (tx *Tx) Apply(key object.Key, d *object.Delta, encoded []byte) bool {
	own := tx.Raw(key)
	if tx.failed != nil {
		return true
	}
	o, ok := object.Apply(own, d)
	if !ok && mutant.AppliesOverGaps {
		pretended := &object.Object{Context: d.Base}
		if own != nil {
			pretended = &object.Object{Context: own.Context.Merge(d.Base), Cells: own.Cells, Birth: own.Birth}
		}
		o, ok = object.Apply(pretended, d)
	}
	if !ok {
		return false
	}
	if own != nil && own.Context.Equal(o.Context) {
		return true
	}
	if err := tx.source.observe(d.Dot.Time); err != nil {
		tx.fail(err)
		return true
	}
	tx.addMerged(key, tx.source.settle(o))
	tx.applied = append(tx.applied, backlog.Entry{Key: key, Dot: d.Dot, Delta: encoded})
	return true
}

// Forget removes the key from this store without a trace: it has been given to other replicas, or is a tombstone that
// all of them hold. The next own write of the key starts a new birth, for from here on this store no longer knows what
// it wrote under the old one.
func (tx *Tx) Forget(key object.Key) {
	if tx.Raw(key) != nil && tx.failed == nil {
		tx.addMerged(key, &object.Object{})
	}
}

func (tx *Tx) addMerged(key object.Key, o *object.Object) {
	for i := range tx.merged {
		if tx.merged[i].key == key {
			tx.merged[i].object = o
			return
		}
	}
	tx.merged = append(tx.merged, merged{key, o})
}

// settle applies the store's policies to an object that was merged or edited: the newest version only, or no more than so
// many siblings; and a context pruned of what is too old and too much. Each keeps a part that depends only on what is
// joined, so replicas that have joined the same end up equal.
func (s *Store) settle(o *object.Object) *object.Object {
	if limit := s.siblingLimit(); limit > 0 {
		var dropped int
		if o, dropped = o.KeepNewest(limit, kind.IsValue); dropped > 0 && !s.options.LastWriteWins {
			s.stats.siblingsDropped.Add(uint64(dropped))
		}
	}
	return pruned(o)
}

// pruned is o with a context that was pruned, by its own newest time instead of a clock: replicas prune at different moments.
// A collection keeps its context: where its cells are in rows it would take a walk over all of them to tell whom the context
// must keep, and where they are is this store's own affair, which must not make replicas differ.
func pruned(o *object.Object) *object.Object {
	if len(o.Context) <= causal.PruneAbove || o.Kept != nil {
		return o
	}
	alive := map[causal.Actor]bool{}
	for i := range o.Cells {
		if o.Cells[i].Name.InRow() {
			return o
		}
		for j := range o.Cells[i].Versions {
			alive[o.Cells[i].Versions[j].Dot.Actor] = true
		}
	}
	out := *o
	out.Context = o.Context.Prune(o.Context.Newest(), func(a causal.Actor) bool { return alive[a] })
	return &out
}

func (s *Store) siblingLimit() int {
	if s.options.LastWriteWins {
		return 1
	}
	return int(s.siblings.Load())
}

// observe moves the clock past a time that came from another node.
func (s *Store) observe(t causal.Time) error {
	return s.clock.Observe(t, s.options.MaxDrift+time.Duration(s.behind.Load()))
}

// SetClockBehind says by how much the wall clock is behind those of most other nodes: their writes are not refused for it.
func (s *Store) SetClockBehind(d time.Duration) { s.behind.Store(int64(d)) }

func (sh *shard) observe(t causal.Time) error            { return sh.store.observe(t) }
func (sh *shard) settle(o *object.Object) *object.Object { return sh.store.settle(o) }
