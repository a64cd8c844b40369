package engine

import (
	"github.com/kindredkv/kindred/engine/cache"
	"github.com/kindredkv/kindred/engine/object"
)

// Keyed is a Body that names the keys it is going to read before it runs. Among more keys than the processor's cache
// holds, finding one is a chain of waits for memory: the hot cache's table, the entry, the object, its value. The keys
// of a batch are found together, step by step, so that their waits overlap.
type Keyed interface {
	Body
	// Keys calls yield with every key. The names stay as they are until the body has run.
	Keys(yield func(object.Key) bool)
}

// worthGathering is the number of bodies from which on looking ahead pays.
const worthGathering = 4

// ahead is what a view has found of the keys that its next bodies will read, in order.
type ahead struct {
	found []found
	next  int
	sink  byte
}

type found struct {
	key    object.Key
	entry  *cache.Entry
	record cache.Record // nil when the key is not cached
}

// add finds the entry of one more key.
func (a *ahead) add(c *cache.Cache, key object.Key) {
	a.found = append(a.found, found{key: key, entry: c.Find(key)})
}

// look finds the records of all entries.
func (a *ahead) look() {
	for i := range a.found {
		if f := &a.found[i]; f.entry != nil {
			f.record = f.entry.Record()
		}
	}
	for i := range a.found {
		f := &a.found[i]
		if f.record == nil {
			continue
		}
		if !f.record.Of(f.key) {
			f.record = nil
			continue
		}
		a.sink += f.record.Peek()
	}
}

// take returns the record of a key if it is the next that was expected, and cached.
func (a *ahead) take(key object.Key) cache.Record {
	if a.next == len(a.found) || a.found[a.next].key != key {
		return nil
	}
	a.next++
	return a.found[a.next-1].record
}

func (a *ahead) clear() {
	clear(a.found)
	a.found, a.next = a.found[:0], 0
}

// expect finds the cache entries of the keys that tasks are going to read, and then their records.
func (sh *shard) expect(tasks []*Task) {
	for _, t := range tasks {
		if body, ok := t.Body.(Keyed); ok {
			for key := range body.Keys {
				if sh.pending[key] == nil {
					sh.stage(key)
				}
			}
		}
	}
	for _, p := range sh.order {
		if p.entry != nil {
			p.record = p.entry.Record()
		}
	}
	for _, p := range sh.order {
		if p.record != nil {
			sh.sink += p.record.Peek()
		}
	}
}
