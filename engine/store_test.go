package engine

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

const cell object.CellName = "\x01"

// bodyFunc is a task's body as a function.
type bodyFunc func(*Tx)

func (f bodyFunc) Run(tx *Tx) { f(tx) }

// stores is a seed for each store: two that draw the same numbers are the same writer, whose dots may be equal.
var stores atomic.Uint64

// testOptions is a store on a file system that can crash.
func testOptions(t *testing.T, fs vfs.FS) Options {
	o := DefaultOptions()
	o.Dir, o.FS = "/store", fs
	o.Random = rand.New(rand.NewPCG(1, stores.Add(1)))
	o.WholeCells = -1
	o.Logger = slog.New(slog.DiscardHandler)
	o.CacheBytes = 4 << 20
	o.Fatal = func(err error) { t.Errorf("fatal: %v", err) }
	return o
}

func open(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// do runs one body in the key's applier and returns the task.
func do(t testing.TB, s *Store, key object.Key, f func(*Tx)) *Task {
	t.Helper()
	task := &Task{Slot: key.Slot(), Body: bodyFunc(f)}
	doAll(t, s, []*Task{task})
	return task
}

func put(t *testing.T, s *Store, name, value string) *Task {
	t.Helper()
	key := object.Key{Name: name}
	return do(t, s, key, func(tx *Tx) { tx.Edit(key).Put(cell, []byte(value)) })
}

func value(t *testing.T, s *Store, name string) string {
	t.Helper()
	o, err := s.Get(object.Key{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if o == nil || o.Cell(cell) == nil {
		return ""
	}
	return string(o.Cell(cell).Newest().Payload)
}

func TestWritesAreThereAfterACleanRestart(t *testing.T) {
	o := testOptions(t, vfs.NewMem())
	s := open(t, o)
	for i := range 500 {
		put(t, s, fmt.Sprint(i), fmt.Sprint("v", i))
	}
	before := put(t, s, "k", "1").Changes[0].Object()
	node, epoch := s.Node(), s.Epoch()
	closeStore(t, s)

	s = open(t, o)
	defer closeStore(t, s)
	if s.Node() != node || s.Epoch() != epoch+1 {
		t.Fatalf("store %x epoch %d came back as %x epoch %d", node, epoch, s.Node(), s.Epoch())
	}
	for i := range 500 {
		if got := value(t, s, fmt.Sprint(i)); got != fmt.Sprint("v", i) {
			t.Fatalf("key %d is %q", i, got)
		}
	}
	// The disk may be a copy that was made at that clean stop, put back after the store has written on.
	after := put(t, s, "k", "2").Changes[0].Object()
	if after.Birth == before.Birth || !after.Context.CoversAll(before.Context) {
		t.Fatalf("a restart kept the birth: %v, then %v", before.Context, after.Context)
	}
}

func TestAfterACrashBirthsAreNew(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := testOptions(t, fs)
	s := open(t, o)
	first := put(t, s, "k", "1").Changes[0].Object()
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	lost := put(t, s, "k", "2").Changes[0].Object()
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)

	o.FS = crashed
	s = open(t, o)
	defer closeStore(t, s)
	if got := value(t, s, "k"); got != "1" {
		t.Fatalf("after the crash k is %q, want the synced value 1", got)
	}
	next := put(t, s, "k", "3").Changes[0]
	dot := deltaOf(t, next).Dot
	if dot.Birth == first.Birth {
		t.Fatal("the store writes on under a birth whose last writes it lost")
	}
	if dot.Time <= lost.Context.Newest() {
		t.Fatal("a time was issued twice")
	}
	// The lost write is alive on another replica: joining must keep both.
	both := do(t, s, object.Key{Name: "k"}, func(tx *Tx) { tx.Merge(object.Key{Name: "k"}, lost) }).Changes[0].Object()
	if n := len(both.Cell(cell).Versions); n != 2 {
		t.Fatalf("%d versions after the lost write came back, want 2 siblings", n)
	}
	if both.Birth != dot.Birth {
		t.Fatal("merging forgot the birth")
	}
	// A row that is merely rewritten in the new epoch must not revive the old birth.
	if again := deltaOf(t, put(t, s, "k", "4").Changes[0]).Dot; again.Birth != dot.Birth {
		t.Fatalf("birth %d, then %d", dot.Birth, again.Birth)
	}
}

func TestMergedRowAfterACrashHasNoBirth(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := testOptions(t, fs)
	s := open(t, o)
	own := put(t, s, "k", "own").Changes[0].Object()
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	o.FS = fs.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	s = open(t, o)
	defer closeStore(t, s)
	other := object.NewEdit(nil, causal.Dot{Actor: causal.Actor{Node: 9, Birth: 5}, Time: 5})
	other.Put(cell, []byte("other"))
	theirs, _ := other.Finish()
	merged := do(t, s, object.Key{Name: "k"}, func(tx *Tx) { tx.Merge(object.Key{Name: "k"}, theirs) }).Changes[0].Object()
	if merged.Birth != 0 {
		t.Fatal("a merge carried a void birth into the new epoch")
	}
	if b := put(t, s, "k", "x").Changes[0].Object().Birth; b == own.Birth || b == 0 {
		t.Fatalf("birth %d after the crash, %d before", b, own.Birth)
	}
}

func TestSecondOpenerIsRefused(t *testing.T) {
	o := DefaultOptions()
	o.Dir, o.Logger = t.TempDir(), slog.New(slog.DiscardHandler)
	s := open(t, o)
	defer closeStore(t, s)
	if other, err := Open(o); err == nil {
		other.Close()
		t.Fatal("two stores opened one directory")
	}
}

// TestSummariesSurviveCrashes writes and deletes at random, crashes, and compares trees and counts with ones built from
// the data.
func TestSummariesSurviveCrashes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	fs := vfs.NewCrashableMem()
	for round := range 6 {
		o := testOptions(t, fs)
		o.Shards = 1 + round%3
		s := open(t, o)
		for _, sh := range s.shards {
			sh.summaries.turnWorth = 100
		}
		verifySummaries(t, s)
		for i := range 3000 {
			key := object.Key{DB: uint8(rng.IntN(2)), Name: fmt.Sprint(rng.IntN(700))}
			do(t, s, key, func(tx *Tx) {
				switch {
				case rng.IntN(4) > 0:
					tx.Edit(key).Put(cell, []byte("x"))
				case tx.Object(key) != nil:
					tx.Edit(key).Clear()
				default:
					tx.Forget(key)
				}
			})
			if i%500 == 0 {
				if err := s.Sync(); err != nil {
					t.Fatal(err)
				}
			}
		}
		verifySummaries(t, s)
		if round%2 == 0 {
			fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		}
		closeStore(t, s)
	}
}

func verifySummaries(t *testing.T, s *Store) {
	t.Helper()
	var all SlotSet
	for i := range all {
		all[i] = ^uint64(0)
	}
	trees := map[object.Slot]merkle.Tree{}
	live := map[uint8]int64{}
	var tombstones int64
	err := s.Scan(&all, Place{}, func(p Place, key object.Key, o *object.Object) bool {
		tree := trees[p.Slot]
		tree.Replace(p.At.Bucket(), 0, merkle.Leaf(key, o.Context.Digest()))
		trees[p.Slot] = tree
		if o.Tombstone() {
			tombstones++
		} else {
			live[key.DB]++
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Tombstones(&all); got != tombstones {
		t.Fatalf("%d tombstones are counted, there are %d", got, tombstones)
	}
	for slot := range object.Slot(object.Slots) {
		if got := s.Tree(slot); got != trees[slot] {
			t.Fatalf("slot %d: the tree is not that of the data", slot)
		}
	}
	for db := range uint8(2) {
		if got := s.Count(&all, db); got != live[db] {
			t.Fatalf("database %d counts %d keys, holds %d", db, got, live[db])
		}
	}
}

func TestConcurrentSubmittersSeeTheirOwnWrites(t *testing.T) {
	o := DefaultOptions()
	o.Logger = slog.New(slog.DiscardHandler)
	o.CacheBytes = 1 << 20
	s := open(t, o)
	defer closeStore(t, s)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 0))
			last := map[string]string{}
			for i := range 3000 {
				name := fmt.Sprintf("%d-%d", worker, rng.IntN(400))
				if rng.IntN(2) == 0 {
					v := fmt.Sprint(i)
					put(t, s, name, v)
					last[name] = v
				} else if got := value(t, s, name); got != last[name] {
					t.Errorf("%s is %q after %q was acknowledged", name, got, last[name])
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestPanickingBodyChangesNothing(t *testing.T) {
	o := DefaultOptions()
	o.Logger = slog.New(slog.DiscardHandler)
	s := open(t, o)
	defer closeStore(t, s)
	key := object.Key{Name: "k"}
	task := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) {
		tx.Edit(key).Put(cell, []byte("x"))
		panic("broken")
	})}
	s.Do([]*Task{task}, nil)
	if task.Err == nil || value(t, s, "k") != "" {
		t.Fatalf("err %v, value %q", task.Err, value(t, s, "k"))
	}
	put(t, s, "k", "fine")
	if got := value(t, s, "k"); got != "fine" {
		t.Fatalf("the applier did not go on: %q", got)
	}
}

func TestClockFarAheadIsRefused(t *testing.T) {
	o := DefaultOptions()
	o.Logger = slog.New(slog.DiscardHandler)
	s := open(t, o)
	defer closeStore(t, s)
	key := object.Key{Name: "k"}
	future := causal.TimeAt(time.Now().Add(time.Hour).UnixMilli())
	e := object.NewEdit(nil, causal.Dot{Actor: causal.Actor{Node: 9, Birth: future}, Time: future})
	e.Put(cell, []byte("x"))
	o2, _ := e.Finish()
	task := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) { tx.Merge(key, o2) })}
	s.Do([]*Task{task}, nil)
	if task.Err == nil {
		t.Fatal("a write from an hour ahead was merged")
	}
}

func TestClearLeavesNothing(t *testing.T) {
	o := testOptions(t, vfs.NewMem())
	o.Shards = 3
	s := open(t, o)
	for i := range 300 {
		put(t, s, fmt.Sprint(i), "x")
	}
	if err := s.Clear(); err != nil {
		t.Fatal(err)
	}
	put(t, s, "after", "y")
	check := func() {
		verifySummaries(t, s)
		var all SlotSet
		for i := range all {
			all[i] = ^uint64(0)
		}
		if n := s.Count(&all, 0); n != 1 || value(t, s, "7") != "" || value(t, s, "after") != "y" {
			t.Fatalf("%d keys, 7 is %q, after is %q", n, value(t, s, "7"), value(t, s, "after"))
		}
	}
	check()
	closeStore(t, s)
	s = open(t, o)
	defer closeStore(t, s)
	check()
}

// TestTurnsOfSummaries stages many changes of a single slot. A range deletion makes every read of the memtable slower
// that it is in, so the journal is not cut before it is worth it, but then it is.
func TestTurnsOfSummaries(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	sums := summaries{end: object.Slots, turnWorth: turnWorth}
	const batch = 4 * writeBackShare
	deletions, staged := 0, 0
	for seq := uint64(1); staged < 4*turnWorth; seq++ {
		b := s.db.NewBatch()
		changes := make([]change, batch)
		if err := sums.stage(b, seq, changes); err != nil {
			t.Fatal(err)
		}
		sums.publish(seq, changes)
		staged += batch
		for r := b.Reader(); ; {
			kind, _, _, ok, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if kind == pebble.InternalKeyKindRangeDelete {
				deletions++
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if want := staged / turnWorth; deletions < want-1 || deletions > want {
		t.Errorf("%d range deletions in %d changes", deletions, staged)
	}
}
