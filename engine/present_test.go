package engine

import (
	"fmt"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/engine/object"
)

// No key that has a row is ever taken for one that has none, however often the filter is built anew meanwhile.
func TestFilterIsBuiltWhileKeysAreAdded(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	const keys = 20_000
	name := func(i int) object.Key { return object.Key{DB: uint8(i % 3), Name: fmt.Sprint("k", i)} }
	var building sync.WaitGroup
	stop := make(chan struct{})
	building.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.buildPresent()
			}
		}
	})
	for i := range keys {
		do(t, s, name(i), func(tx *Tx) { tx.Edit(name(i)).Put(cell, []byte("v")) })
		for _, j := range []int{i, i / 2, 0} {
			if !s.mayHave(name(j)) {
				t.Fatalf("after %d keys the filter does not have key %d", i+1, j)
			}
		}
	}
	close(stop)
	building.Wait()
	wrong := 0
	for i := range keys {
		if !s.mayHave(name(i)) {
			t.Fatalf("at the end the filter does not have key %d", i)
		}
		if s.mayHave(object.Key{DB: 9, Name: name(i).Name}) {
			wrong++
		}
	}
	if wrong > keys/20 {
		t.Errorf("%d of %d absent keys pass", wrong, keys)
	}
}

// What a store held before it was opened is in the filter, and FLUSHALL empties it.
func TestFilterOfAnOpenedStore(t *testing.T) {
	o := testOptions(t, vfs.NewMem())
	s := open(t, o)
	put(t, s, "k", "1")
	closeStore(t, s)
	s = open(t, o)
	defer closeStore(t, s)
	if !s.buildPresent() || !s.mayHave(object.Key{Name: "k"}) {
		t.Fatal("the filter does not have a key from before")
	}
	if got := value(t, s, "k"); got != "1" {
		t.Fatalf("k is %q", got)
	}
	if err := s.Clear(); err != nil {
		t.Fatal(err)
	}
	if s.mayHave(object.Key{Name: "k"}) {
		t.Error("the filter has a key after all were removed")
	}
	put(t, s, "k", "2")
	if got := value(t, s, "k"); got != "2" {
		t.Fatalf("k is %q", got)
	}
}

// No cell of a large object is ever taken for one that is not there, whether the hot cache has it or not, the filter is built anew
// meanwhile, or the store was opened with it.
func TestFilterOfCells(t *testing.T) {
	o := testOptions(t, vfs.NewMem())
	o.InlineBytes = 0
	s := open(t, o)
	defer func() { closeStore(t, s) }()
	key := object.Key{Name: "h"}
	const fields = 3000
	name := func(i int) object.CellName { return object.CellName(fmt.Sprintf("%c%d", object.Hash, i)) }
	has := func(i int) (has bool) {
		t.Helper()
		o, err := s.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		return o.Cell(name(i)) != nil
	}
	for i := range fields {
		if i%100 == 0 {
			s.buildPresent()
		}
		do(t, s, key, func(tx *Tx) { tx.Edit(key).Put(name(i), []byte("v")) })
		if i%50 == 0 {
			s.cache.Clear()
		}
		if !has(i) || !has(i/2) {
			t.Fatalf("after %d fields one is not there", i+1)
		}
	}
	closeStore(t, s)
	s = open(t, o)
	s.buildPresent()
	for i := range fields {
		if !has(i) {
			t.Fatalf("field %d is not there after the store was opened", i)
		}
	}
	before := s.present.filter.Load().Added()
	do(t, s, key, func(tx *Tx) {
		for i := range fields {
			if tx.Edit(key).Put(name(i), []byte("w")); tx.Object(key).Cell(name(fields+i)) != nil {
				t.Errorf("field %d is there", fields+i)
			}
		}
	})
	if f := s.present.filter.Load(); f.Added() != before {
		t.Errorf("%d hashes were added for cells that had been there", f.Added()-before)
	}
	passed, at := 0, generation{key.Slot(), keptOf(t, s, key).Generation}
	for i := range fields {
		var room cellKeyRoom
		if s.mayHave(at.cacheKey(room[:0], name(fields+i))) {
			passed++
		}
	}
	if passed > fields/20 {
		t.Errorf("%d of %d absent cells pass", passed, fields)
	}
}

func keptOf(t *testing.T, s *Store, key object.Key) *object.Kept {
	t.Helper()
	o, err := s.Get(key)
	if err != nil || o == nil || o.Kept == nil {
		t.Fatalf("%v, %v has no cells in rows", o, err)
	}
	return o.Kept
}
