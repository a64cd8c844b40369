package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/engine/object"
)

// TestChangesBringTheObject gives another store what each change of a batch is sent as, and demands that it has the object then:
// also where cells go into rows, or the key is removed and made anew, within the batch.
func TestChangesBringTheObject(t *testing.T) {
	seeds := uint64(15)
	if testing.Short() {
		seeds = 2
	}
	for _, inline := range []int{-1, 0, 60, 2048} {
		for seed := range seeds {
			rng := rand.New(rand.NewPCG(seed, 1))
			var stores [2]*Store
			for i := range stores {
				o := testOptions(t, vfs.NewMem())
				o.InlineBytes, o.WholeCells = inline, 2
				o.Random = rand.New(rand.NewPCG(uint64(i), 9))
				stores[i] = open(t, o)
			}
			key := object.Key{Name: "k"}
			for step := range 30 {
				tasks := make([]*Task, 1+rng.IntN(4))
				for i := range tasks {
					tasks[i] = &Task{Slot: key.Slot(), Body: bodyFunc(drawnEdit(rng, key))}
				}
				doAll(t, stores[0], tasks)
				doAll(t, stores[1], asMessages(t, tasks))
				theirs, ours := raw(t, stores[0], key), raw(t, stores[1], key)
				if theirs == nil && ours == nil {
					continue
				}
				if !bytes.Equal(object.Append(nil, theirs), object.Append(nil, ours)) {
					t.Fatalf("inline bytes %d, seed %d, step %d:\n%+v\nbecame\n%+v", inline, seed, step, theirs, ours)
				}
			}
			closeStore(t, stores[0])
			closeStore(t, stores[1])
		}
	}
}

// drawnEdit adds members of 30 bytes to a set, removes some, or removes the key.
func drawnEdit(rng *rand.Rand, key object.Key) func(*Tx) {
	op, first, n := rng.IntN(10), rng.IntN(90), 1+rng.IntN(80)
	name := func(i int) object.CellName { return object.CellName(fmt.Sprintf("\x03%030d", i%90)) }
	return func(tx *Tx) {
		switch {
		case op < 6:
			for i := range n {
				tx.Edit(key).Put(name(first+i), nil)
			}
		case op < 9:
			for i := range n {
				if o := tx.Object(key); o != nil && o.Cell(name(first+i)) != nil {
					tx.Edit(key).Remove(name(first + i))
				}
			}
		case tx.Object(key) != nil:
			tx.Edit(key).Clear()
		}
	}
}

func doAll(t testing.TB, s *Store, tasks []*Task) {
	t.Helper()
	if len(tasks) == 0 {
		return
	}
	done := make(chan struct{})
	if !s.Do(tasks, func() { close(done) }) {
		<-done
	}
	for _, task := range tasks {
		if task.Err != nil {
			t.Fatal(task.Err)
		}
	}
}

// asMessages are the tasks of a store that is sent the changes of others.
func asMessages(t *testing.T, tasks []*Task) (out []*Task) {
	t.Helper()
	for _, task := range tasks {
		for i := range task.Changes {
			c := &task.Changes[i]
			encoding, ok := c.Encoding()
			if c.Delta == nil && !ok {
				t.Fatal("a change is neither a delta nor an object")
			}
			out = append(out, &Task{Slot: c.Key.Slot(), Body: bodyFunc(func(tx *Tx) {
				if c.Delta == nil {
					o, err := object.Decode(encoding)
					if err != nil {
						t.Error(err)
					}
					tx.Merge(c.Key, o)
					return
				}
				d, err := object.DecodeDelta(c.Delta)
				if err != nil {
					t.Error(err)
				}
				if !tx.Apply(c.Key, d, c.Delta) {
					t.Error("a delta has a gap")
				}
			})})
		}
	}
	return out
}
