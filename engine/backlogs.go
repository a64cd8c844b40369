package engine

import (
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// SetBacklog bounds the memory, in bytes, that the latest changes of collections in rows are kept in, for replicas that miss some of them. 0, as
// at the beginning: none are kept.
func (s *Store) SetBacklog(bytes int64) {
	s.backlogBytes.Store(bytes)
	for _, sh := range s.shards {
		sh.backlog.Resize(bytes / int64(len(s.shards)))
	}
}

// BacklogSize is how many bytes they take.
func (s *Store) BacklogSize() (n int64) {
	for _, sh := range s.shards {
		n += sh.backlog.Size()
	}
	return n
}

// DeltasSince is what a replica of a collection in rows that has seen a context lacks of this store's: encodings of deltas, to be applied in
// order, of up to about so many bytes; it may lack more after that. ok is false when that is not known, and only the whole object helps.
func (s *Store) DeltasSince(key object.Key, seen causal.Context, most int) (deltas [][]byte, ok bool) {
	own, err := s.Get(key)
	if err != nil || own == nil || own.Kept == nil {
		return nil, false
	}
	return s.shard(key.Slot()).backlog.Since(key, seen, own.Context, most)
}

// logDeltas keeps the deltas of the batch. Only what was committed may be given to others: a store that crashed in between would
// otherwise make another change under the same name.
func (sh *shard) logDeltas() {
	if len(sh.deltas) > 0 {
		sh.backlog.Add(sh.deltas)
	}
}
