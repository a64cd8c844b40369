package engine

import (
	"strings"

	"github.com/kindredkv/kindred/engine/cache"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// fill is a record that a reader found in the store and not in the hot cache. Only the applier inserts: the reader
// offers what it read, with the last batch that had been committed before it read.
type fill struct {
	key    object.Key
	record cache.Record
	seen   uint64
}

const (
	maxFills     = 256  // offers that wait; more are dropped
	writeClasses = 1024 // keys share a class by their position
)

func writeClass(key object.Key) int { return int(merkle.PositionOf(key) % writeClasses) }

// offerFill queues an offer for the next drain, and sees to it that there is one: on a goroutine of its own, for a reader may hold what the
// tasks of others wait for.
func (sh *shard) offerFill(f fill) {
	f.key.Name = strings.Clone(f.key.Name)
	sh.mu.Lock()
	if len(sh.fills) < maxFills {
		sh.fills = append(sh.fills, f)
	}
	start := !sh.draining && !sh.dead && len(sh.fills) >= maxFills/4
	if start {
		sh.draining = true
	}
	sh.mu.Unlock()
	if start {
		go sh.drain(-1)
	}
}

// takeFills inserts what was offered, but for keys that may have been written since they were read.
func (sh *shard) takeFills(fills []fill) {
	for _, f := range fills {
		if sh.lastWrite[writeClass(f.key)] <= f.seen && sh.cache.Find(f.key) == nil {
			sh.cache.Put(f.key, nil, f.record)
		}
	}
	if len(fills) > 0 && sh.cache.Unsettled() {
		sh.store.unsettled()
	}
}

// control runs f as the applier, between two batches. It returns false when the shard is dead and f did not run.
func (sh *shard) control(f func()) bool {
	done := make(chan struct{})
	sh.mu.Lock()
	if sh.dead {
		sh.mu.Unlock()
		return false
	}
	sh.controls = append(sh.controls, func() { f(); close(done) })
	start := !sh.draining
	sh.draining = true
	sh.mu.Unlock()
	if start {
		sh.drain(drainRounds)
	}
	<-done
	return true
}

// quiesce returns when everything submitted before has finished.
func (sh *shard) quiesce() { _ = sh.control(func() {}) }
