package engine

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

func openSet(t *testing.T, size int) (*Store, object.Key) {
	t.Helper()
	o := testOptions(t, vfs.NewMem())
	o.InlineBytes = 0
	s, key := open(t, o), object.Key{Name: "set"}
	if size > 0 {
		do(t, s, key, func(tx *Tx) {
			for i := range size {
				kind.AddMember(tx.Edit(key), fmt.Append(nil, i))
			}
		})
	}
	return s, key
}

// Members that are drawn one by one, as SPOP does, are each about as likely, those at the ends of the order of places as well.
func TestDrawFromRunsIsFair(t *testing.T) {
	if testing.Short() {
		t.Skip("statistics: not for the race detector")
	}
	for _, size := range []int{100, drawRows + 1, 700, 3000} {
		s, key := openSet(t, size)
		drawn := map[string]int{}
		draws := 40 * size
		var order []string
		do(t, s, key, func(tx *Tx) {
			o := tx.Object(key)
			for el := range kind.Elements(o, object.Set, 0) {
				order = append(order, el.Name)
			}
			for range draws {
				for el := range kind.Draw(o, object.Set, 1, false) {
					drawn[el.Name]++
				}
			}
		})
		tenth := size / 10
		for i := 0; i+tenth <= size; i += tenth {
			n := 0
			for _, m := range order[i : i+tenth] {
				n += drawn[m]
			}
			if want := draws * tenth / size; n < want*3/4 || n > want*4/3 {
				t.Errorf("of %d: %d draws of those from %d on, want about %d", size, n, i, want)
			}
		}
		for _, m := range order {
			if n := drawn[m]; n < 40/5 || n > 40*5 {
				t.Errorf("of %d: %s was drawn %d times, want about 40", size, m, n)
			}
		}
		closeStore(t, s)
	}
}

// A set that is popped to the end gives each member once, whatever else is added and removed meanwhile.
func TestPopAllFromRuns(t *testing.T) {
	const size, batch = 2000, 150
	s, key := openSet(t, size)
	defer func() { closeStore(t, s) }()
	left := map[string]bool{}
	for i := range size {
		left[fmt.Sprint(i)] = true
	}
	next := size
	for len(left) > 0 {
		var tasks []*Task
		run := func(f func(tx *Tx)) { tasks = append(tasks, &Task{Slot: key.Slot(), Body: bodyFunc(f)}) }
		for range min(batch, len(left)) {
			run(func(tx *Tx) {
				for el := range kind.Draw(tx.Object(key), object.Set, 1, false) {
					if !left[el.Name] {
						t.Errorf("%s was popped and is not in the set", el.Name)
					}
					delete(left, el.Name)
					kind.RemoveMember(tx.Edit(key), []byte(el.Name))
					return
				}
				t.Error("nothing was popped")
			})
			if next < size+size/2 && next%3 == 0 {
				run(func(tx *Tx) {
					kind.AddMember(tx.Edit(key), fmt.Append(nil, next))
					left[fmt.Sprint(next)] = true
				})
			}
			next++
		}
		doAll(t, s, tasks)
		if t.Failed() {
			return
		}
	}
	if o, err := s.Get(key); err != nil || !o.Tombstone() {
		t.Errorf("%v, %v is left", o, err)
	}
}

// A set that the batch itself has made is drawn from as any other.
func TestDrawFromSetOfTheBatch(t *testing.T) {
	s, key := openSet(t, 0)
	defer closeStore(t, s)
	add := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) { kind.AddMember(tx.Edit(key), []byte("m")) })}
	drawn := 0
	draw := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) {
		for _, again := range []bool{true, false} {
			for range kind.Draw(tx.Object(key), object.Set, 1, again) {
				drawn++
			}
		}
	})}
	doAll(t, s, []*Task{add, draw})
	if drawn != 2 {
		t.Errorf("%d were drawn, want 2", drawn)
	}
}

// A set that is popped to the end within one batch takes few runs: each is a walk over all that was popped before.
func TestPopAllInOneBatchTakesFewRuns(t *testing.T) {
	const size = 700
	s, key := openSet(t, size)
	defer closeStore(t, s)
	popped := map[string]bool{}
	var tasks []*Task
	for range size {
		tasks = append(tasks, &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) {
			for el := range kind.Draw(tx.Object(key), object.Set, 1, false) {
				popped[el.Name] = true
				kind.RemoveMember(tx.Edit(key), []byte(el.Name))
				return
			}
		})})
	}
	doAll(t, s, tasks)
	if len(popped) != size {
		t.Errorf("%d of %d were popped", len(popped), size)
	}
	if made := s.shard(key.Slot()).runs.made; made > 2*size/(drawRows/drawsOf) {
		t.Errorf("%d runs were made", made)
	}
}
