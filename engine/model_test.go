package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// The model test runs random schedules of one object on several real stores: adds, removals and clears at any of them;
// deltas that are lost, late or out of order; joins; a store that hands the object over and forgets it; a store that
// crashes and loses what it had not synced. Each store may also keep a hint of the object, write to that instead, deliver it
// and forget it (hint_model_test.go). An oracle follows which write truly knew of which.
//
// Afterwards all stores join until nothing changes. Then all objects must be equal, and an add must be alive just when
// no operation that knew it removed it, unless no store that knew it is left.

type modelStore struct {
	*Store
	fs    *vfs.MemFS
	knows map[causal.Dot]bool // what the store truly has applied
	// synced is knows as of the latest sync: what a crash goes back to.
	synced map[causal.Dot]bool
	// hinted is what it truly has applied to its hint of the key, hintedSynced the same as of the latest sync.
	hinted, hintedSynced map[causal.Dot]bool
}

type modelOp struct {
	kind   string // add, remove, clear
	cell   object.CellName
	killed []causal.Dot // the adds it knew and removed
}

type model struct {
	t      *testing.T
	rng    *rand.Rand
	now    time.Time
	stores []*modelStore
	flight []modelDelta
	ops    map[causal.Dot]*modelOp
	inline int // Options.InlineBytes
}

type modelDelta struct {
	to, from int
	delta    *object.Delta
}

func deltaOf(t *testing.T, c Change) *object.Delta {
	d, err := object.DecodeDelta(c.Delta)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var modelKey = object.Key{Name: "k"}

func (m *model) options(fs *vfs.MemFS) Options {
	o := DefaultOptions()
	o.Dir, o.FS, o.Shards, o.CacheBytes = "/s", fs, 1, 1<<20
	o.WholeCells, o.InlineBytes = -1, m.inline
	o.Logger = slog.New(slog.DiscardHandler)
	o.Random = rand.New(rand.NewPCG(m.rng.Uint64(), 1))
	o.Now = func() time.Time { return m.now }
	o.MaxSiblings, o.MaxDrift = 0, time.Hour // crashes in quick succession and jumps back put a store far ahead
	return o
}

func (m *model) open(fs *vfs.MemFS) *Store {
	s, err := Open(m.options(fs))
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// do runs a body at a store. When the clock's ceiling had to be raised for it, all that was written before is synced.
func (m *model) do(i int, f func(*Tx)) *Task { return m.doFor(i, nil, f) }

// doFor is do for a body that stands in for owners.
func (m *model) doFor(i int, standsFor []Owner, f func(*Tx)) *Task {
	ceiling := m.ceiling(i)
	defer func() {
		if m.ceiling(i) != ceiling {
			m.stores[i].noteSynced()
		}
	}()
	task := &Task{Slot: modelKey.Slot(), Body: bodyFunc(f), StandsFor: standsFor}
	done := make(chan struct{})
	if !m.stores[i].Do([]*Task{task}, func() { close(done) }) {
		<-done
	}
	if task.Err != nil {
		m.t.Fatal(task.Err)
	}
	return task
}

func (m *model) ceiling(i int) uint64 {
	n, err := getMetaNumber(m.stores[i].db, metaCeiling)
	if err != nil {
		m.t.Fatal(err)
	}
	return n
}

func (m *model) raw(i int) *object.Object {
	o, err := m.stores[i].Whole(modelKey)
	if err != nil {
		m.t.Fatal(err)
	}
	if o == nil {
		o = &object.Object{}
	}
	return o
}

// write runs one operation at a store, and puts its delta on the way to most of the others.
func (m *model) write(i int) {
	s := m.stores[i]
	op := m.draw(s.knows)
	task := m.do(i, op.run)
	encoded := task.Changes[0].Delta
	delta := deltaOf(m.t, task.Changes[0])
	m.ops[delta.Dot] = op
	s.knows[delta.Dot] = true
	for j := range m.stores {
		if j != i && m.rng.IntN(10) < 7 {
			d, err := object.DecodeDelta(bytes.Clone(encoded))
			if err != nil {
				m.t.Fatal(err)
			}
			m.flight = append(m.flight, modelDelta{to: j, from: i, delta: d})
		}
	}
}

// draw is some operation of a store that knows these writes.
func (m *model) draw(knows map[causal.Dot]bool) *modelOp {
	op := &modelOp{kind: []string{"add", "add", "add", "remove", "clear"}[m.rng.IntN(5)]}
	op.cell = object.CellName("\x02" + string('a'+rune(m.rng.IntN(3))))
	for dot := range knows {
		if o := m.ops[dot]; o.kind == "add" && (op.kind == "clear" || o.cell == op.cell) {
			op.killed = append(op.killed, dot)
		}
	}
	return op
}

func (op *modelOp) run(tx *Tx) {
	e := tx.Edit(modelKey)
	switch op.kind {
	case "add":
		e.Put(op.cell, []byte("x"))
	case "remove":
		e.Remove(op.cell)
	default:
		e.Clear()
	}
}

func (m *model) deliver() {
	if len(m.flight) == 0 {
		return
	}
	n := m.rng.IntN(len(m.flight))
	d := m.flight[n]
	m.flight = slices.Delete(m.flight, n, n+1)
	applied := false
	m.do(d.to, func(tx *Tx) { applied = tx.Apply(modelKey, d.delta, nil) })
	if applied {
		m.stores[d.to].knows[d.delta.Dot] = true
	} else if m.rng.IntN(5) > 0 {
		m.join(d.to, d.from)
	}
}

// join merges what store j holds into store i.
func (m *model) join(i, j int) {
	theirs := m.raw(j)
	if len(theirs.Context) == 0 {
		return
	}
	o, err := object.Decode(object.Append(nil, theirs))
	if err != nil {
		m.t.Fatal(err)
	}
	m.do(i, func(tx *Tx) { tx.Merge(modelKey, o) })
	for dot := range m.stores[j].knows {
		m.stores[i].knows[dot] = true
	}
}

func (m *model) sync(i int) {
	if err := m.stores[i].Sync(); err != nil {
		m.t.Fatal(err)
	}
	m.stores[i].noteSynced()
}

// noteSynced notes that all that the store has applied is on disk.
func (s *modelStore) noteSynced() {
	s.synced, s.hintedSynced = cloneSet(s.knows), cloneSet(s.hinted)
}

func (m *model) crash(i int) {
	s := m.stores[i]
	crashed := s.fs.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		m.t.Fatal(err)
	}
	s.fs, s.Store = crashed, m.open(crashed)
	s.knows, s.hinted = cloneSet(s.synced), cloneSet(s.hintedSynced)
}

// forget hands the object over to another store and drops it.
func (m *model) forget(i, j int) {
	m.join(j, i)
	m.do(i, func(tx *Tx) { tx.Forget(modelKey) })
	m.stores[i].knows = map[causal.Dot]bool{}
	m.sync(i)
}

func cloneSet(in map[causal.Dot]bool) map[causal.Dot]bool {
	out := make(map[causal.Dot]bool, len(in))
	for k := range in {
		out[k] = true
	}
	return out
}

func (m *model) check() error {
	for i := range m.stores {
		for j := range i {
			a, b := m.raw(i), m.raw(j)
			if a.Context.Equal(b.Context) && !sameCells(a, b) {
				return fmt.Errorf("stores %d and %d have equal contexts and unequal objects", i, j)
			}
		}
	}
	for i := range m.stores {
		m.deliverHint(i, i)
	}
	known := map[causal.Dot]bool{}
	for _, s := range m.stores {
		for dot := range s.knows {
			known[dot] = true
		}
	}
	for range 2 {
		for i := range m.stores {
			for j := range m.stores {
				if i != j {
					m.join(i, j)
				}
			}
		}
	}
	final := m.raw(0)
	for i := range m.stores {
		if o := m.raw(i); !o.Context.Equal(final.Context) || !sameCells(o, final) {
			return fmt.Errorf("store %d is not equal to store 0 after joining all", i)
		}
	}
	live := map[causal.Dot]bool{}
	for _, c := range final.Cells {
		for _, v := range c.Versions {
			live[v.Dot] = true
		}
	}
	removed, removedForSure := map[causal.Dot]bool{}, map[causal.Dot]bool{}
	for dot, op := range m.ops {
		for _, k := range op.killed {
			removed[k] = true
			if known[dot] {
				removedForSure[k] = true
			}
		}
	}
	for dot, op := range m.ops {
		switch {
		case op.kind != "add" || !known[dot]:
		case !removed[dot] && !live[dot]:
			return fmt.Errorf("the add %v is lost", dot)
		case removedForSure[dot] && live[dot]:
			return fmt.Errorf("the removed add %v came back", dot)
		}
	}
	return nil
}

func sameCells(a, b *object.Object) bool {
	return slices.EqualFunc(a.Cells, b.Cells, func(x, y object.Cell) bool {
		return x.Name == y.Name && slices.EqualFunc(x.Versions, y.Versions, func(v, w causal.Version) bool {
			return v.Dot == w.Dot && bytes.Equal(v.Payload, w.Payload)
		})
	})
}

func runModel(t *testing.T, seed uint64, steps, inline int) error {
	m := &model{
		t: t, inline: inline, rng: rand.New(rand.NewPCG(seed, 0)), now: time.UnixMilli(1_700_000_000_000), ops: map[causal.Dot]*modelOp{},
	}
	for range 2 + m.rng.IntN(3) {
		fs := vfs.NewCrashableMem()
		m.stores = append(m.stores, &modelStore{
			Store: m.open(fs), fs: fs, knows: map[causal.Dot]bool{}, synced: map[causal.Dot]bool{},
			hinted: map[causal.Dot]bool{}, hintedSynced: map[causal.Dot]bool{},
		})
	}
	defer func() {
		for _, s := range m.stores {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}()
	for range steps {
		// The wall clock mostly moves on, and now and then jumps back.
		m.now = m.now.Add(time.Duration(m.rng.IntN(5)) * time.Millisecond)
		if m.rng.IntN(20) == 0 {
			m.now = m.now.Add(-time.Second)
		}
		i := m.rng.IntN(len(m.stores))
		j := (i + 1 + m.rng.IntN(len(m.stores)-1)) % len(m.stores)
		switch x := m.rng.IntN(100); {
		case x < 30:
			m.write(i)
		case x < 38:
			m.writeHint(i)
		case x < 41:
			m.keepHint(i, j)
		case x < 45:
			m.deliverHint(i, j)
		case x < 78:
			m.deliver()
		case x < 84:
			m.join(i, j)
		case x < 91:
			m.sync(i)
		case x < 95:
			m.forget(i, j)
		default:
			m.crash(i)
		}
	}
	return m.check()
}

func TestModel(t *testing.T) {
	schedules := uint64(200)
	if testing.Short() {
		schedules = 40
	}
	// With every cell in a row, with rows from the third cell on, and with all cells in one.
	for _, inline := range []int{-1, 0, 1 << 20} {
		for seed := range schedules {
			if err := runModel(t, seed, 50, inline); err != nil {
				t.Fatalf("schedule %d, inline %d: %v", seed, inline, err)
			}
		}
	}
}
