package engine

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// sequence is a list in a store, and the positions that it must have.
type sequence struct {
	t     *rapid.T
	store *Store
	key   object.Key
	held  []string // in order
	next  int      // of positions behind the end
	first int      // of positions before the beginning
}

func (q *sequence) name(position string) object.CellName {
	return object.CellName([]byte{byte(object.List)}) + object.CellName(position)
}

// push adds positions at an end, or anywhere.
func (q *sequence) push(where, n int) func(*Tx) {
	var added []string
	for range n {
		switch where {
		case 0:
			q.first--
			added = append(added, fmt.Sprintf("%08d", q.first))
		case 1:
			q.next++
			added = append(added, fmt.Sprintf("%08d", q.next))
		default:
			added = append(added, fmt.Sprintf("%08d.%04d", rapid.IntRange(q.first, q.next).Draw(q.t, "between"), len(q.held)+len(added)))
		}
	}
	q.held = append(q.held, added...)
	slices.Sort(q.held)
	q.held = slices.Compact(q.held)
	return func(tx *Tx) {
		e := tx.Edit(q.key)
		for _, p := range added {
			e.Put(q.name(p), []byte(p))
		}
	}
}

// pop removes positions from an end, or from the middle.
func (q *sequence) pop(where, n int) func(*Tx) {
	n = min(n, len(q.held))
	if n == 0 {
		return func(*Tx) {}
	}
	from := map[int]int{0: 0, 1: len(q.held) - n}[where]
	if where > 1 {
		from = rapid.IntRange(0, len(q.held)-n).Draw(q.t, "from")
	}
	gone := slices.Clone(q.held[from : from+n])
	q.held = slices.Delete(q.held, from, from+n)
	return func(tx *Tx) {
		e := tx.Edit(q.key)
		for _, p := range gone {
			e.Remove(q.name(p))
		}
	}
}

// check compares what an object says of its order with what it must be.
func (q *sequence) check(o *object.Object) {
	if o == nil {
		if len(q.held) > 0 {
			q.t.Fatalf("the list is gone, want %d elements", len(q.held))
		}
		return
	}
	probe := fmt.Sprintf("%08d", rapid.IntRange(q.first-1, q.next+1).Draw(q.t, "probe"))
	if len(q.held) > 0 && rapid.Bool().Draw(q.t, "there") {
		probe = rapid.SampledFrom(q.held).Draw(q.t, "held")
	}
	rank, _ := slices.BinarySearch(q.held, probe)
	if got := kind.RankOf(o, object.List, kind.Spot(probe)); got != int64(rank) {
		q.t.Fatalf("%s has rank %d, want %d of %d", probe, got, rank, len(q.held))
	}
	q.walk("up", kind.Ascend(o, object.List, kind.Spot(probe)), q.held[rank:])
	below := slices.Clone(q.held[:rank])
	slices.Reverse(below)
	q.walk("down", kind.Descend(o, object.List, kind.Spot(probe)), below)

	at := rapid.IntRange(-len(q.held)-1, len(q.held)).Draw(q.t, "rank")
	want := at
	if at < 0 {
		want += len(q.held)
	}
	spot, ok := kind.SpotAt(o, object.List, int64(at))
	if there := want >= 0 && want < len(q.held); ok != there || ok && string(spot) != q.held[want] {
		q.t.Fatalf("%q, %t is at %d of %d", spot, ok, at, len(q.held))
	}
	if o.Kept != nil && len(o.Kept.Changed) == 0 {
		known := o.Kept.Known(object.List)
		if first, last := q.held[0], q.held[len(q.held)-1]; known.Low != first || known.High != last+"\x00" {
			q.t.Fatalf("from %q to below %q, want %q and %q", known.Low, known.High, first, last)
		}
	}
	for c := range o.Back(object.CellName([]byte{byte(object.List) + 1})) {
		if c.Name != q.name(q.held[len(q.held)-1]) {
			q.t.Fatalf("the last cell is %q, want %q", c.Name, q.held[len(q.held)-1])
		}
		break
	}
	if n := o.Count(object.List); n != int64(len(q.held)) {
		q.t.Fatalf("%d elements, want %d", n, len(q.held))
	}
}

func (q *sequence) walk(how string, got func(func(kind.Spot) bool), want []string) {
	i := 0
	got(func(s kind.Spot) bool {
		if i == len(want) || string(s) != want[i] {
			q.t.Fatalf("%s: %q is number %d of %d", how, s, i, len(want))
		}
		i++
		return i < 40
	})
	if i < min(40, len(want)) {
		q.t.Fatalf("%s: ends after %d of %d", how, i, len(want))
	}
}

// TestOrderFollowsTheElements compares rank, position and walks in both directions with a slice, while elements come and go
// at the ends and between, within a task, in a view, and after a restart.
func TestOrderFollowsTheElements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		inline := rapid.SampledFrom([]int{0, 0, 300}).Draw(t, "inline")
		q := &sequence{t: t, key: twinKeys[0], first: 40_000_000, next: 40_000_000}
		q.store = openTwin(t, twinOptions(t, fs, inline))
		w := &twin{t: t}
		defer func() { closeTwin(t, q.store) }()
		w.doAt(q.store, q.push(1, rapid.SampledFrom([]int{1, 20, 3000}).Draw(t, "begin with")))
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			where, n := rapid.IntRange(0, 2).Draw(t, "where"), rapid.SampledFrom([]int{1, 1, 2, 30, 500}).Draw(t, "many")
			switch rapid.IntRange(0, 9).Draw(t, "op") {
			case 0:
				closeTwin(t, q.store)
				q.store = openTwin(t, twinOptions(t, fs, inline))
			case 1:
				q.held = nil
				w.doAt(q.store, func(tx *Tx) { kind.Clear(tx.Edit(q.key)) })
			case 2, 3, 4:
				pop := q.pop(where, n)
				w.doAt(q.store, func(tx *Tx) {
					if tx.Object(q.key) != nil {
						pop(tx)
						q.check(tx.Object(q.key))
					}
				})
			default:
				push := q.push(where, n)
				w.doAt(q.store, func(tx *Tx) {
					push(tx)
					q.check(tx.Object(q.key))
				})
			}
			look := func(tx *Tx) { q.check(tx.Object(q.key)) }
			w.doAt(q.store, look)
			if err := q.store.View(bodyFunc(look)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestOrderOfManyElements is about as large as reaches the topmost level of the counts.
func TestOrderOfManyElements(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, and has one goroutine")
	}
	const elements, atOnce = 150_000, 15_000
	s := openOrdered(t)
	key := twinKeys[0]
	position := func(i int) object.CellName { return object.CellName(fmt.Sprintf("\x05%08d", i)) }
	write := func(body func(*Tx)) {
		t.Helper()
		do(t, s, key, body)
	}
	for start := 0; start < elements; start += atOnce {
		write(func(tx *Tx) {
			e := tx.Edit(key)
			for i := start; i < start+atOnce; i++ {
				e.Put(position(i*7%elements), nil) // 7 and the number have no divisor in common
			}
		})
	}
	write(func(tx *Tx) {
		e := tx.Edit(key)
		for i := range elements / 2 {
			e.Remove(position(2 * i))
		}
	})
	err := s.View(bodyFunc(func(tx *Tx) {
		o := tx.Object(key)
		for rank := 0; rank < elements/2; rank += 997 {
			want := kind.Spot(position(2*rank + 1)[1:])
			if got, ok := kind.SpotAt(o, object.List, int64(rank)); !ok || got != want {
				t.Fatalf("%q is at %d, want %q", got, rank, want)
			}
			if got := kind.RankOf(o, object.List, want); got != int64(rank) {
				t.Fatalf("%q has rank %d, want %d", want, got, rank)
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
}

func openOrdered(t *testing.T) *Store {
	o := DefaultOptions()
	o.Dir, o.FS, o.Shards, o.InlineBytes = "/s", vfs.NewMem(), 1, 0
	o.Fatal = func(err error) { t.Error(err) }
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestRanksAreOfOneMoment asks for the rank of the last element while others come and go in front of it.
func TestRanksAreOfOneMoment(t *testing.T) {
	const elements, rounds = 300, 500
	s := openOrdered(t)
	key := twinKeys[0]
	position := func(i int) object.CellName { return object.CellName(fmt.Sprintf("\x05%08d", i)) }
	write := func(body func(*object.Edit)) {
		task := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) { body(tx.Edit(key)) })}
		done := make(chan struct{})
		if !s.Do([]*Task{task}, func() { close(done) }) {
			<-done
		}
		if task.Err != nil {
			t.Error(task.Err)
		}
	}
	write(func(e *object.Edit) {
		for i := range elements {
			e.Put(position(rounds+i), nil)
		}
	})
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := s.View(bodyFunc(func(tx *Tx) {
					last := kind.Spot(position(rounds + elements - 1)[1:])
					if rank := kind.RankOf(tx.Object(key), object.List, last); rank != elements-1 && rank != elements {
						t.Errorf("the last has rank %d", rank)
					}
				}))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range rounds {
		write(func(e *object.Edit) { e.Put(position(i), nil) })
		write(func(e *object.Edit) { e.Remove(position(i)) })
		if i%100 == 0 { // counts are made anew
			for _, sh := range s.shards {
				sh.ranks.mu.Lock()
				clear(sh.ranks.entries)
				sh.ranks.mu.Unlock()
			}
		}
	}
	close(stop)
	readers.Wait()
}
