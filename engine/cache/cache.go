// Package cache is the hot cache: the rows of keys over ristretto, bounded by their cost in bytes.
//
// A row is kept as it is encoded, in one piece of memory without pointers. With a million decoded objects the garbage
// collector followed four pointers a key in every cycle, a third of the processor time of a cluster under load;
// decoding the commonest object takes less than waiting for its parts from memory.
//
// Ristretto buffers insertions and may drop or reject them, and of two buffered insertions of one key it may keep the
// older. So nothing here depends on an insertion having happened, and a key never has two entries: what ristretto
// holds is a pointer to an Entry, and the writer changes the record behind the pointer. As long as an insertion may
// still sit in ristretto's buffer, the writer finds the entry in its own table of unsettled entries and reuses it.
//
//  1. The writer inserts entry e for a key; ristretto buffers it, a look-up misses.
//  2. The key is written again. The writer finds e unsettled, and stores the new record in e.
//  3. Ristretto takes e over, or rejects it. Either way no look-up can return an older record.
//
// Entries settle by Settle, which waits until ristretto has processed all that was buffered before it.
//
// Look-ups may run on any goroutine. Everything else belongs to a Writer, of which there is one for each applier: the
// keys of two writers must be disjoint, and a writer is used by one goroutine at a time.
package cache

import (
	"fmt"
	"sync/atomic"

	"github.com/dgraph-io/ristretto/v2"
	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/engine/object"
)

// Entry is the one place where a cached key's record is found.
type Entry struct {
	record atomic.Pointer[byte] // the first byte of a Record
}

// Record is the current record of the entry.
func (e *Entry) Record() Record { return recordAt(e.record.Load()) }

// of reports whether the entry is there, and that of a key.
func (e *Entry) of(key object.Key) bool { return e != nil && e.Record().Of(key) }

// Cache maps keys to entries.
type Cache struct {
	entries *ristretto.Cache[uint64, *Entry]
}

// entryOverhead is what an entry costs besides its record: the entry itself, and its places in ristretto's two maps.
const entryOverhead = 120

// Averages that size ristretto's frequency counters: ten for each entry that fits, but no more than take some 25 MB. They
// are touched at random by every look-up, and a sketch far larger than the processor's cache costs more than it saves.
const (
	typicalEntry     = 320
	countersPerEntry = 10
	maxCounters      = 8 << 20
)

// New returns a cache that holds at most about bytes of objects.
func New(bytes int64) (*Cache, error) {
	bytes = max(bytes, 1<<20)
	entries, err := ristretto.NewCache(&ristretto.Config[uint64, *Entry]{
		NumCounters:            min(max(1024, bytes/typicalEntry*countersPerEntry), maxCounters),
		MaxCost:                bytes,
		BufferItems:            64,
		IgnoreInternalCost:     true,
		KeyToHash:              func(hash uint64) (uint64, uint64) { return hash, 0 },
		TtlTickerDurationInSec: 3600,
	})
	if err != nil {
		return nil, fmt.Errorf("hot cache: %w", err)
	}
	return &Cache{entries: entries}, nil
}

// hash is what ristretto knows a key by. Two keys with one hash take turns in the same place, and comparing the key on
// look-up makes the loser a miss.
func hash(k object.Key) uint64 {
	return xxh3.HashString(k.Name) ^ uint64(k.DB)*0x9e3779b97f4a7c15
}

// Get returns the entry of a key, nil when it is not cached.
func (c *Cache) Get(key object.Key) *Entry {
	if e := c.Find(key); e.of(key) {
		return e
	}
	return nil
}

// Find is Get without a look at the entry, which may be that of another key with the same hash: Record.Of tells. Whoever
// looks up many keys finds all entries first, and the waits for their memory overlap.
func (c *Cache) Find(key object.Key) *Entry {
	e, _ := c.entries.Get(hash(key))
	return e
}

// Resize changes the bound.
func (c *Cache) Resize(bytes int64) { c.entries.UpdateMaxCost(max(bytes, 1<<20)) }

// Bytes is the cost of what is held now.
func (c *Cache) Bytes() int64 { return c.entries.MaxCost() - c.entries.RemainingCost() }

// Wait returns when ristretto has processed all insertions made before the call.
func (c *Cache) Wait() { c.entries.Wait() }

// Close stops ristretto's goroutine. No method may be called afterwards.
func (c *Cache) Close() { c.entries.Close() }

// Writer is the side of the cache that changes it, for the keys of one applier.
type Writer struct {
	cache *Cache
	// fresh and settling hold every entry that may still be in ristretto's buffer, by the hash of its key: those inserted since
	// the last turn, and those before.
	fresh, settling map[uint64]*Entry
}

// NewWriter returns the writer for a disjoint part of the keys.
func (c *Cache) NewWriter() *Writer {
	return &Writer{cache: c, fresh: map[uint64]*Entry{}, settling: map[uint64]*Entry{}}
}

// Find returns the key's entry, nil when there is none. Unlike Cache.Get it also finds an entry that ristretto has
// buffered.
func (w *Writer) Find(key object.Key) *Entry { return w.find(hash(key), key) }

func (w *Writer) find(hash uint64, key object.Key) *Entry {
	if e, _ := w.cache.entries.Get(hash); e.of(key) {
		return e
	}
	if e := w.unsettled(hash); e.of(key) {
		return e
	}
	return nil
}

// unsettled is the entry under a hash that ristretto may have buffered.
func (w *Writer) unsettled(hash uint64) *Entry {
	if e := w.fresh[hash]; e != nil {
		return e
	}
	return w.settling[hash]
}

// Put makes r the record of the key. e is what Find returned for it, nil included, with no Put of this key between. While
// another key with the same hash is unsettled, the key is not cached: one of the two would no longer be found.
func (w *Writer) Put(key object.Key, e *Entry, r Record) { w.put(hash(key), e, r) }

func (w *Writer) put(hash uint64, e *Entry, r Record) {
	sameCost := false
	if e == nil {
		e = &Entry{}
	} else {
		sameCost = len(e.Record()) == len(r)
	}
	e.record.Store(&r[0])
	if sameCost {
		return
	}
	if other := w.unsettled(hash); other != nil && other != e {
		return
	}
	w.fresh[hash] = e
	w.cache.entries.Set(hash, e, int64(entryOverhead+len(r)))
}

// Unsettled reports whether there is anything for a turn to settle.
func (w *Writer) Unsettled() bool { return len(w.fresh)+len(w.settling) > 0 }

// Turn begins a settling: what was inserted since the last turn is now settling. Cache.Wait must have returned since
// the turn before, which is what allows the entries of that turn to be forgotten.
func (w *Writer) Turn() {
	w.fresh, w.settling = w.settling, w.fresh
	clear(w.fresh)
}

// Drop forgets every entry of the writer. It is for keys that were removed from the store in bulk, together with
// Cache.Clear, which discards what is buffered.
func (w *Writer) Drop() {
	clear(w.fresh)
	clear(w.settling)
}

// Clear empties the cache. No writer may be at work.
func (c *Cache) Clear() { c.entries.Clear() }
