package engine

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// writtenBy is a key as actors left it who wrote it a second apart, from a time on; the first of them has a version alive.
func writtenBy(actors int, from int64) *object.Object {
	var o *object.Object
	for i := range actors {
		time := causal.TimeAt(from + int64(i)*1000)
		dot := causal.Dot{Actor: causal.Actor{Node: causal.Node(100 + i), Birth: time}, Time: time}
		e := object.NewEdit(o, dot)
		if i == 0 {
			e.Put(object.ExpiryCell, nil) // a cell that later writes leave alone
		} else {
			e.Put(object.ValueCell, []byte("v"))
		}
		o, _ = e.Finish()
	}
	return o
}

// TestContextsArePruned gives two stores what many actors have written, in different portions.
func TestContextsArePruned(t *testing.T) {
	const day = 24 * 3600 * 1000
	now := int64(1_700_000_000_000)
	key := object.Key{Name: "k"}
	old := writtenBy(80, now-3*day)
	e := object.NewEdit(old, causal.Dot{Actor: causal.Actor{Node: 7, Birth: causal.TimeAt(now)}, Time: causal.TimeAt(now)})
	e.Put(object.ValueCell, []byte("new"))
	newest, _ := e.Finish()

	var after []*object.Object
	for _, portions := range [][]*object.Object{{newest}, {old, newest}} {
		s := open(t, testOptions(t, vfs.NewMem()))
		for _, o := range portions {
			do(t, s, key, func(tx *Tx) { tx.Merge(key, o) })
		}
		after = append(after, raw(t, s, key))
		closeStore(t, s)
	}
	if !after[0].Context.Equal(after[1].Context) {
		t.Errorf("the stores differ:\n%v\n%v", after[0].Context, after[1].Context)
	}
	o := after[0]
	if len(o.Context) != causal.PruneAbove {
		t.Errorf("%d entries, want %d", len(o.Context), causal.PruneAbove)
	}
	for i := range o.Cells {
		for _, v := range o.Cells[i].Versions {
			if !o.Context.Covers(v.Dot) {
				t.Errorf("a live version of %v is not covered", v.Dot)
			}
		}
	}
	if o.Cell(object.ExpiryCell) == nil || string(kind.Value(o)) != "new" {
		t.Errorf("the cells are %+v", o.Cells)
	}
	if young := writtenBy(80, now); len(pruned(young).Context) != 80 {
		t.Error("entries younger than a day were pruned")
	}
}
