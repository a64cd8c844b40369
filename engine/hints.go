package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// hints is what a store keeps count of about its hints: all of it can be told from their rows, and is when it is opened.
type hints struct {
	keys, bytes atomic.Int64
	bound       atomic.Int64 // of bytes

	mu     sync.Mutex // guards the two below
	slots  map[object.Slot]*slotHints
	owners map[Owner]*ownerHints
}

type slotHints struct {
	keys int
	seq  uint64 // the last batch that changed a hint of the slot
}

// ownerHints are the hints that are owed to one node.
type ownerHints struct {
	keys, bytes int64
	since       map[int64]int64 // how many since each Unix second
}

// replace counts one hint that takes the place of another, or of none, or goes. mu is held.
func (h *hints) replace(slot object.Slot, before []Debt, size int64, after []Debt, newSize int64, seq uint64) {
	s := h.slots[slot]
	if s == nil {
		s = &slotHints{}
		h.slots[slot] = s
	}
	s.seq = seq
	count := func(debts []Debt, by, bytes int64) {
		if len(debts) == 0 {
			return
		}
		s.keys += int(by)
		h.keys.Add(by)
		h.bytes.Add(by * bytes)
		for _, d := range debts {
			h.owner(d.Owner).count(d.Since, by, bytes)
		}
	}
	count(after, 1, newSize)
	count(before, -1, size)
	for _, d := range before {
		if o := h.owners[d.Owner]; o.keys == 0 {
			delete(h.owners, d.Owner)
		}
	}
}

func (h *hints) owner(id Owner) *ownerHints {
	o := h.owners[id]
	if o == nil {
		o = &ownerHints{since: map[int64]int64{}}
		h.owners[id] = o
	}
	return o
}

func (o *ownerHints) count(since, by, bytes int64) {
	o.keys += by
	o.bytes += by * bytes
	second := since / 1000
	if o.since[second] += by; o.since[second] == 0 {
		delete(o.since, second)
	}
}

// reset forgets all. mu is held, or nobody else knows of h.
func (h *hints) reset() {
	h.keys.Store(0)
	h.bytes.Store(0)
	h.slots, h.owners = map[object.Slot]*slotHints{}, map[Owner]*ownerHints{}
}

// loadHints counts the hints that the store holds.
func (s *Store) loadHints() error {
	h := &s.hints
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reset()
	return s.eachLocal(tagHint, func(row, value []byte) error {
		slot, _, key, err := splitRowKey(row)
		if err != nil {
			return err
		}
		debts, _, err := splitHint(value)
		if err != nil {
			return err
		}
		h.replace(slot, nil, 0, debts, hintSize(key, value), 0)
		return nil
	})
}

// SetHintBound changes the bytes that hints may take. What is there stays.
func (s *Store) SetHintBound(bytes int64) { s.hints.bound.Store(bytes) }

// HintsOf is how many hints of a slot the store keeps.
func (s *Store) HintsOf(slot object.Slot) int {
	s.hints.mu.Lock()
	defer s.hints.mu.Unlock()
	if h := s.hints.slots[slot]; h != nil {
		return h.keys
	}
	return 0
}

// hintsChanged is the last batch that changed a hint of the slot.
func (s *Store) hintsChanged(slot object.Slot) uint64 {
	s.hints.mu.Lock()
	defer s.hints.mu.Unlock()
	if h := s.hints.slots[slot]; h != nil {
		return h.seq
	}
	return 0
}

// HintStats are figures of a store's hints.
type HintStats struct {
	// Keys is the number of hints, Bytes what they take.
	Keys, Bytes int64
	// Owners are the nodes that they are owed to, by id.
	Owners []OwnerStats
}

// OwnerStats are figures of the hints that are owed to one node.
type OwnerStats struct {
	Owner       Owner
	Keys, Bytes int64
	// Oldest is when the oldest of them was first written, to the second.
	Oldest time.Time
}

// HintStats are the figures of now.
func (s *Store) HintStats() HintStats {
	h := &s.hints
	out := HintStats{Keys: h.keys.Load(), Bytes: h.bytes.Load()}
	if out.Keys == 0 {
		return out
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, o := range h.owners {
		stats := OwnerStats{Owner: id, Keys: o.keys, Bytes: o.bytes}
		oldest := int64(0)
		for second := range o.since {
			if oldest == 0 || second < oldest {
				oldest = second
			}
		}
		stats.Oldest = time.Unix(oldest, 0)
		out.Owners = append(out.Owners, stats)
	}
	slices.SortFunc(out.Owners, func(a, b OwnerStats) int { return strings.Compare(string(a.Owner), string(b.Owner)) })
	return out
}

// Hint returns the object that the store keeps of a key for others, nil when it keeps none.
func (s *Store) Hint(key object.Key) (*object.Object, error) {
	row, err := s.readHint(key)
	if row == nil || err != nil {
		return nil, err
	}
	h, err := decodeHint(row, s.epoch)
	if err != nil {
		s.fatal(err)
		return nil, err
	}
	return h.Object, nil
}

// readHint reads the row of a hint, nil when there is none.
func (s *Store) readHint(key object.Key) ([]byte, error) {
	if s.hints.keys.Load() == 0 {
		return nil, nil
	}
	value, closer, err := s.db.Get(appendHintKey(nil, key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		err = fmt.Errorf("read a hint: %w", err)
		s.fatal(err)
		return nil, err
	}
	out := append([]byte{}, value...)
	return out, closer.Close()
}

// HintPlace is where a scan of hints goes on. The zero value is the start.
type HintPlace []byte

// HintRow is a hint as a scan shows it. The encoding is good for the visit only.
type HintRow struct {
	Key   object.Key
	Debts []Debt
	// Encoding is that of the object, Digest that of its context.
	Encoding []byte
	Digest   causal.Digest
}

// ScanHints visits the hints that are owed to an owner, from a place on, until visit returns false. It returns the place
// behind the last that was visited; nil when there are no more.
func (s *Store) ScanHints(owner Owner, from HintPlace, visit func(*HintRow) bool) (next HintPlace, err error) {
	start, end := localRange(tagHint)
	prefix := len(start)
	if from != nil {
		start = from
	}
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		return nil, fmt.Errorf("scan hints: %w", err)
	}
	defer func() {
		if closeErr := iter.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("scan hints: %w", closeErr)
		}
	}()
	for ok := iter.First(); ok; ok = iter.Next() {
		value, err := iter.ValueAndErr()
		if err != nil {
			return nil, fmt.Errorf("scan hints: %w", err)
		}
		row, err := readHintRow(iter.Key()[prefix:], value, owner)
		if err != nil {
			return nil, fmt.Errorf("scan hints: %w", err)
		}
		if row != nil && !visit(row) {
			return append(append(HintPlace(nil), iter.Key()...), 0), nil
		}
	}
	return nil, iter.Error()
}

// readHintRow reads a row, nil when it is not owed to the owner.
func readHintRow(rowKey, value []byte, owner Owner) (*HintRow, error) {
	debts, row, err := splitHint(value)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(debts, func(d Debt) bool { return d.Owner == owner }) {
		return nil, nil
	}
	_, _, key, err := splitRowKey(rowKey)
	if err != nil {
		return nil, err
	}
	p, err := splitRow(row)
	if err != nil {
		return nil, err
	}
	o, err := object.Decode(p.encoding)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return &HintRow{Key: key, Debts: debts, Encoding: p.encoding, Digest: o.Context.Digest()}, nil
}
