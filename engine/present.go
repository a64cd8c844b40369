package engine

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/engine/presence"
)

// present knows which keys the store certainly has no row of, and which cells of large objects: those that the hot cache would have,
// too. What is said of keys here goes for the cells.
//
// The filter is built from the keys of the store, beside other work: at the start, and again when so many rows have been
// added since that most of what it holds may be gone. Until it is there every key may be.
//
//  1. Every applier is told, between two batches, of the filter that is being built, and adds its new keys to both.
//  2. The keys of the store are read, as they are after that, and added.
//  3. The new filter takes the place of the old one.
type present struct {
	filter   atomic.Pointer[presence.Filter] // nil before the first is complete
	rows     atomic.Int64                    // how many keys the filter had when it was complete
	building atomic.Pointer[presence.Filter]
	turn     sync.Mutex // held while one is built: appliers know of one only
}

// mayHave reports whether the store may have a row of the key.
func (s *Store) mayHave(key object.Key) bool {
	f := s.present.filter.Load()
	return f == nil || f.Has(merkle.HashOf(key))
}

// added notes a key that gets its first row. It is called by the applier before the row is committed. The filter that is
// being built comes first: when it is no longer there, it is the one in force already. What a filter seems to have is not added:
// it will say so for ever.
func (p *present) added(key object.Key) {
	hash := merkle.HashOf(key)
	if f := p.building.Load(); f != nil && !f.Has(hash) {
		f.Add(hash)
	}
	if f := p.filter.Load(); f != nil && !f.Has(hash) {
		f.Add(hash)
	}
}

const (
	// rebuildFactor is how many times the keys that it began with a filter takes before it is built anew, but at least
	// rebuildLeast of them.
	rebuildFactor = 3
	rebuildLeast  = 1 << 20
	// presentCheck is how often that is looked at.
	presentCheck = 10 * time.Second
	// presentRun is how many keys are read without a pause. Building is not urgent.
	presentRun   = 8 << 10
	presentPause = time.Millisecond
)

// outgrown reports whether most of what the filter holds may be gone.
func (p *present) outgrown() bool {
	f := p.filter.Load()
	return f == nil || f.Added() > max(rebuildLeast, rebuildFactor*p.rows.Load())
}

// presentLoop keeps the filter.
func (s *Store) presentLoop() {
	ticker := time.NewTicker(presentCheck)
	defer ticker.Stop()
	for {
		if s.present.outgrown() && !s.buildPresent() {
			return
		}
		select {
		case <-ticker.C:
		case <-s.stop:
			return
		}
	}
}

// buildPresent builds a new filter, unless one is being built. It returns false when the store closes or has failed; the old
// one, or none, stays.
func (s *Store) buildPresent() bool {
	s.present.turn.Lock()
	defer s.present.turn.Unlock()
	fresh := presence.New()
	if !s.present.building.CompareAndSwap(nil, fresh) {
		return true
	}
	defer s.present.building.Store(nil)
	for _, sh := range s.shards {
		if !sh.control(func() {}) {
			return false
		}
	}
	err := s.addRows(fresh)
	if err != nil {
		s.options.Logger.Error("the keys could not be read", "error", err)
		return false
	}
	if s.closing() {
		return false
	}
	s.present.rows.Store(fresh.Added())
	s.present.filter.Store(fresh)
	return true
}

func (s *Store) closing() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// addRows adds the keys of all rows.
func (s *Store) addRows(f *presence.Filter) error {
	iter, err := s.db.NewIter(&pebble.IterOptions{UpperBound: []byte(localPrefix)})
	if err != nil {
		return err
	}
	n := 0
	for ok := iter.First(); ok; ok = iter.Next() {
		switch row := iter.Key(); {
		case bytes.Compare(row, []byte(cellsPrefix)) >= 0:
			if len(row) > cellPrefix && cacheable(object.CellName(row[cellPrefix:])) {
				f.Add(merkle.Hash(cellDB, xxh3.Hash(row[cellPrefix-generationBytes:])))
			}
		case len(row) >= objectPrefix && row[2] == tagObject:
			f.Add(merkle.Hash(row[objectPrefix-1], xxh3.Hash(row[objectPrefix:])))
		}
		if n++; n%presentRun == 0 {
			if s.closing() {
				break
			}
			time.Sleep(presentPause)
		}
	}
	return iter.Close()
}

// clear forgets all keys. No applier may be at work, and the rows are gone.
func (p *present) clear() {
	if p.filter.Load() != nil {
		p.rows.Store(0)
		p.filter.Store(presence.New())
	}
}
