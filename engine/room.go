package engine

import (
	"sync/atomic"

	"github.com/kindredkv/kindred/engine/object"
)

// room is how much more a store in memory may hold. Everything that a key leaves behind counts, tombstones too. A store on
// disk has no bound.
type room struct {
	bound   int64        // guarded by Store.commit
	left    atomic.Int64 // bound less what is held
	pressed chan struct{}
}

// boundless stands for no bound.
const boundless = 1 << 62

// rowOverhead is about what a row takes beside its key and object, in tables and their indexes.
const rowOverhead = 32

// footprint is what the key counts for.
func footprint(key object.Key, o *object.Object) int64 {
	if o = known(o); o == nil {
		return 0
	}
	return int64(rowOverhead + len(key.Name) + o.Size())
}

// SetMemoryBound changes the bytes that a store in memory may hold, 0 for no bound. Nothing is refused or removed by the
// store itself: that is for whoever looks at Room.
func (s *Store) SetMemoryBound(bytes int64) {
	if bytes <= 0 || !s.inMemory() {
		bytes = boundless
	}
	s.commit.Lock()
	defer s.commit.Unlock()
	s.room.left.Add(bytes - s.room.bound)
	s.room.bound = bytes
	s.room.notify()
}

// Room is the bytes that the store may still take, negative when it holds too much. It costs an atomic load.
func (s *Store) Room() int64 { return s.room.left.Load() }

// Held is the bytes that a store in memory holds by its own account.
func (s *Store) Held() int64 {
	s.commit.Lock()
	defer s.commit.Unlock()
	return s.room.bound - s.room.left.Load()
}

// Pressed is told when the store holds too much.
func (s *Store) Pressed() <-chan struct{} { return s.room.pressed }

func (r *room) notify() {
	if r.left.Load() < 0 {
		notify(r.pressed)
	}
}

// weigh takes a batch that was committed into account.
func (sh *shard) weigh() {
	var grown int64
	for _, p := range sh.order {
		if p.changed {
			grown += footprint(p.key, p.object) - footprint(p.key, p.before)
		}
	}
	sh.store.room.left.Add(-grown)
	sh.store.room.notify()
}

// empty takes into account that nothing is left. No applier is at work.
func (s *Store) empty() {
	s.commit.Lock()
	defer s.commit.Unlock()
	s.room.left.Store(s.room.bound)
}
