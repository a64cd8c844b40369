package engine

import (
	"github.com/kindredkv/kindred/engine/cache"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// pendingKey is the state of a key that the current batch has loaded.
type pendingKey struct {
	key     object.Key
	entry   *cache.Entry
	record  cache.Record   // nil until it is known
	before  *object.Object // as the store has it
	object  *object.Object // as the batch leaves it
	digest  causal.Digest  // of object's context, when changed
	rows    *pendingRows   // the cells that are not with object; nil when all are
	dropped []generation   // of cells that the batch has cleared
	whole   []byte         // the encoding of object, once somebody needed it
	found   bool           // before and object are known
	changed bool
	loaded  bool // read from the store, not the cache
}

func (sh *shard) find(key object.Key) (*pendingKey, error) {
	p := sh.pending[key]
	if p == nil {
		p = sh.stage(key)
	}
	if p.found {
		return p, nil
	}
	var err error
	if p.record == nil && p.entry != nil {
		p.record = p.entry.Record()
	} else if p.record == nil && !sh.store.mayHave(key) {
		p.record = absent(key)
	} else if p.record == nil {
		if p.record, err = sh.store.read(key); err != nil {
			return nil, err
		}
		p.loaded = p.record.Digest() != 0
	}
	if p.before, err = sh.store.decodeIn(p.record, sh.rooms.next()); err != nil {
		return nil, err
	}
	sh.attach(p)
	p.object, p.found = p.before, true
	return p, nil
}

// stage makes a key part of the batch, and finds its entry in the hot cache.
func (sh *shard) stage(key object.Key) *pendingKey {
	p := sh.newPending()
	*p = pendingKey{key: key, entry: sh.cache.Find(key)}
	sh.pending[key] = p
	sh.order = append(sh.order, p)
	return p
}

func (sh *shard) newPending() *pendingKey {
	if n := len(sh.free); n > 0 {
		p := sh.free[n-1]
		sh.free = sh.free[:n-1]
		return p
	}
	return &pendingKey{}
}
