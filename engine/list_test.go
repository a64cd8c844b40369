package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// listModel is a list as a slice.
type listModel struct {
	t      *rapid.T
	values []string
	made   int
}

func (m *listModel) value() string {
	m.made++
	return fmt.Sprint(m.made)
}

func (m *listModel) side() kind.Side { return kind.Side(rapid.Bool().Draw(m.t, "right")) }

// change changes an object within an edit, and the slice.
func (m *listModel) change(e *object.Edit) {
	op := rapid.IntRange(0, 9).Draw(m.t, "op")
	if len(m.values) == 0 {
		op = 0
	}
	at := rapid.IntRange(0, max(0, len(m.values)-1)).Draw(m.t, "at")
	switch op {
	case 0, 1, 2, 3:
		m.push(e, rapid.SampledFrom([]int{1, 3, 200}).Draw(m.t, "push"))
	case 4, 5:
		m.pop(e, rapid.SampledFrom([]int{1, 2, 100, 1000}).Draw(m.t, "pop"))
	case 6:
		n := rapid.SampledFrom([]int{0, 1, 2, 150}).Draw(m.t, "stay")
		kind.Trim(e, int64(at), int64(n))
		m.values = slices.Clone(m.values[at:min(at+n, len(m.values))])
	case 7:
		side, v := m.side(), m.value()
		gap, err := kind.GapBeside(e.Object(), m.spot(e.Object(), at), side)
		if err != nil {
			m.t.Fatal(err)
		}
		kind.Insert(e, gap, []byte(v))
		if side == kind.Right {
			at++
		}
		m.values = slices.Insert(m.values, at, v)
	case 8:
		spot, v := m.spot(e.Object(), at), m.value()
		kind.SetItem(e, spot, []byte(v))
		m.values[at] = v
	case 9:
		kind.RemoveItem(e, m.spot(e.Object(), at))
		m.values = slices.Delete(m.values, at, at+1)
	}
}

func (m *listModel) push(e *object.Edit, n int) {
	side := m.side()
	var added []string
	for range n {
		v := m.value()
		added = append(added, v)
		kind.Push(e, side, []byte(v))
	}
	if side == kind.Left {
		slices.Reverse(added)
		m.values = append(added, m.values...)
	} else {
		m.values = append(m.values, added...)
	}
}

func (m *listModel) pop(e *object.Edit, n int) {
	side, k := m.side(), min(n, len(m.values))
	want := slices.Clone(m.values[:k])
	if m.values = m.values[k:]; side == kind.Right {
		all := append(slices.Clone(want), m.values...)
		want, m.values = all[len(all)-k:], all[:len(all)-k]
		want = slices.Clone(want)
		slices.Reverse(want)
	}
	for i, v := range kind.Pop(e, side, int64(n)) {
		if i >= k || string(v) != want[i] {
			m.t.Fatalf("popped %s as number %d, want %v", v, i, want)
		}
	}
}

func (m *listModel) spot(o *object.Object, index int) kind.Spot {
	it, ok := kind.ItemAt(o, int64(index-len(m.values)*rapid.IntRange(0, 1).Draw(m.t, "from the end")))
	if !ok || string(it.Value()) != m.values[index] {
		m.t.Fatalf("%v, %t is at %d, want %s", it, ok, index, m.values[index])
	}
	return it.Spot
}

func (m *listModel) check(o *object.Object) {
	if o == nil || len(m.values) == 0 {
		if o != nil || len(m.values) > 0 {
			m.t.Fatalf("the key is %v, want %d elements", o, len(m.values))
		}
		return
	}
	if o.Deadline() != deadlineOfList {
		m.t.Fatalf("the deadline is %d", o.Deadline())
	}
	from := rapid.IntRange(0, len(m.values)).Draw(m.t, "from")
	i := from
	for it := range kind.ItemsFrom(o, int64(from)) {
		if i >= len(m.values) || string(it.Value()) != m.values[i] {
			m.t.Fatalf("%s is at %d of %d", it.Value(), i, len(m.values))
		}
		i++
	}
	if i != len(m.values) {
		m.t.Fatalf("%d elements from %d on, want %d", i-from, from, len(m.values)-from)
	}
	m.spot(o, rapid.IntRange(0, len(m.values)-1).Draw(m.t, "index"))
	if _, ok := kind.ItemAt(o, int64(len(m.values))); ok {
		m.t.Fatal("an element behind the last")
	}
	if _, ok := kind.ItemAt(o, -int64(len(m.values))-1); ok {
		m.t.Fatal("an element before the first")
	}
}

const deadlineOfList = int64(1) << 50

// TestListsInRows compares a list with a slice, with its elements in rows and not, and several changes in an edit.
func TestListsInRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		inline := rapid.SampledFrom([]int{0, 0, 300, 1 << 20}).Draw(t, "inline")
		s := openTwin(t, twinOptions(t, fs, inline))
		defer func() { closeTwin(t, s) }()
		w, m, key := &twin{t: t}, &listModel{t: t}, twinKeys[0]
		for range rapid.IntRange(1, 15).Draw(t, "edits") {
			w.doAt(s, func(tx *Tx) {
				e := tx.Edit(key)
				if kind.Begin(e); tx.Object(key) == nil {
					e.SetDeadline(deadlineOfList)
				}
				for range rapid.SampledFrom([]int{1, 1, 1, 2, 5}).Draw(t, "changes") {
					m.change(e)
				}
				kind.End(e)
				m.check(tx.Object(key))
			})
			if err := s.View(bodyFunc(func(tx *Tx) { m.check(tx.Object(key)) })); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestQueueLeavesNothing runs a list as a queue. Afterwards the store has as many rows as the list has elements, and a header
// as small as in the beginning.
func TestQueueLeavesNothing(t *testing.T) {
	const depth, batch = 100, 500
	steps := 200_000
	if testing.Short() {
		steps = 20_000
	}
	s := openOrdered(t)
	key := twinKeys[0]
	value := bytes.Repeat([]byte("x"), 50)
	do := func(bodies ...func(*Tx)) {
		t.Helper()
		tasks := make([]*Task, len(bodies))
		for i, b := range bodies {
			tasks[i] = &Task{Slot: key.Slot(), Body: bodyFunc(b)}
		}
		done := make(chan struct{})
		if !s.Do(tasks, func() { close(done) }) {
			<-done
		}
	}
	push := func(tx *Tx) { kind.Push(tx.Edit(key), kind.Right, value) }
	pop := func(tx *Tx) {
		e := tx.Edit(key)
		if len(kind.Pop(e, kind.Left, 1)) != 1 {
			t.Error("nothing to pop")
		}
		kind.End(e)
	}
	do(slices.Repeat([]func(*Tx){push}, depth)...)
	first := headerSize(t, s, key)
	for range steps / batch {
		var tasks []func(*Tx)
		for range batch / 2 {
			tasks = append(tasks, push, pop)
		}
		rand.Shuffle(depth/2, func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
		do(tasks...)
	}
	o, err := s.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	elements, derived := 0, 0
	iter, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for ok := iter.SeekGE([]byte(cellsPrefix)); ok && bytes.Compare(iter.Key(), []byte(localPrefix)) < 0; ok = iter.Next() {
		if object.CellName(iter.Key()[cellPrefix:]).Local() {
			derived++
		} else {
			elements++
		}
	}
	if err := iter.Close(); err != nil {
		t.Fatal(err)
	}
	if n := o.Count(object.List); n != depth || elements != depth || derived > depth/4 {
		t.Errorf("%d elements have %d rows and %d derived ones", n, elements, derived)
	}
	if now := headerSize(t, s, key); now > first+8 {
		t.Errorf("the header has grown from %d to %d bytes", first, now)
	}
}

func headerSize(t *testing.T, s *Store, key object.Key) int {
	t.Helper()
	row, closer, err := s.db.Get(appendRowKey(nil, key))
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	return len(row)
}
