package engine

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// summary is what the store keeps up to date about each slot: its tree, how many keys live in each database, and how many
// tombstones there are.
type summary struct {
	tree  merkle.Tree
	live  []int64 // by database; shorter where the rest is 0
	tombs int64   // tombstones, in all databases
	seq   uint64  // the last batch whose changes it includes
	kept  uint64  // the seq of the row that was last written back
}

// change is what one changed key does to the summary of its slot.
type change struct {
	slot   object.Slot
	bucket uint8
	db     uint8
	live   int8 // −1, 0 or 1
	tombs  int8 // −1, 0 or 1
	leaf   uint64
}

// summaries holds the summaries of the slots of one shard.
//
// They are kept in memory, and on disk as rows that may lag behind: every batch also writes one journal row with its
// changes, a dozen bytes a key, where a row for each changed bucket would double the cost of a write. The applier
// writes the summaries back in turns, a few with each batch; when a turn is complete, the journal from before it is
// dropped. Opening the store applies the journal to the rows, so a tree is never rebuilt from the data.
type summaries struct {
	first, end int // the shard's slots: first ≤ slot < end

	mu    sync.RWMutex // guards slots against readers; the applier is the only writer
	slots [object.Slots]*summary
	// resets counts how often the store was emptied: what was found out before no longer holds.
	resets int

	// The rest belongs to the applier.
	shard      int
	turn       int    // the next slot to write back
	turnWorth  int    // turnWorth, but in tests
	turnActive bool   // whether a turn has begun
	turnStart  uint64 // the batch it began with; the journal from there on outlives it
	unwritten  int    // changed keys that have not yet paid for a write-back
	journaled  int    // changed keys since the last turn ended
	journal    []byte // reused
	row        []byte // reused
}

const (
	// writeBackShare is how many changed keys pay for writing back one slot's summary.
	writeBackShare = 8
	// turnWorth is how many changed keys there must be in the journal for a turn to end. Where all keys are in a few slots
	// a turn would else end with every batch, and each end is a range deletion, which every read of the same memtable
	// has to look at.
	turnWorth = 1 << 16
)

// changeOf is what a changed key does to its slot's summary. Its record is still that from before.
func changeOf(p *pendingKey) change {
	c := change{slot: p.key.Slot(), bucket: uint8(merkle.PositionOf(p.key).Bucket()), db: p.key.DB}
	c.leaf = merkle.Leaf(p.key, p.record.Digest()) ^ merkle.Leaf(p.key, p.digest)
	if mutant.TreesMissMerges && p.object.Birth == 0 {
		c.leaf = 0
	}
	if p.before != nil {
		c.count(p.before, -1)
	}
	if known(p.object) != nil {
		c.count(p.object, 1)
	}
	return c
}

// count adds an object to the live keys or to the tombstones, or with −1 takes it away.
func (c *change) count(o *object.Object, by int8) {
	if o.Tombstone() {
		c.tombs += by
	} else {
		c.live += by
	}
}

func appendJournal(b []byte, c change) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(c.slot))
	b = append(b, c.bucket, c.db, byte(c.live+3*c.tombs))
	return binary.BigEndian.AppendUint64(b, c.leaf)
}

const journalEntry = 2 + 3 + 8

func decodeJournal(b []byte, visit func(change)) error {
	if len(b)%journalEntry != 0 {
		return fmt.Errorf("%w: journal of %d bytes", ErrCorrupt, len(b))
	}
	for ; len(b) > 0; b = b[journalEntry:] {
		c := change{
			slot:   object.Slot(binary.BigEndian.Uint16(b)),
			bucket: b[2],
			db:     b[3],
			leaf:   binary.BigEndian.Uint64(b[5:]),
		}
		counts := int8(b[4]) // −4 to 4: live + 3·tombs
		c.live, c.tombs = (counts+4)%3-1, (counts+4)/3-1
		if c.slot >= object.Slots || c.bucket >= merkle.Buckets || counts < -4 || counts > 4 {
			return fmt.Errorf("%w: journal names slot %d bucket %d", ErrCorrupt, c.slot, c.bucket)
		}
		visit(c)
	}
	return nil
}

func (s *summary) apply(c change, seq uint64) {
	s.tree.Replace(int(c.bucket), 0, c.leaf)
	for int(c.db) >= len(s.live) {
		if c.live == 0 {
			break
		}
		s.live = append(s.live, 0)
	}
	if c.live != 0 {
		s.live[c.db] += int64(c.live)
	}
	s.tombs += int64(c.tombs)
	s.seq = seq
}

// summaryFormat follows a zero, which no sequence is: rows of before there were formats begin with their sequence, and
// count no tombstones.
const summaryFormat = 1

func (s *summary) encode(b []byte) []byte {
	b = append(b, 0, summaryFormat)
	b = binary.AppendUvarint(b, s.seq)
	b = binary.AppendVarint(b, s.tombs)
	for _, v := range s.tree {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	for _, n := range s.live {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func decodeSummary(b []byte) (*summary, error) {
	s := &summary{}
	counted := len(b) > 1 && b[0] == 0
	if counted {
		if b[1] != summaryFormat {
			return nil, fmt.Errorf("%w: summary of format %d", ErrCorrupt, b[1])
		}
		b = b[2:]
	}
	seq, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, fmt.Errorf("%w: summary", ErrCorrupt)
	}
	s.seq, b = seq, b[n:]
	if counted {
		if s.tombs, n = binary.Varint(b); n <= 0 {
			return nil, fmt.Errorf("%w: summary", ErrCorrupt)
		}
		b = b[n:]
	}
	if len(b) < len(s.tree)*8 {
		return nil, fmt.Errorf("%w: summary of %d bytes", ErrCorrupt, len(b))
	}
	for i := range s.tree {
		s.tree[i] = binary.BigEndian.Uint64(b)
		b = b[8:]
	}
	for len(b) > 0 {
		live, n := binary.Varint(b)
		if n <= 0 {
			return nil, fmt.Errorf("%w: summary", ErrCorrupt)
		}
		s.live, b = append(s.live, live), b[n:]
	}
	return s, nil
}

func summaryKey(slot object.Slot) []byte {
	return binary.BigEndian.AppendUint16(append([]byte(localPrefix), tagSummary), uint16(slot))
}

func journalKey(shard int, seq uint64) []byte {
	b := binary.BigEndian.AppendUint16(append([]byte(localPrefix), tagJournal), uint16(shard))
	return binary.BigEndian.AppendUint64(b, seq)
}

// stage adds to the batch what keeps the summaries on disk: the journal row of its changes, and some write-backs. seq
// is the batch's number.
func (s *summaries) stage(b *pebble.Batch, seq uint64, changes []change) error {
	if !s.turnActive {
		s.turnActive, s.turnStart = true, seq
	}
	s.journal = s.journal[:0]
	for _, c := range changes {
		s.journal = appendJournal(s.journal, c)
	}
	if err := b.Set(journalKey(s.shard, seq), s.journal, nil); err != nil {
		return err
	}
	s.journaled += len(changes)
	s.unwritten += len(changes)
	for ; s.unwritten >= writeBackShare; s.unwritten -= writeBackShare {
		wrote, err := s.writeBackNext(b)
		if err != nil {
			return err
		}
		if wrote {
			continue
		}
		s.unwritten = 0
		if s.journaled < s.turnWorth {
			return nil
		}
		s.turn, s.turnActive, s.journaled = s.first, false, 0
		return b.DeleteRange(journalKey(s.shard, 0), journalKey(s.shard, s.turnStart), nil)
	}
	return nil
}

// writeBackNext writes the next summary of this turn that differs from its row, as it was before this batch. It reports
// false when there is none: the journal from before the turn's start is then of no more use.
func (s *summaries) writeBackNext(b *pebble.Batch) (wrote bool, err error) {
	for s.turn < s.end {
		slot := s.turn
		s.turn++
		sum := s.slots[slot]
		if sum == nil || sum.seq == sum.kept {
			continue
		}
		s.row = sum.encode(s.row[:0])
		sum.kept = sum.seq
		return true, b.Set(summaryKey(object.Slot(slot)), s.row, nil)
	}
	return false, nil
}

// publish makes the changes of a committed batch visible.
func (s *summaries) publish(seq uint64, changes []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		sum := s.slots[c.slot]
		if sum == nil {
			sum = &summary{}
			s.slots[c.slot] = sum
		}
		sum.apply(c, seq)
	}
}

// reset forgets everything: the store was emptied.
func (s *summaries) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.slots[:])
	s.resets++
	s.turn, s.turnActive, s.unwritten, s.journaled = s.first, false, 0, 0
}

// tree is a copy of the slot's tree.
func (s *summaries) tree(slot object.Slot) (tree merkle.Tree) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if sum := s.slots[slot]; sum != nil {
		tree = sum.tree
	}
	return tree
}

// count is the number of live keys of a slot in a database.
func (s *summaries) count(slot object.Slot, db uint8) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if sum := s.slots[slot]; sum != nil && int(db) < len(sum.live) {
		return sum.live[db]
	}
	return 0
}

// keys is the number of keys of a slot in all databases, tombstones included.
func (s *summaries) keys(slot object.Slot) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sum := s.slots[slot]
	if sum == nil {
		return 0
	}
	n := sum.tombs
	for _, live := range sum.live {
		n += live
	}
	return n
}

// tombstones is the number of tombstones of a slot.
func (s *summaries) tombstones(slot object.Slot) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if sum := s.slots[slot]; sum != nil {
		return sum.tombs
	}
	return 0
}

// changed is the last batch that changed the slot.
func (s *summaries) changed(slot object.Slot) uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if sum := s.slots[slot]; sum != nil {
		return sum.seq
	}
	return 0
}

// holds reports whether the slot has or had anything.
func (s *summaries) holds(slot object.Slot) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.slots[slot] != nil
}
