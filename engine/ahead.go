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

// peek brings the parts of an object that nearly every command looks at near the processor. The result is worthless, but
// has to be kept somewhere for the reads to take place.
func peek(o *object.Object) byte {
	if o == nil || len(o.Cells) == 0 {
		return 0
	}
	payload := o.Cells[0].Newest().Payload
	if len(payload) == 0 {
		return 0
	}
	return payload[0] ^ payload[len(payload)-1]
}

// ahead is what a view has found of the keys that its next bodies will read, in order.
type ahead struct {
	found []found
	next  int
	sink  byte
}

type found struct {
	key    object.Key
	entry  *cache.Entry
	object *object.Object
}

// take returns the entry of a key if it is the next that was expected.
func (a *ahead) take(key object.Key) *cache.Entry {
	if a.next == len(a.found) || a.found[a.next].key != key {
		return nil
	}
	a.next++
	return a.found[a.next-1].entry
}

func (a *ahead) clear() {
	clear(a.found)
	a.found, a.next = a.found[:0], 0
}

// expect finds the cache entries of the keys that tasks are going to read.
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
			p.resolve(p.entry.Object())
		}
	}
	for _, p := range sh.order {
		sh.sink += peek(p.object)
	}
}
