package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// Verification is what Verify found in a slot.
type Verification struct {
	// Keys and Bytes are what was read.
	Keys, Bytes int
	// Buckets is the number of buckets of the tree that were wrong, Counts that of wrong counts of keys.
	Buckets, Counts int
}

// Verify compares the tree and the counts of a slot with its rows, and mends them where they differ.
//
// Snapshot and tree are taken by the applier, between two batches, so they are of the same moment; the rows are read
// beside it. What is wrong is mended as a difference: leaves are XORed and counts added, so it makes none to the mending
// what was written meanwhile.
func (s *Store) Verify(slot object.Slot) (Verification, error) {
	var v Verification
	sh := s.shard(slot)
	var snapshot *pebble.Snapshot
	var kept summary
	var resets int
	ran := sh.control(func() {
		snapshot = s.db.NewSnapshot()
		kept, resets = sh.summaries.copyOf(slot)
	})
	if !ran {
		return v, ErrClosed
	}
	built, err := s.buildSummary(snapshot, slot, &v)
	if closeErr := snapshot.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return v, fmt.Errorf("verify slot %d: %w", slot, err)
	}
	fault := kept.differenceTo(built)
	v.Buckets, v.Counts = fault.wrong()
	if v.Buckets+v.Counts == 0 {
		return v, nil
	}
	if !sh.control(func() { err = sh.mend(slot, fault, resets) }) {
		return v, ErrClosed
	}
	return v, err
}

// buildSummary makes the summary of a slot from its rows.
func (s *Store) buildSummary(from *pebble.Snapshot, slot object.Slot, v *Verification) (*summary, error) {
	iter, err := from.NewIter(&pebble.IterOptions{
		LowerBound: binary.BigEndian.AppendUint16(nil, uint16(slot)), UpperBound: binary.BigEndian.AppendUint16(nil, uint16(slot)+1),
	})
	if err != nil {
		return nil, err
	}
	built := &summary{}
	for ok := iter.First(); ok && err == nil; ok = iter.Next() {
		err = s.addRow(built, iter, v)
	}
	if closeErr := iter.Close(); err == nil {
		err = closeErr
	}
	return built, err
}

func (s *Store) addRow(built *summary, iter *pebble.Iterator, v *Verification) error {
	_, at, key, err := splitRowKey(iter.Key())
	if err != nil {
		return err
	}
	value, err := iter.ValueAndErr()
	if err != nil {
		return err
	}
	o, err := decodeRow(value, s.epoch, nil)
	if err != nil {
		return err
	}
	c := change{bucket: uint8(at.Bucket()), db: key.DB, leaf: merkle.Leaf(key, o.Context.Digest())}
	c.count(o, 1)
	built.apply(c, 0)
	v.Keys++
	v.Bytes += len(iter.Key()) + len(value)
	return nil
}

// differenceTo is what has to be added to s to make it o.
func (s *summary) differenceTo(o *summary) *summary {
	d := &summary{tombs: o.tombs - s.tombs, live: make([]int64, max(len(s.live), len(o.live)))}
	for i := range d.tree {
		d.tree[i] = s.tree[i] ^ o.tree[i]
	}
	copy(d.live, o.live)
	for db, n := range s.live {
		d.live[db] -= n
	}
	return d
}

// wrong counts the buckets and the counts that a difference changes.
func (s *summary) wrong() (buckets, counts int) {
	for _, v := range s.tree {
		if v != 0 {
			buckets++
		}
	}
	for _, n := range append([]int64{s.tombs}, s.live...) {
		if n != 0 {
			counts++
		}
	}
	return buckets, counts
}

// add adds a difference.
func (s *summary) add(d *summary) {
	for i := range s.tree {
		s.tree[i] ^= d.tree[i]
	}
	if missing := len(d.live) - len(s.live); missing > 0 {
		s.live = append(s.live, make([]int64, missing)...)
	}
	for db, n := range d.live {
		s.live[db] += n
	}
	s.tombs += d.tombs
}

// copyOf is a copy of the slot's summary as the applier sees it.
func (s *summaries) copyOf(slot object.Slot) (out summary, resets int) {
	if sum := s.slots[slot]; sum != nil {
		out = *sum
		out.live = append([]int64(nil), sum.live...)
	}
	return out, s.resets
}

// mend adds a difference to the slot's summary, in memory and on disk, unless the store was emptied meanwhile. It runs as
// the applier.
func (sh *shard) mend(slot object.Slot, fault *summary, resets int) error {
	if sh.summaries.resets != resets {
		return nil
	}
	seq := sh.store.sequence.Add(1)
	row := sh.summaries.mend(slot, fault, seq)
	b := sh.store.db.NewBatch()
	defer b.Close()
	err := b.Set(summaryKey(slot), row, nil)
	if err == nil {
		err = sh.store.apply(b)
	}
	if err != nil {
		err = fmt.Errorf("mend slot %d: %w", slot, err)
		sh.store.fatal(err)
		return err
	}
	sh.store.written()
	return nil
}

// mend adds a difference to the slot's summary and returns its row. The row includes every change up to now, so a replay of
// the journal passes them over.
func (s *summaries) mend(slot object.Slot, fault *summary, seq uint64) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := s.slots[slot]
	if sum == nil {
		sum = &summary{}
		s.slots[slot] = sum
	}
	sum.add(fault)
	sum.seq, sum.kept = seq, seq
	return sum.encode(nil)
}
