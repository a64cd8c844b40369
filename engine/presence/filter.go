// Package presence tells of keys that a store certainly holds nothing of.
//
// Finding out from files that a key is not there takes longer than finding one that is: every memtable and every layer may
// have it. A cache meets such keys all the time, at each miss and at each first write. A Bloom filter of all keys in memory
// answers for 99 of 100 of them with one wait for memory, and costs 12 bits a key.
//
// The filter is blocked, so that a key's bits are in one line of the processor's cache: Putze, Sanders and Singler, Cache-,
// hash- and space-efficient Bloom filters (2007). It grows by tables, each larger than the one before: Almeida et al.,
// Scalable Bloom filters (2007). Nothing can be taken out; whoever removes many keys builds a new filter from those that
// are left.
package presence

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// Filter is a set of hashes that may hold more than was added. All its methods may be called from any goroutine.
type Filter struct {
	tables atomic.Pointer[[]*table] // the newest last; replaced, never changed
	added  atomic.Int64

	growing sync.Mutex
}

const (
	bitsPerKey    = 12
	bitsSet       = 6        // of the 512 of a block: with 12 bits a key this is near the best
	firstCapacity = 16 << 10 // keys of the first table
	growth        = 4        // of the capacities of tables
)

// table is a filter of fixed size.
type table struct {
	blocks   []block
	capacity int64
	left     atomic.Int64 // keys until it is full
}

// block is a line of the processor's cache.
type block [8]atomic.Uint64

// New returns an empty filter.
func New() *Filter {
	f := &Filter{}
	f.tables.Store(&[]*table{newTable(firstCapacity)})
	return f
}

func newTable(capacity int64) *table {
	t := &table{blocks: make([]block, capacity*bitsPerKey/512+1), capacity: capacity}
	t.left.Store(capacity)
	return t
}

// Add adds a hash. Adding it again costs room again.
func (f *Filter) Add(hash uint64) {
	tables := *f.tables.Load()
	last := tables[len(tables)-1]
	if last.left.Add(-1) < 0 {
		last = f.grow(last)
	}
	last.add(hash)
	f.added.Add(1)
}

// grow appends a table, unless somebody else has done so since last was the newest.
func (f *Filter) grow(last *table) *table {
	f.growing.Lock()
	defer f.growing.Unlock()
	tables := *f.tables.Load()
	newest := tables[len(tables)-1]
	if newest == last {
		newest = newTable(last.capacity * growth)
		more := append(append([]*table(nil), tables...), newest)
		f.tables.Store(&more)
	}
	newest.left.Add(-1)
	return newest
}

// Has reports whether a hash may have been added. It is true for all that were, and for about one in a hundred of the others.
func (f *Filter) Has(hash uint64) bool {
	tables := *f.tables.Load()
	for i := len(tables) - 1; i >= 0; i-- {
		if tables[i].has(hash) {
			return true
		}
	}
	return false
}

// Added is how often Add was called.
func (f *Filter) Added() int64 { return f.added.Load() }

// Bytes is the memory that the filter takes.
func (f *Filter) Bytes() int64 {
	var n int64
	for _, t := range *f.tables.Load() {
		n += int64(len(t.blocks)) * 64
	}
	return n
}

// block is chosen by the upper half of the product, and the bits within it by the hash itself: rows are spread by the
// hash's upper bits already, which must not choose both.
func (t *table) block(hash uint64) *block {
	i, _ := bits.Mul64(hash*0x9e3779b97f4a7c15, uint64(len(t.blocks)))
	return &t.blocks[i]
}

// next yields the next bit to look at: word and mask. Nine bits of the hash name a bit of the block.
func next(hash *uint64) (word uint64, mask uint64) {
	bit := *hash & 511
	*hash >>= 9
	return bit >> 6, 1 << (bit & 63)
}

func (t *table) add(hash uint64) {
	b := t.block(hash)
	for range bitsSet {
		word, mask := next(&hash)
		if b[word].Load()&mask == 0 {
			b[word].Or(mask)
		}
	}
}

func (t *table) has(hash uint64) bool {
	b := t.block(hash)
	for range bitsSet {
		word, mask := next(&hash)
		if b[word].Load()&mask == 0 {
			return false
		}
	}
	return true
}
