package engine

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/cache"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// shardHints is an applier's part of the hints: those that the current batch has loaded or changed. They are rare, so
// they have neither a cache nor memory that is used again.
type shardHints struct {
	pending map[object.Key]*pendingHint
	changed []*pendingHint
	grown   int64 // by how many bytes the batch makes hints grow
}

// pendingHint is the state of a hint within the current batch.
type pendingHint struct {
	pendingKey        // key, and the record that changes refer to
	before     []Debt // as the store has it
	size       int64  // bytes that it counts for in the store, 0 for none
	after      *Hint  // as the batch leaves it; nil for none
	row        []byte // of after
}

// standIn is the applier as the source of a task that stands in for owners: it runs on hints in place of objects.
type standIn shard

func (s *standIn) load(key object.Key) (*object.Object, error) {
	h, err := (*shard)(s).hint(key)
	if h == nil || err != nil {
		return nil, err
	}
	return h.Object, nil
}

// whole is load: the object of a hint has all its cells with it.
func (s *standIn) whole(key object.Key) (*object.Object, error) { return s.load(key) }

func (s *standIn) mint(base *object.Object) (causal.Dot, error) { return s.store.mint(base) }
func (s *standIn) observe(t causal.Time) error                  { return s.store.observe(t) }
func (s *standIn) settle(o *object.Object) *object.Object       { return s.store.settle(o) }
func (s *standIn) hint(key object.Key) (*Hint, error)           { return (*shard)(s).hint(key) }
func (s *standIn) hintRoom() int64                              { return (*shard)(s).hintRoom() }

// hint is the hint of a key as the tasks before left it, nil for none. With hintRoom it makes the shard a source of hints.
func (sh *shard) hint(key object.Key) (*Hint, error) {
	p, err := sh.findHint(key)
	if err != nil {
		return nil, err
	}
	return p.after, nil
}

func (sh *shard) hintRoom() int64 {
	h := &sh.store.hints
	return h.bound.Load() - h.bytes.Load() - sh.hints.grown
}

func (sh *shard) findHint(key object.Key) (*pendingHint, error) {
	if p := sh.hints.pending[key]; p != nil {
		return p, nil
	}
	row, err := sh.store.readHint(key)
	if err != nil {
		return nil, err
	}
	p := &pendingHint{pendingKey: pendingKey{key: key}}
	if row != nil {
		if p.after, err = decodeHint(row, sh.store.epoch); err != nil {
			sh.store.fatal(err)
			return nil, err
		}
		p.before, p.size = p.after.Debts, hintSize(key, row)
	}
	if sh.hints.pending == nil {
		sh.hints.pending = map[object.Key]*pendingHint{}
	}
	sh.hints.pending[key] = p
	return p, nil
}

// hintSize is what a hint counts for.
func hintSize(key object.Key, row []byte) int64 {
	return int64(len(localPrefix) + 1 + objectPrefix + len(key.Name) + len(row))
}

// takeHints makes the hints that a task changed part of the batch. What a task that stands in for owners edited becomes a
// hint owed to them; what it only merged, to read it, is not kept.
func (sh *shard) takeHints(t *Task) {
	tx := &sh.tx
	for _, k := range tx.hints {
		sh.putHint(k.key, k.hint)
	}
	if t.StandsFor == nil {
		return
	}
	for i := range tx.edits {
		e := &tx.edits[i]
		p := sh.hints.pending[e.key]
		o := sh.settle(e.edit.ResultIn(sh.rooms.next()))
		var debts []Debt
		if p.after != nil {
			debts = p.after.Debts
		}
		sh.putHint(e.key, &Hint{Debts: owe(debts, t.StandsFor, tx.now), Object: o})
		p.record = cache.NewRecord(e.key, o.Context.Digest(), appendRow(nil, sh.store.epoch, o))
		t.Changes = append(t.Changes, Change{Key: e.key, pending: &p.pendingKey})
	}
}

// putHint stages a hint, which has been loaded before.
func (sh *shard) putHint(key object.Key, h *Hint) {
	p := sh.hints.pending[key]
	if !p.changed {
		p.changed = true
		sh.hints.changed = append(sh.hints.changed, p)
	}
	sh.hints.grown -= int64(len(p.row))
	p.after, p.row = h.orNone(), nil
	if p.after != nil {
		p.row = appendHint(nil, sh.store.epoch, p.after)
	}
	sh.hints.grown += int64(len(p.row))
}

// writeHints adds the rows of changed hints to the batch.
func (sh *shard) writeHints(b *pebble.Batch) error {
	for _, p := range sh.hints.changed {
		var err error
		sh.key = appendHintKey(sh.key[:0], p.key)
		if p.after == nil {
			err = b.Delete(sh.key, nil)
		} else {
			err = b.Set(sh.key, p.row, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// publishHints counts what a committed batch did to hints.
func (sh *shard) publishHints(seq uint64) {
	var grown int64
	h := &sh.store.hints
	h.mu.Lock()
	for _, p := range sh.hints.changed {
		size := int64(0)
		var debts []Debt
		if p.after != nil {
			size, debts = hintSize(p.key, p.row), p.after.Debts
		}
		h.replace(p.key.Slot(), p.before, p.size, debts, size, seq)
		grown += size - p.size
	}
	h.mu.Unlock()
	if sh.store.inMemory() {
		sh.store.room.left.Add(-grown)
		sh.store.room.notify()
	}
}

// forgetHints ends the batch.
func (sh *shard) forgetHints() {
	if len(sh.hints.pending) > 0 {
		sh.hints = shardHints{}
	}
}
