package engine

import (
	"encoding/binary"
	"strings"
	"unsafe"

	"github.com/kindredkv/kindred/engine/cache"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Cells in rows are in the hot cache under keys of their own, which no client's key is: a database that does not exist, and
// for a name the generation and the cell's. A generation is never used again, so what is cached of one that was cleared is
// not found any more, and goes when the cache has need of the room.
const cellDB = 0xff

// cacheKey is that of a cell, valid as long as buf.
func (g generation) cacheKey(buf []byte, name object.CellName) object.Key {
	buf = append(binary.BigEndian.AppendUint64(buf, uint64(g.at)), name...)
	return object.Key{DB: cellDB, Name: unsafe.String(&buf[0], len(buf))}
}

// cacheable reports whether a cell is one that commands name. Others are come to by walks, which do not ask the cache.
func cacheable(name object.CellName) bool { return !name.Local() && !name.Placed() }

// cellKeyRoom holds the key of the commonest cells, for it to take no allocation.
type cellKeyRoom [96]byte

// cachedCell looks a cell up in the hot cache. It is known not to be there when versions are none.
func cachedCell(e *cache.Entry, key object.Key) (versions []causal.Version, known bool, err error) {
	if e == nil {
		return nil, false, nil
	}
	r := e.Record()
	if !r.Of(key) {
		return nil, false, nil
	}
	row := r.Row()
	if len(row) == 0 {
		return nil, true, nil
	}
	versions, err = object.DecodeVersions(row)
	return versions, true, err
}

// cellRecord is what is cached of a cell. The row is encoded in room.
func cellRecord(key object.Key, versions []causal.Version, room *[]byte) cache.Record {
	if len(versions) == 0 {
		return absent(key)
	}
	*room = object.AppendVersions((*room)[:0], versions)
	return cache.NewRecord(key, 0, *room)
}

// loadCell looks a cell up outside the applier.
func (s *Store) loadCell(g generation, name object.CellName) ([]causal.Version, error) {
	if !cacheable(name) {
		return s.readCell(g, name)
	}
	var room cellKeyRoom
	key := g.cacheKey(room[:0], name)
	if versions, known, err := cachedCell(s.cache.Find(key), key); known || err != nil {
		return versions, err
	}
	if !s.mayHave(key) {
		return nil, nil
	}
	sh := s.shard(g.slot)
	seen := sh.committed.Load()
	versions, err := s.readCell(g, name)
	if err == nil && len(versions) > 0 {
		key.Name = strings.Clone(key.Name)
		sh.offerFill(fill{key: key, record: cellRecord(key, versions, new([]byte)), seen: seen})
	}
	return versions, err
}

// seenCell is a cell that the batch has looked up in the store.
type seenCell struct {
	versions []causal.Version
	entry    *cache.Entry // of the hot cache, nil when there is none
	cached   bool         // the hot cache had it
}

// loadCell looks a cell up for the batch.
func (sh *shard) loadCell(g generation, name object.CellName) (c seenCell, err error) {
	if cacheable(name) {
		var room cellKeyRoom
		key := g.cacheKey(room[:0], name)
		c.entry = sh.cache.Find(key)
		if c.versions, c.cached, err = cachedCell(c.entry, key); c.cached || err != nil {
			return c, err
		}
		if !sh.store.mayHave(key) {
			return c, nil
		}
	}
	c.versions, err = sh.readCell(g, name)
	return c, err
}

// cacheAtOnce bounds the cells of one key that a batch brings into the cache. What brings more is no command that will
// look at them again soon, but a whole object from elsewhere.
const cacheAtOnce = 1024

// fillCells gives the hot cache the cells that the batch has changed or had to read. seq is the batch's number.
func (r *pendingRows) fillCells(seq uint64) {
	var room cellKeyRoom
	many := 0
	r.changes.Scan(func(name object.CellName, _ []causal.Version) bool {
		if cacheable(name) {
			many++
		}
		return many <= cacheAtOnce
	})
	put := func(name object.CellName, versions []causal.Version, e *cache.Entry, changed bool) {
		key := r.cacheKey(room[:0], name)
		if changed {
			r.shard.lastWrite[writeClass(key)] = seq
		}
		if e == nil && (len(versions) == 0 || many > cacheAtOnce) {
			return
		}
		r.shard.cache.Put(key, e, cellRecord(key, versions, &r.shard.row))
	}
	r.changes.Scan(func(name object.CellName, versions []causal.Version) bool {
		if cacheable(name) {
			c, looked := r.seen[name]
			if !looked {
				c.entry = r.shard.cache.Find(r.cacheKey(room[:0], name))
			}
			put(name, versions, c.entry, true)
		}
		return true
	})
	for name, c := range r.seen {
		if c.cached || !cacheable(name) {
			continue
		}
		if _, changed := r.changes.Get(name); !changed {
			put(name, c.versions, c.entry, false)
		}
	}
}
