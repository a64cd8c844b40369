package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kindredkv/kindred/engine/object"
)

func held(t *testing.T, s *Store) (sum int64) {
	t.Helper()
	all := &SlotSet{}
	for slot := range object.Slot(object.Slots) {
		all.Add(slot)
	}
	err := s.Scan(all, Place{}, func(_ Place, key object.Key, o *object.Object) bool {
		sum += footprint(key, o)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// Whatever is written, removed and forgotten, the account is what the rows add up to.
func TestRoom(t *testing.T) {
	o := testOptions(t, nil)
	o.Dir, o.FS = "", DefaultOptions().FS
	s := open(t, o)
	defer closeStore(t, s)
	const bound = 20_000
	s.SetMemoryBound(bound)
	rng := rand.New(rand.NewPCG(3, 4))
	pressed := false
	for step := range 3000 {
		key := object.Key{Name: fmt.Sprint("k", rng.IntN(100)), DB: uint8(rng.IntN(2))}
		do(t, s, key, func(tx *Tx) {
			switch kind := rng.IntN(10); {
			case kind == 0 && tx.Raw(key) != nil:
				tx.Forget(key)
			case kind < 3 && tx.Object(key) != nil:
				tx.Edit(key).Clear()
			default:
				tx.Edit(key).Put(cell, bytes.Repeat([]byte("x"), rng.IntN(300)))
			}
		})
		if s.Held() != bound-s.Room() {
			t.Fatalf("step %d: %d held and %d left of %d", step, s.Held(), s.Room(), bound)
		}
		select {
		case <-s.Pressed():
			pressed = true
		default:
		}
	}
	if want := held(t, s); s.Held() != want || !pressed || s.Room() >= 0 {
		t.Errorf("%d held, the rows have %d; pressed %t, room %d", s.Held(), want, pressed, s.Room())
	}
	s.SetMemoryBound(0)
	if s.Room() < 1<<60 {
		t.Errorf("without a bound there is room for %d", s.Room())
	}
	s.SetMemoryBound(bound)
	if err := s.Clear(); err != nil {
		t.Fatal(err)
	}
	if s.Held() != 0 || s.Room() != bound {
		t.Errorf("empty: %d held, room for %d", s.Held(), s.Room())
	}
}

// A store on disk has no bound.
func TestRoomOnDisk(t *testing.T) {
	o := testOptions(t, nil)
	o.Dir, o.FS = t.TempDir(), DefaultOptions().FS
	s := open(t, o)
	defer closeStore(t, s)
	s.SetMemoryBound(1)
	key := object.Key{Name: "k"}
	do(t, s, key, func(tx *Tx) { tx.Edit(key).Put(cell, []byte("v")) })
	if s.Room() < 0 {
		t.Error("a store on disk holds too much")
	}
}
