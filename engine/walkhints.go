package engine

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/object"
)

// WalkHints visits the objects that are kept for others of the slots in the set, as Scan does those of the store itself: removed and
// expired ones included, in the order of slot and position from a place on, until visit returns false.
func (s *Store) WalkHints(slots *SlotSet, from Place, visit func(Place, object.Key, *object.Object) bool) error {
	return s.walkHints(slots, from, func(at Place, key object.Key, object func() (*object.Object, error)) (bool, error) {
		o, err := object()
		return err == nil && visit(at, key, o), err
	})
}

// CountHints is the number of keys of a database that are kept for others, in the slots of the set. What was removed does not count. It
// reads them all.
func (s *Store) CountHints(slots *SlotSet, db uint8) (n int64, err error) {
	err = s.walkHints(slots, Place{}, func(_ Place, key object.Key, object func() (*object.Object, error)) (bool, error) {
		if key.DB != db {
			return true, nil
		}
		o, err := object()
		if err == nil && !o.Tombstone() {
			n++
		}
		return err == nil, err
	})
	return n, err
}

// walkHints is WalkHints for a visit that may do without the object.
func (s *Store) walkHints(slots *SlotSet, from Place, visit func(Place, object.Key, func() (*object.Object, error)) (bool, error)) (err error) {
	_, end := localRange(tagHint)
	iter, err := s.db.NewIter(&pebble.IterOptions{UpperBound: end})
	if err != nil {
		return fmt.Errorf("walk hints: %w", err)
	}
	defer func() {
		if closeErr := iter.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			err = fmt.Errorf("walk hints: %w", err)
		}
	}()
	decode := func() (*object.Object, error) {
		value, err := iter.ValueAndErr()
		if err != nil {
			return nil, err
		}
		h, err := decodeHint(value, s.epoch)
		if err != nil {
			return nil, err
		}
		return h.Object, nil
	}
	prefix := len(localPrefix) + 1
	at := from.At
	for slot := from.Slot; slot < object.Slots; slot, at = slot+1, 0 {
		if !slots.Has(slot) || s.HintsOf(slot) == 0 {
			continue
		}
		for ok := iter.SeekGE(appendPosition(append([]byte(localPrefix), tagHint), slot, at)); ok; ok = iter.Next() {
			rowSlot, position, key, err := splitRowKey(iter.Key()[prefix:])
			if err != nil {
				return err
			}
			if rowSlot != slot {
				break
			}
			if more, err := visit(Place{Slot: slot, At: position}, key, decode); err != nil || !more {
				return err
			}
		}
		if err := iter.Error(); err != nil {
			return err
		}
	}
	return nil
}
