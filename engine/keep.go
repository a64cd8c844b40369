package engine

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// keep decides where the cells of an object that a task has left are to be: with the object, or in rows. What is in rows
// already stays there until the object has none left; what grows beyond Options.InlineBytes goes there. It returns the object
// as the batch is to go on with, in room when there is one.
func (sh *shard) keep(p *pendingKey, o *object.Object, room *object.KeptRoom) *object.Object {
	switch {
	case o.Kept != nil:
		return sh.fold(p, o, o.Kept, o.Kept.Changed, room)
	case p.rows != nil:
		p.retire()
	}
	if len(o.Cells) <= fewCells && sh.store.options.InlineBytes >= 0 || !sh.large(o) {
		return o
	}
	at, err := sh.store.clock.Now()
	if err != nil {
		sh.unreadable(err)
		return o
	}
	p.rows = &pendingRows{generation: generation{p.key.Slot(), at}, shard: sh, fresh: true}
	inline, inRows := object.Part(o.Cells)
	header := &object.Object{Context: o.Context, Cells: inline, Birth: o.Birth}
	return sh.fold(p, header, &object.Kept{Generation: at}, inRows, nil)
}

// fewCells is the number of cells up to which an object is one row, however large.
const fewCells = 2

// large reports whether the cells that can be in rows are too many bytes for one.
func (sh *shard) large(o *object.Object) bool {
	size := 0
	for i := range o.Cells {
		if c := &o.Cells[i]; c.Name.InRow() {
			for j := range c.Versions {
				size += len(c.Name) + len(c.Versions[j].Payload)
			}
		}
	}
	return size > sh.store.options.InlineBytes
}

// retire lets go of the rows of a key that no longer has them.
func (p *pendingKey) retire() {
	if !p.rows.fresh {
		p.dropped = append(p.dropped, p.rows.generation)
	}
	p.rows = nil
}

// fold takes changed cells into the rows of a key, and returns its object with new counts, without changes.
func (sh *shard) fold(p *pendingKey, o *object.Object, k *object.Kept, changed []object.Cell, room *object.KeptRoom) *object.Object {
	if room == nil {
		room = &object.KeptRoom{}
	}
	header, out := room.Begin(o, k, p.rows)
	var name cellKeyRoom
	for i := range changed {
		c := &changed[i]
		before := object.Cell{Name: c.Name, Versions: out.Stored(c.Name)}
		if len(before.Versions) == 0 && cacheable(c.Name) {
			sh.store.present.added(p.rows.cacheKey(name[:0], c.Name))
		}
		p.rows.changes.Set(c.Name, c.Versions)
		out.Replace(&before, c)
		kind.Derive(p.rows, out.Known(c.Name.Kind()), c.Name, before.Versions, c.Versions)
	}
	if out.Rest() == 0 {
		p.retire()
		return header
	}
	out.Settle(!header.Tombstone())
	header.Kept = out
	return header
}

// attach lets the object of a key that the applier has loaded find its cells.
func (sh *shard) attach(p *pendingKey) {
	if p.before == nil || p.before.Kept == nil {
		return
	}
	p.rows = &pendingRows{generation: generation{p.key.Slot(), p.before.Kept.Generation}, shard: sh}
	p.before.Kept.Rows = p.rows
}

// stageCells adds to the batch what the key's cells need: those that changed, and notes of what is to be dropped.
func (p *pendingKey) stageCells(b *pebble.Batch) error {
	for _, g := range p.dropped {
		if err := b.Set(dropKey(g), nil, nil); err != nil {
			return err
		}
	}
	if p.rows == nil {
		return nil
	}
	return p.rows.stage(b)
}
