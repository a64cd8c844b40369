package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// An object with a deadline, or with fields that have one, has a row that leads with it, so that those whose time has come are found without looking at
// the others. The row changes in the batch of its object.
//
//	0xffff 'e' deadline (8) the object's row key
func appendDueKey(b []byte, deadline int64, rowKey []byte) []byte {
	b = append(append(b, localPrefix...), tagDue)
	b = binary.BigEndian.AppendUint64(b, uint64(deadline))
	return append(b, rowKey...)
}

// stageDue brings the row of the key's deadline up to date. sh.key is the key's row key.
func (sh *shard) stageDue(b *pebble.Batch, p *pendingKey) error {
	before, after := deadlineOf(p.before), deadlineOf(known(p.object))
	if before != after && before != object.NoDeadline {
		if err := b.Delete(appendDueKey(nil, before, sh.key), nil); err != nil {
			return err
		}
	}
	if before != after && after != object.NoDeadline {
		if err := b.Set(appendDueKey(nil, after, sh.key), nil, nil); err != nil {
			return err
		}
	}
	return sh.stageFieldDue(b, p, before == after)
}

// stageFieldDue sees to it that there is a row under the first deadline of the key's fields. One that has become too early, as
// when a deadline was moved, stays until it is due: where cells are in rows, what they were before is not known any more.
// alike says that the row of the key's own deadline has not changed.
func (sh *shard) stageFieldDue(b *pebble.Batch, p *pendingKey, alike bool) error {
	next := kind.NextDue(known(p.object))
	if next == object.NoDeadline || alike && p.before != nil && p.before.Kept == nil && kind.NextDue(p.before) == next {
		return nil
	}
	return b.Set(appendDueKey(nil, next, sh.key), nil, nil)
}

// isDue reports whether a row under a deadline says what its object does.
func isDue(o *object.Object, deadline int64) bool {
	return o != nil && (deadline == o.Deadline() || deadline == kind.NextDue(o))
}

func deadlineOf(o *object.Object) int64 {
	if o == nil {
		return object.NoDeadline
	}
	return o.Deadline()
}

// DuePlace is where a look for expired objects goes on. The zero value is the start.
type DuePlace []byte

// Due returns at most limit keys whose deadlines, or the first of whose fields, have passed at a Unix millisecond, in the order of their deadlines from
// a place on, and the place behind them; nil when there are no more.
func (s *Store) Due(now int64, from DuePlace, limit int) (keys []object.Key, next DuePlace, err error) {
	next, err = s.ScanDue(now, from, limit, func(key object.Key, _ *object.Object) { keys = append(keys, key) })
	return keys, next, err
}

// ScanDue is Due for keys with their objects.
func (s *Store) ScanDue(now int64, from DuePlace, limit int, visit func(object.Key, *object.Object)) (next DuePlace, err error) {
	start, _ := localRange(tagDue)
	if from != nil {
		start = from
	}
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: appendDueKey(nil, now+1, nil)})
	if err != nil {
		return nil, fmt.Errorf("due: %w", err)
	}
	defer func() {
		if closeErr := iter.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("due: %w", closeErr)
		}
	}()
	const prefix = len(localPrefix) + 1 + 8
	visited := 0
	for ok := iter.First(); ok; ok = iter.Next() {
		if visited == limit {
			return append(DuePlace(nil), iter.Key()...), nil
		}
		row := iter.Key()
		_, _, key, err := splitRowKey(row[min(prefix, len(row)):])
		if err != nil {
			return nil, fmt.Errorf("due: %w", err)
		}
		deadline := int64(binary.BigEndian.Uint64(row[prefix-8:]))
		o, err := s.Get(key)
		if err != nil {
			return nil, err
		}
		if !isDue(o, deadline) {
			s.dropDue(key, deadline, append([]byte(nil), row...))
			continue
		}
		visit(key, o)
		visited++
	}
	return nil, iter.Error()
}

// dropDue deletes the row of a deadline that is no more, unless it is again: one that a Clear has left behind when it was cut
// short, or of a field whose deadline has changed.
func (s *Store) dropDue(key object.Key, deadline int64, row []byte) {
	sh := s.shard(key.Slot())
	sh.control(func() {
		if o, err := sh.store.Get(key); err != nil || isDue(o, deadline) {
			return
		}
		if err := s.db.Delete(row, pebble.NoSync); err != nil {
			s.fatal(fmt.Errorf("write: %w", err))
		}
	})
}

// DueRange is the earliest and the latest deadline; ok is false when there is none.
func (s *Store) DueRange() (first, last int64, ok bool, err error) {
	start, end := localRange(tagDue)
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		return 0, 0, false, fmt.Errorf("due: %w", err)
	}
	const from = len(localPrefix) + 1
	at := func() int64 { return int64(binary.BigEndian.Uint64(iter.Key()[from:])) }
	if ok = iter.First() && len(iter.Key()) >= from+8; ok {
		first = at()
		if ok = iter.Last() && len(iter.Key()) >= from+8; ok {
			last = at()
		}
	}
	if err = iter.Close(); err != nil {
		err = fmt.Errorf("due: %w", err)
	}
	return first, last, ok, err
}

// DueAt is the place of the first deadline that is not before a Unix millisecond.
func DueAt(deadline int64) DuePlace { return appendDueKey(nil, deadline, nil) }
