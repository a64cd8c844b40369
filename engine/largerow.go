package engine

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/object"
)

// emptyBatch is an empty batch, for what is changed. A large row that a batch has to grow for is copied more than once.
func (sh *shard) emptyBatch() (*pebble.Batch, error) {
	size := 0
	for _, p := range sh.order {
		if p.changed {
			size += largeRow(p.object)
		}
	}
	if size > 0 && sh.batch != nil {
		if err := sh.batch.Close(); err != nil {
			return nil, err
		}
		sh.batch = nil
	}
	switch {
	case size > 0:
		sh.batch = sh.store.db.NewBatchWithSize(size + maxKeptBatch)
	case sh.batch == nil:
		sh.batch = sh.store.db.NewBatch()
	}
	return sh.batch, nil
}

// largeRow is about the size of an object's row where that is large since a few cells are; 0 for any other.
func largeRow(o *object.Object) int {
	if o == nil || o.Kept != nil || len(o.Cells) > 2 {
		return 0
	}
	size := 0
	for i := range o.Cells {
		for j := range o.Cells[i].Versions {
			size += len(o.Cells[i].Versions[j].Payload)
		}
	}
	if size < maxKeptBatch {
		return 0
	}
	return o.Size()
}

// setRow adds a row to a batch.
func setRow(b *pebble.Batch, key, row []byte) error {
	if len(row) < maxKeptBatch {
		return b.Set(key, row, nil)
	}
	op := b.SetDeferred(len(key), len(row))
	copy(op.Key, key)
	object.CopyLarge(op.Value, row)
	return op.Finish()
}
