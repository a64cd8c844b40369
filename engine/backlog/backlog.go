// Package backlog keeps the latest changes of large collections in memory, for replicas that have missed some: a replica that was away for a
// moment gets those changes, and not the collection. The idea is that of Redis's replication backlog. What is kept is a matter of speed only: a
// replica that applies changes finds out by itself whether it lacks what they build on.
package backlog

import (
	"slices"
	"sync"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Changes are kept and forgotten in pieces of an eighth of the bound, within these sizes. A larger change has a piece of its own.
const (
	leastSegment   = 4 << 10
	largestSegment = 256 << 10
)

// Log is the latest changes of the keys of one applier, up to a number of bytes. One goroutine adds, any may read.
type Log struct {
	mu       sync.Mutex // guards all below
	bound    int64      // bytes
	size     int64
	segments []*segment // oldest first
	first    uint64     // the number of the first
	keys     map[object.Key]*history
}

type segment struct {
	data []byte
	keys []*history // those with changes in it
}

// history is the changes of one key, oldest first.
type history struct {
	key     object.Key
	changes []change
	last    uint64 // the segment of the latest
}

// change is where the encoding of a delta is. It holds no pointers, for there are many.
type change struct {
	dot          causal.Dot
	segment      uint64
	offset, size uint32
}

// New returns an empty log of at most bound bytes; 0 keeps nothing.
func New(bound int64) *Log { return &Log{bound: bound, keys: map[object.Key]*history{}} }

// Resize bounds what is kept.
func (l *Log) Resize(bound int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bound = bound
	l.trim()
}

// Size is how many bytes are kept.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}

// Entry is one change: the dot, and the encoding of the delta.
type Entry struct {
	Key   object.Key
	Dot   causal.Dot
	Delta []byte
}

// Add keeps changes, in the order in which they were made. It copies the deltas.
func (l *Log) Add(entries []Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range entries {
		if e := &entries[i]; int64(len(e.Delta)) <= l.bound {
			l.add(e)
		} else {
			l.forget(e.Key) // what follows builds on it
		}
	}
	l.trim()
}

func (l *Log) add(e *Entry) {
	last := len(l.segments) - 1
	if last < 0 || len(l.segments[last].data)+len(e.Delta) > cap(l.segments[last].data) {
		l.segments = append(l.segments, &segment{data: make([]byte, 0, max(l.segmentSize(), len(e.Delta)))})
		last++
		l.size += int64(cap(l.segments[last].data))
	}
	s, number := l.segments[last], l.first+uint64(last)
	h := l.keys[e.Key]
	if h == nil {
		h = &history{key: e.Key}
		l.keys[e.Key] = h
	}
	if len(h.changes) == 0 || h.last != number {
		s.keys = append(s.keys, h)
		h.last = number
	}
	h.changes = append(h.changes, change{e.Dot, number, uint32(len(s.data)), uint32(len(e.Delta))})
	s.data = append(s.data, e.Delta...)
}

func (l *Log) segmentSize() int { return int(min(max(l.bound/8, leastSegment), largestSegment)) }

// forget forgets a key.
func (l *Log) forget(key object.Key) {
	if h := l.keys[key]; h != nil {
		h.changes = nil
		delete(l.keys, key)
	}
}

// trim forgets the oldest until what is left is within the bound.
func (l *Log) trim() {
	for l.size > l.bound {
		s := l.segments[0]
		for _, h := range s.keys {
			n := 0
			for n < len(h.changes) && h.changes[n].segment == l.first {
				n++
			}
			h.changes = h.changes[n:]
			if len(h.changes) == 0 && l.keys[h.key] == h {
				delete(l.keys, h.key)
			}
		}
		l.segments[0] = nil
		l.segments = l.segments[1:]
		l.first++
		l.size -= int64(cap(s.data))
	}
}

// Since is the changes of a key that are not covered by a context, in order, up to about so many bytes; the rest is for another time. ok
// says that all of them together lead from seen to a context that covers until.
func (l *Log) Since(key object.Key, seen, until causal.Context, most int) (deltas [][]byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.keys[key]
	if h == nil {
		return nil, false
	}
	size := 0
	after, spare := slices.Clone(seen), causal.Context(nil)
	for _, c := range h.changes {
		if seen.Covers(c.dot) {
			continue
		}
		if size < most {
			s := l.segments[c.segment-l.first]
			deltas = append(deltas, append([]byte(nil), s.data[c.offset:c.offset+c.size]...))
			size += int(c.size)
		}
		after, spare = after.AppendWith(spare[:0], c.dot), after
	}
	return deltas, len(deltas) > 0 && after.CoversAll(until)
}
