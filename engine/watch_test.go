package engine

import (
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/engine/object"
)

// Whoever watches a key is told of every way in which it changes, before who changed it is, and may submit tasks then.
func TestWatch(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	key, other := object.Key{Name: "k"}, object.Key{Name: "other"}
	var told []object.Key
	reads := 0
	s.SetWatcher(func(keys []object.Key) {
		told = append(told, keys...)
		task := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) { reads++; tx.Raw(key) })}
		if s.Do([]*Task{task}, nil) {
			t.Error("a task of the watcher ran within the batch that it was told of")
		}
	})
	expect := func(what string, want ...object.Key) {
		t.Helper()
		if !slices.Equal(told, want) || reads != len(want) {
			t.Errorf("%s: told of %v, %d reads", what, told, reads)
		}
		told, reads = nil, 0
	}
	put := func(k object.Key) func(tx *Tx) { return func(tx *Tx) { tx.Edit(k).Put(cell, []byte("v")) } }

	do(t, s, key, put(key))
	expect("nothing is watched")
	s.Watch(key)
	do(t, s, key, func(tx *Tx) { tx.Raw(key) })
	expect("a read")
	do(t, s, other, put(other))
	expect("another key")
	seen := 0
	task := &Task{Slot: key.Slot(), Body: bodyFunc(put(key))}
	do(t, s, key, func(*Tx) { s.Do([]*Task{task}, func() { seen = len(told) }) }) // runs in the next batch of the same drain
	if seen != 1 {
		t.Error("who wrote was told before the watcher")
	}
	expect("a write", key)
	elsewhere := open(t, testOptions(t, vfs.NewMem()))
	do(t, elsewhere, key, put(key))
	foreign, err := elsewhere.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, elsewhere)
	do(t, s, key, func(tx *Tx) { tx.Merge(key, foreign) })
	expect("a merge", key)
	hint := &Task{Slot: key.Slot(), Body: bodyFunc(put(key)), StandsFor: []Owner{"someone"}}
	done := make(chan struct{})
	if !s.Do([]*Task{hint}, func() { close(done) }) {
		<-done
	}
	expect("a hint", key)
	s.Unwatch(key)
	do(t, s, key, put(key))
	expect("nothing is watched any more")
}
