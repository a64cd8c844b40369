package engine

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/object"
)

// loadSummaries reads the slots' summaries, brings them up to date with the journal, and starts an empty journal. The
// number of shards may differ from the run that wrote them.
func (s *Store) loadSummaries() error {
	var all [object.Slots]*summary
	if err := s.loadSummaryRows(&all); err != nil {
		return err
	}
	replayed, err := s.replayJournal(&all)
	if err != nil {
		return err
	}
	for slot, sum := range all {
		if sum != nil {
			s.shard(object.Slot(slot)).summaries.slots[slot] = sum
		}
	}
	if !replayed {
		return nil
	}
	return s.rewriteSummaries(&all)
}

func (s *Store) loadSummaryRows(all *[object.Slots]*summary) error {
	return s.eachLocal(tagSummary, func(key, value []byte) error {
		if len(key) != 2 {
			return ErrCorrupt
		}
		sum, err := decodeSummary(value)
		if err != nil {
			return err
		}
		slot := int(key[0])<<8 | int(key[1])
		if slot >= object.Slots {
			return ErrCorrupt
		}
		sum.kept = sum.seq
		all[slot] = sum
		s.sequence.Store(max(s.sequence.Load(), sum.seq))
		return nil
	})
}

func (s *Store) replayJournal(all *[object.Slots]*summary) (replayed bool, err error) {
	err = s.eachLocal(tagJournal, func(key, value []byte) error {
		if len(key) != 2+8 {
			return ErrCorrupt
		}
		var seq uint64
		for _, c := range key[2:] {
			seq = seq<<8 | uint64(c)
		}
		replayed = true
		s.sequence.Store(max(s.sequence.Load(), seq))
		return decodeJournal(value, func(c change) {
			sum := all[c.slot]
			if sum == nil {
				sum = &summary{}
				all[c.slot] = sum
			}
			// The row includes its own batch whole, and a batch's changes of one slot are applied together.
			if seq > sum.kept {
				sum.apply(c, seq)
			}
		})
	})
	return replayed, err
}

// rewriteSummaries writes all summaries and drops the journal.
func (s *Store) rewriteSummaries(all *[object.Slots]*summary) error {
	b := s.db.NewBatch()
	defer b.Close()
	for slot, sum := range all {
		if sum == nil || sum.kept == sum.seq {
			continue
		}
		sum.kept = sum.seq
		if err := b.Set(summaryKey(object.Slot(slot)), sum.encode(nil), nil); err != nil {
			return err
		}
	}
	start, end := localRange(tagJournal)
	if err := b.DeleteRange(start, end, nil); err != nil {
		return err
	}
	return b.Commit(s.syncOption())
}

func localRange(tag byte) (start, end []byte) {
	return append([]byte(localPrefix), tag), append([]byte(localPrefix), tag+1)
}

// eachLocal visits the rows about the store under one tag, in the order of their keys, which it gives without prefix.
func (s *Store) eachLocal(tag byte, visit func(key, value []byte) error) error {
	start, end := localRange(tag)
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		return err
	}
	for ok := iter.First(); ok; ok = iter.Next() {
		value, err := iter.ValueAndErr()
		if err == nil {
			err = visit(iter.Key()[len(start):], value)
		}
		if err != nil {
			_ = iter.Close()
			return err
		}
	}
	return iter.Close()
}
