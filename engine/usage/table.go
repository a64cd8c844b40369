package usage

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/engine/object"
)

// Mode is what a table keeps.
type Mode uint8

const (
	// Recency is when a key was last used.
	Recency Mode = iota
	// Frequency is how often.
	Frequency
)

// Table is what is known of the uses of keys. Times are Unix milliseconds.
type Table struct {
	mode   Mode
	epoch  int64 // Unix milliseconds; words count from a while before it
	shift  int   // of a hash to its place
	chance atomic.Uint64
	words  []atomic.Uint32 // 0: never used
}

// Redis's defaults of lfu-log-factor and lfu-decay-time, and the count of a key that is new.
const (
	logFactor   = 10
	decayTime   = time.Minute
	initialUses = 5
	mostUses    = 255
)

// tick is what Recency counts. A small store that is written fast turns over within a fraction of a second, and a coarser
// tick would make what is in use look older than what was just written. 32 bits of it are 497 days, after which it
// begins anew; so idle times are differences modulo that, of which the uppermost month stands for a clock that was set back.
const (
	tick     = 10 * time.Millisecond
	setBack  = uint32(1<<32 - 30*24*time.Hour/tick)
	recently = 1 // in place of 0, which is never
)

// New returns a table for about so many keys.
func New(mode Mode, keys int, now int64) *Table {
	size := bits.Len64(uint64(max(keys, 1<<10)) - 1)
	return &Table{mode: mode, epoch: now - decayTime.Milliseconds(), shift: 64 - size, words: make([]atomic.Uint32, 1<<size)}
}

// Mode is what the table keeps.
func (t *Table) Mode() Mode { return t.mode }

func (t *Table) word(key object.Key) *atomic.Uint32 {
	return &t.words[(xxh3.HashString(key.Name)^uint64(key.DB)*0x9e3779b97f4a7c15)>>t.shift]
}

// Touch notes a use. Of uses at the same time some may not be counted.
func (t *Table) Touch(key object.Key, now int64) {
	w := t.word(key)
	old := w.Load()
	next := max(recently, uint32(t.since(now, tick)))
	if t.mode == Frequency {
		next = t.counted(old, now)
	}
	if next != old {
		w.Store(next)
	}
}

// since is how many units have passed since the epoch, at least 1.
func (t *Table) since(now int64, unit time.Duration) int64 {
	return max(1, (now-t.epoch)/unit.Milliseconds())
}

// A word of Frequency is the minute of the last use and the count then.
func (t *Table) counted(old uint32, now int64) uint32 {
	uses := uint32(initialUses)
	if old != 0 {
		uses = t.decayed(old, now)
	}
	if uses < mostUses && t.grows(uses) {
		uses++
	}
	return uint32(t.since(now, decayTime))<<8 | uses
}

// grows draws whether a use counts: the more there were, the less likely it is.
func (t *Table) grows(uses uint32) bool {
	beyond := uint64(max(uses, initialUses) - initialUses)
	drawn := t.chance.Add(0x9e3779b97f4a7c15)
	drawn ^= drawn >> 31
	drawn *= 0xbf58476d1ce4e5b9
	return (drawn>>32)%(beyond*logFactor+1) == 0
}

// decayed is the count of a word now.
func (t *Table) decayed(word uint32, now int64) uint32 {
	passed := t.since(now, decayTime) - int64(word>>8)
	return uint32(max(0, int64(word&mostUses)-max(0, passed)))
}

// Idle is how long ago the key was used. It reports false when that is not known: it was not, or this table keeps
// something else.
func (t *Table) Idle(key object.Key, now int64) (idle time.Duration, known bool) {
	word := t.word(key).Load()
	if word == 0 || t.mode != Recency {
		return 0, false
	}
	ticks := uint32(t.since(now, tick)) - word
	if ticks >= setBack {
		ticks = 0
	}
	return time.Duration(ticks) * tick, true
}

// Uses is the logarithmic count of the key's uses, 0 to 255. A key that was never seen has what a new one has, as in Redis.
func (t *Table) Uses(key object.Key, now int64) uint8 {
	word := t.word(key).Load()
	if word == 0 || t.mode != Frequency {
		return initialUses
	}
	return uint8(t.decayed(word, now))
}
