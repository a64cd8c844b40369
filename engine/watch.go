package engine

import (
	"sync"
	"sync/atomic"

	"github.com/kindredkv/kindred/engine/object"
)

// watched are the keys whose changes somebody wants to be told of.
type watched struct {
	// count is the number of keys. Appliers look at it once a batch, so that watching costs nothing while nobody does.
	count atomic.Int64

	mu   sync.RWMutex // guards the two below
	keys map[object.Key]struct{}
	tell func(keys []object.Key)
}

// SetWatcher has tell called with watched keys that have changed, by whatever way the change came: on the applier's
// goroutine, when it is committed and before who brought it is told. It must not wait; the slice is valid until it returns.
func (s *Store) SetWatcher(tell func(keys []object.Key)) {
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	s.watched.tell = tell
}

// Watch has changes of a key told, of its hint too, from the next commit on.
func (s *Store) Watch(key object.Key) {
	w := &s.watched
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keys == nil {
		w.keys = map[object.Key]struct{}{}
	}
	w.keys[key] = struct{}{}
	w.count.Store(int64(len(w.keys)))
}

// Unwatch ends Watch.
func (s *Store) Unwatch(key object.Key) {
	w := &s.watched
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.keys, key)
	w.count.Store(int64(len(w.keys)))
}

// noteWatched remembers which watched keys the batch has changed. They are told of when the batch is forgotten, for the
// watcher may submit tasks.
func (sh *shard) noteWatched() {
	w := &sh.store.watched
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, p := range sh.order {
		if _, ok := w.keys[p.key]; ok && p.changed {
			sh.woken = append(sh.woken, p.key)
		}
	}
	for _, p := range sh.hints.changed {
		if _, ok := w.keys[p.key]; ok {
			sh.woken = append(sh.woken, p.key)
		}
	}
}

// tellWatcher tells of what noteWatched has remembered.
func (sh *shard) tellWatcher() {
	w := &sh.store.watched
	w.mu.RLock()
	tell := w.tell
	w.mu.RUnlock()
	if tell != nil {
		tell(sh.woken)
	}
	clear(sh.woken)
	sh.woken = sh.woken[:0]
}
