package engine

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// SlotSet is a set of slots.
type SlotSet [object.Slots / 64]uint64

// Add adds a slot.
func (s *SlotSet) Add(slot object.Slot) { s[slot/64] |= 1 << (slot % 64) }

// Has reports whether the slot is in the set.
func (s *SlotSet) Has(slot object.Slot) bool { return s[slot/64]&(1<<(slot%64)) != 0 }

// Place is where a scan goes on: the first position of a slot that it has not passed.
type Place struct {
	Slot object.Slot
	At   merkle.Position
}

// Scan visits the objects of the slots in the set, tombstones and expired ones included, in the order of slot and
// position from a place on, until visit returns false. It sees each object as it was at some time during the scan.
// The object is valid only during the visit.
func (s *Store) Scan(slots *SlotSet, from Place, visit func(Place, object.Key, *object.Object) bool) error {
	iter, err := s.db.NewIter(&pebble.IterOptions{UpperBound: []byte(cellsPrefix)})
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	err = s.scan(iter, slots, from, visit)
	if closeErr := iter.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	return nil
}

// Sample visits the next few objects from each of several places on, as Scan does. At the end of the slots it goes on at
// their beginning.
func (s *Store) Sample(slots *SlotSet, places []Place, few int, visit func(object.Key, *object.Object)) error {
	iter, err := s.db.NewIter(&pebble.IterOptions{UpperBound: []byte(cellsPrefix)})
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	for _, from := range places {
		left := few
		next := func(_ Place, key object.Key, o *object.Object) bool {
			visit(key, o)
			left--
			return left > 0
		}
		if err = s.scan(iter, slots, from, next); err == nil && left > 0 {
			err = s.scan(iter, slots, Place{}, next)
		}
		if err != nil {
			break
		}
	}
	if closeErr := iter.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	return nil
}

func (s *Store) scan(iter *pebble.Iterator, slots *SlotSet, from Place, visit func(Place, object.Key, *object.Object) bool) error {
	at := from.At
	var failed error // of reading cells
	for slot := from.Slot; slot < object.Slots; slot, at = slot+1, 0 {
		if !slots.Has(slot) || !s.shard(slot).summaries.holds(slot) {
			continue
		}
		for ok := iter.SeekGE(appendPosition(nil, slot, at)); ok; ok = iter.Next() {
			rowSlot, position, key, err := splitRowKey(iter.Key())
			if err != nil {
				return err
			}
			if rowSlot != slot {
				break
			}
			value, err := iter.ValueAndErr()
			if err != nil {
				return err
			}
			o, err := decodeRow(value, s.epoch, nil)
			if err != nil {
				return err
			}
			if o.Kept != nil {
				o.Kept.Rows = sameMoment{iter, generation{slot, o.Kept.Generation}, func(e error) { failed = e }}
			}
			if !visit(Place{Slot: slot, At: position}, key, o) || failed != nil {
				return failed
			}
		}
		if err := iter.Error(); err != nil {
			return err
		}
	}
	return nil
}

// Count is the number of live keys of a database in the slots of the set. Keys that have expired and are not yet
// removed count.
func (s *Store) Count(slots *SlotSet, db uint8) int64 {
	var n int64
	for slot := range object.Slot(object.Slots) {
		if slots.Has(slot) {
			n += s.shard(slot).summaries.count(slot, db)
		}
	}
	return n
}

// Keys is the number of keys of the slots in all databases, tombstones included.
func (s *Store) Keys(slots *SlotSet) (n int64) {
	for slot := range object.Slot(object.Slots) {
		if slots.Has(slot) {
			n += s.shard(slot).summaries.keys(slot)
		}
	}
	return n
}

// Tree is a copy of the slot's tree.
func (s *Store) Tree(slot object.Slot) merkle.Tree { return s.shard(slot).summaries.tree(slot) }

// Tombstones is the number of tombstones in the slots of the set.
func (s *Store) Tombstones(slots *SlotSet) int64 {
	var n int64
	for slot := range object.Slot(object.Slots) {
		if slots.Has(slot) {
			n += s.TombstonesOf(slot)
		}
	}
	return n
}

// TombstonesOf is the number of tombstones in one slot.
func (s *Store) TombstonesOf(slot object.Slot) int64 { return s.shard(slot).summaries.tombstones(slot) }

// Changed is the number of the last batch that changed anything in the slot, its hints included; 0 when none has.
func (s *Store) Changed(slot object.Slot) uint64 {
	return max(s.shard(slot).summaries.changed(slot), s.hintsChanged(slot))
}
