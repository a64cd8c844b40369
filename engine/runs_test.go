package engine

import (
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// Runs hold what is in the store between their ends, after each batch of whatever is done at the ends of a collection and elsewhere.
func TestRunsFollowTheStore(t *testing.T) {
	for _, of := range []object.Kind{object.List, object.ZSet, object.Stream} {
		t.Run(of.String(), func(t *testing.T) {
			used, shown := 0, 0
			rapid.Check(t, func(rt *rapid.T) {
				o := testOptions(t, vfs.NewMem())
				o.InlineBytes = 0
				s := open(t, o)
				defer closeStore(t, s)
				c := ends{t: rt, tb: t, store: s, key: object.Key{Name: "k"}, kind: of}
				for range rapid.IntRange(1, 40).Draw(rt, "phases") {
					change := rapid.SampledFrom([]func(){c.addFirst, c.addLast, c.removeFirst, c.removeFirst, c.removeLast, c.removeLast, c.elsewhere, c.look, c.look}).Draw(rt, "change")
					for range rapid.SampledFrom([]int{1, 3, 5, 200}).Draw(rt, "times") {
						change()
					}
					applier, readers := c.check()
					used, shown = used+applier, shown+readers
				}
			})
			if used == 0 || shown == 0 {
				t.Errorf("%d runs were made for the applier and %d for readers", used, shown)
			}
		})
	}
}

// ends is a collection of numbers that grows and shrinks at its ends.
type ends struct {
	t     *rapid.T
	tb    testing.TB
	store *Store
	key   object.Key
	kind  object.Kind
	held  []int // in order
}

func (c *ends) do(f func(e *object.Edit)) {
	do(c.tb, c.store, c.key, func(tx *Tx) { f(tx.Edit(c.key)) })
}

// name is that of the cell of a number.
func (c *ends) name(n int) object.CellName {
	b := fmt.Appendf([]byte{byte(c.kind)}, "%08d", 50_000_000+n)
	if c.kind == object.Stream {
		b = fmt.Appendf(b, "%08d", 0) // an ID is 16 bytes
	}
	return object.CellName(b)
}

func (c *ends) add(n int) {
	at, there := slices.BinarySearch(c.held, n)
	if !there {
		c.held = slices.Insert(c.held, at, n)
	}
	c.do(func(e *object.Edit) {
		if c.kind == object.ZSet {
			kind.SetScore(e, []byte(strconv.Itoa(n)), float64(n))
		} else {
			e.Put(c.name(n), []byte(strconv.Itoa(n)))
		}
	})
}

func (c *ends) addFirst() {
	if len(c.held) == 0 {
		c.add(0)
		return
	}
	c.add(c.held[0] - 10)
}

func (c *ends) addLast() {
	if len(c.held) == 0 {
		c.add(0)
		return
	}
	c.add(c.held[len(c.held)-1] + 10)
}

func (c *ends) remove(e *object.Edit, name object.CellName) {
	if c.kind == object.ZSet {
		kind.RemoveScored(e, []byte(name[1:]))
	} else {
		e.Remove(name)
	}
}

func (c *ends) removeFirst() { c.removeEnd(0, kind.Ascend, "") }

func (c *ends) removeLast() {
	c.removeEnd(len(c.held)-1, kind.Descend, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
}

// removeEnd removes the element that a walk comes to first, which must be that with an index.
func (c *ends) removeEnd(index int, walk func(*object.Object, object.Kind, kind.Spot) iter.Seq[kind.Spot], from kind.Spot) {
	if len(c.held) == 0 {
		return
	}
	want := c.held[index]
	c.held = slices.Delete(c.held, index, index+1)
	c.do(func(e *object.Edit) {
		for spot := range walk(e.Object(), c.kind, from) {
			name := object.CellName([]byte{byte(c.kind)}) + object.CellName(spot)
			wanted := c.name(want)
			if c.kind == object.ZSet {
				name = name[:1] + object.CellName(spot.Member())
				wanted = name[:1] + object.CellName(strconv.Itoa(want))
			}
			if name != wanted {
				c.t.Fatalf("the end is %q, want %q", name, wanted)
			}
			c.remove(e, name)
			return
		}
		c.t.Fatalf("no element, want %d", want)
	})
}

// elsewhere adds an element between others, or removes one.
func (c *ends) elsewhere() {
	if len(c.held) == 0 {
		return
	}
	n := c.held[rapid.IntRange(0, len(c.held)-1).Draw(c.t, "at")] + rapid.IntRange(0, 9).Draw(c.t, "beside")
	at, there := slices.BinarySearch(c.held, n)
	if !there {
		c.add(n)
		return
	}
	c.held = slices.Delete(c.held, at, at+1)
	c.do(func(e *object.Edit) {
		if c.kind == object.ZSet {
			kind.RemoveScored(e, []byte(strconv.Itoa(n)))
		} else {
			e.Remove(c.name(n))
		}
	})
}

// look reads from an end of the collection beside the applier, some times, and compares what it finds.
func (c *ends) look() {
	n := rapid.SampledFrom([]int{1, 3, 20, 300}).Draw(c.t, "elements")
	back := rapid.Bool().Draw(c.t, "back")
	var want []int
	for i := range min(n, len(c.held)) {
		if back {
			i = len(c.held) - 1 - i
		}
		want = append(want, c.held[i])
	}
	for range rapid.IntRange(1, 4).Draw(c.t, "reads") {
		var got []int
		beside(c.tb, c.store, c.key, func(tx *Tx) {
			got = nil
			walk, from := kind.Ascend, kind.Spot("")
			if back {
				walk, from = kind.Descend, kind.EndSpot
			}
			for spot := range walk(tx.Object(c.key), c.kind, from) {
				if len(got) == n {
					break
				}
				got = append(got, c.number(spot))
			}
		})
		if !slices.Equal(got, want) {
			c.t.Fatalf("a reader finds %d, want %d", got, want)
		}
	}
}

// number is that of the element at a spot.
func (c *ends) number(spot kind.Spot) int {
	text := string(spot[:min(8, len(spot))])
	if c.kind == object.ZSet {
		text = spot.Member()
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.kind != object.ZSet {
		n -= 50_000_000
	}
	return n
}

// beside reads beside the appliers.
func beside(t testing.TB, s *Store, key object.Key, body func(*Tx)) {
	t.Helper()
	task, done := &Task{Slot: key.Slot(), Body: bodyFunc(body)}, make(chan struct{})
	if !s.Read([]*Task{task}, func() { close(done) }) {
		<-done
	}
	if task.Err != nil {
		t.Fatal(task.Err)
	}
}

// check compares the runs with the rows of the store, and returns how many there are, for the applier and for readers.
func (c *ends) check() (applier, readers int) {
	sh := c.store.shard(c.key.Slot())
	sh.quiesce() // what readers have offered is taken
	total := 0
	for at, n := range sh.runs.of {
		applier += len(n.runs)
		total += c.compare(at, n.runs)
	}
	if total != sh.runs.bytes {
		c.t.Fatalf("the shard counts %d bytes, has %d", sh.runs.bytes, total)
	}
	total = 0
	for at, n := range sh.reading.of {
		readers += len(n.runs)
		total += c.compare(at, *n.shown.Load())
	}
	if int64(total) != sh.reading.bytes.Load() {
		c.t.Fatalf("the shard counts %d bytes for readers, has %d", sh.reading.bytes.Load(), total)
	}
	return applier, readers
}

// compare compares runs with the rows of the store, and returns their bytes.
func (c *ends) compare(at causal.Time, runs []*run) (total int) {
	rows := storedRows{c.store, generation{c.key.Slot(), at}, func(err error) { c.t.Fatal(err) }}
	for _, r := range runs {
		total += r.bytes
		size := 0
		next := r.rows.Iter()
		more, missing := next.First(), object.CellName("")
		rows.Each(r.low, func(cell *object.Cell) bool {
			if cell.Name >= r.high {
				return false
			}
			if !more || next.Key() != cell.Name || fmt.Sprint(next.Value()) != fmt.Sprint(cell.Versions) {
				missing = cell.Clone().Name
				return false
			}
			size += rowSize(next.Key(), next.Value())
			more = next.Next()
			return true
		})
		if missing != "" {
			c.t.Fatalf("the store has %q, the run from %q to %q does not", missing, r.low, r.high)
		}
		if more {
			c.t.Fatalf("the run from %q to %q has %q, the store does not", r.low, r.high, next.Key())
		}
		if size != r.bytes {
			c.t.Fatalf("the run counts %d bytes, has %d", r.bytes, size)
		}
	}
	return total
}

// TestWalksAreOfOneMoment has elements of a list go at its beginning and come at its end, one of each in a batch, while others walk over
// it, partly in runs and partly behind their end: elements are so large that a run does not hold all. Nobody may find more or fewer.
func TestWalksAreOfOneMoment(t *testing.T) {
	const elements, rounds = 24, 200
	o := testOptions(t, vfs.NewMem())
	o.CacheBytes = 64 << 20
	s := open(t, o)
	defer closeStore(t, s)
	key := object.Key{Name: "k"}
	name := func(n int) object.CellName {
		return object.CellName(fmt.Appendf([]byte{byte(object.List)}, "%08d", 50_000_000+n))
	}
	value := func(n int) []byte { return fmt.Appendf(nil, "%050000d", n) }
	do(t, s, key, func(tx *Tx) {
		for n := range elements {
			tx.Edit(key).Put(name(n), value(n))
		}
	})
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				var found []int
				beside(t, s, key, func(tx *Tx) {
					found = nil
					for it := range kind.Items(tx.Object(key), kind.Left, "") {
						n, _ := strconv.Atoi(string(it.Value()))
						found = append(found, n)
					}
				})
				for i := range found {
					if len(found) != elements || found[i] != found[0]+i {
						t.Errorf("found %d", found)
						return
					}
				}
			}
		})
	}
	shown := 0
	for round := 1; round <= rounds; round++ {
		if n := s.shard(key.Slot()).reading.find(generation{at: generationOf(t, s, key)}); n != nil {
			shown++
		}
		do(t, s, key, func(tx *Tx) {
			e := tx.Edit(key)
			e.Remove(name(round - 1))
			e.Put(name(elements+round-1), value(elements+round-1))
		})
		if round%4 == 0 {
			runtime.Gosched()
		}
	}
	close(stop)
	readers.Wait()
	if shown == 0 {
		t.Error("no run was ever made")
	}
}

func generationOf(t *testing.T, s *Store, key object.Key) causal.Time {
	t.Helper()
	o, err := s.Get(key)
	if err != nil || o == nil || o.Kept == nil {
		t.Fatalf("the object is %v, %v", o, err)
	}
	return o.Kept.Generation
}

// TestRunsInUseAreKept reads rows of many collections, and of one again and again: what is known of that one stays.
func TestRunsInUseAreKept(t *testing.T) {
	var runs shardRuns
	used := runs.noted(generation{at: 1})
	for at := causal.Time(2); at < 5*runsFor; at++ {
		runs.noted(generation{at: at})
		if runs.noted(generation{at: 1}) != used {
			t.Fatalf("it was forgotten for the sake of %d others", at-1)
		}
	}
	if len(runs.of) > runsFor {
		t.Errorf("%d objects are known, want %d at most", len(runs.of), runsFor)
	}
}
