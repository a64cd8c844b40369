package engine

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// Runs hold what is in the store between their ends, after each batch of whatever is done at the ends of a collection and elsewhere.
func TestRunsFollowTheStore(t *testing.T) {
	for _, of := range []object.Kind{object.List, object.ZSet, object.Stream} {
		t.Run(of.String(), func(t *testing.T) {
			used := 0
			rapid.Check(t, func(rt *rapid.T) {
				o := testOptions(t, vfs.NewMem())
				o.InlineBytes = 0
				s := open(t, o)
				defer closeStore(t, s)
				c := ends{t: rt, tb: t, store: s, key: object.Key{Name: "k"}, kind: of}
				for range rapid.IntRange(1, 40).Draw(rt, "phases") {
					change := rapid.SampledFrom([]func(){c.addFirst, c.addLast, c.removeFirst, c.removeFirst, c.removeLast, c.removeLast, c.elsewhere}).Draw(rt, "change")
					for range rapid.SampledFrom([]int{1, 3, 5, 200}).Draw(rt, "times") {
						change()
					}
					used += c.check()
				}
			})
			if used == 0 {
				t.Error("no run was ever made")
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

// check compares the runs with the rows of the store, and returns how many there are.
func (c *ends) check() (runs int) {
	sh := c.store.shard(c.key.Slot())
	total := 0
	for at, n := range sh.runs.of {
		rows := storedRows{c.store, generation{c.key.Slot(), at}, func(err error) { c.t.Fatal(err) }}
		for _, r := range n.runs {
			runs++
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
	}
	if total != sh.runs.bytes {
		c.t.Fatalf("the shard counts %d bytes, has %d", sh.runs.bytes, total)
	}
	return runs
}
