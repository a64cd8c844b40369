package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Clearing a large object takes no longer than clearing a small one: its row gets no generation, or another, and the batch
// notes that the cells of the old one are to be dropped. That is done in the background, many generations at a time, and
// gone on with when the store was closed before.

const (
	// dropPause is how long notes gather, so that one round serves many.
	dropPause = 100 * time.Millisecond
	// dropAtOnce bounds the generations of one batch: each is a range deletion, which reads of the same memtable look at.
	dropAtOnce = 256
)

func dropKey(g generation) []byte {
	b := binary.BigEndian.AppendUint16(append([]byte(localPrefix), tagDropped), uint16(g.slot))
	return binary.BigEndian.AppendUint64(b, uint64(g.at))
}

// dropLoop drops generations while there are any.
func (s *Store) dropLoop() {
	notify(s.drops) // what an earlier run has left
	for s.await(s.drops, dropPause) {
		for {
			n, err := s.drop()
			if err != nil {
				if !errors.Is(err, ErrClosed) {
					s.fatal(err)
				}
				return
			}
			if n < dropAtOnce {
				break
			}
		}
	}
}

// drop drops some generations and returns how many.
func (s *Store) drop() (n int, err error) {
	var found []generation
	start, end := localRange(tagDropped)
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		return 0, fmt.Errorf("drop: %w", err)
	}
	for ok := iter.First(); ok && len(found) < dropAtOnce; ok = iter.Next() {
		key := iter.Key()[len(start):]
		if len(key) != 2+8 || binary.BigEndian.Uint16(key) >= object.Slots {
			return 0, errors.Join(fmt.Errorf("drop: %w", ErrCorrupt), iter.Close())
		}
		found = append(found, generation{object.Slot(binary.BigEndian.Uint16(key)), causal.Time(binary.BigEndian.Uint64(key[2:]))})
	}
	if err := iter.Close(); err != nil {
		return 0, fmt.Errorf("drop: %w", err)
	}
	if len(found) == 0 {
		return 0, nil
	}
	// Who reads an object finds its cells as long as the cache shows it: the appliers publish before they run this.
	for _, sh := range s.shards {
		if !sh.control(func() {}) {
			return 0, ErrClosed
		}
	}
	b := s.db.NewBatch()
	defer b.Close()
	for _, g := range found {
		err := errors.Join(
			b.DeleteRange(appendCellsOf(nil, g.slot, g.at), appendCellsOf(nil, g.slot, g.at+1), nil),
			b.Delete(dropKey(g), nil),
		)
		if err != nil {
			return 0, fmt.Errorf("drop: %w", err)
		}
	}
	if err := s.apply(b); err != nil {
		return 0, fmt.Errorf("drop: %w", err)
	}
	s.written()
	return len(found), nil
}
