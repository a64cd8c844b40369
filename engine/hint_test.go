package engine

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// written is an object that some other store wrote.
func written(node causal.Node, at causal.Time, value string) *object.Object {
	actor := causal.Actor{Node: node, Birth: at}
	e := object.NewEdit(nil, causal.Dot{Actor: actor, Time: at})
	e.Put(cell, []byte(value))
	return e.Result()
}

func keep(t testing.TB, s *Store, key object.Key, o *object.Object, owners ...Owner) (kept bool) {
	t.Helper()
	runOn(t, s, &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) { kept = tx.KeepHint(key, owners, o) })})
	return kept
}

func strike(t testing.TB, s *Store, key object.Key, owner Owner, digest causal.Digest) (struck bool) {
	t.Helper()
	runOn(t, s, &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) { struck = tx.StrikeHint(key, owner, digest) })})
	return struck
}

func runOn(t testing.TB, s *Store, task *Task) {
	t.Helper()
	done := make(chan struct{})
	if !s.Do([]*Task{task}, func() { close(done) }) {
		<-done
	}
	if task.Err != nil {
		t.Fatal(task.Err)
	}
}

func hintOf(t testing.TB, s *Store, key object.Key) *object.Object {
	t.Helper()
	o, err := s.Hint(key)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// scanned is what a scan shows, a few rows at a time.
func scanned(t testing.TB, s *Store, owner Owner) map[object.Key]causal.Digest {
	t.Helper()
	out := map[object.Key]causal.Digest{}
	var place HintPlace
	for {
		n := 0
		next, err := s.ScanHints(owner, place, func(h *HintRow) bool {
			if _, twice := out[h.Key]; twice {
				t.Fatalf("%s is scanned twice", h.Key.Name)
			}
			out[h.Key] = h.Digest
			n++
			return n < 3
		})
		if err != nil {
			t.Fatal(err)
		}
		if place = next; next == nil {
			return out
		}
	}
}

func TestHintsAreNoPartOfTheStoresOwnData(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	key := object.Key{Name: "k"}
	if !keep(t, s, key, written(7, 100, "v"), "a", "b") {
		t.Fatal("not kept")
	}
	var all SlotSet
	all.Add(key.Slot())
	if o, err := s.Get(key); o != nil || err != nil {
		t.Fatalf("the store holds %v, %v", o, err)
	}
	if s.Count(&all, 0) != 0 || s.Tree(key.Slot()) != [16]uint64{} || s.HintsOf(key.Slot()) != 1 || s.Changed(key.Slot()) == 0 {
		t.Fatal("the slot's count, tree, hints or last change are wrong")
	}
	if v, err := s.Verify(key.Slot()); err != nil || v.Buckets+v.Counts != 0 {
		t.Fatalf("verification found %+v, %v", v, err)
	}
	if err := s.Clear(); err != nil {
		t.Fatal(err)
	}
	if hintOf(t, s, key) != nil || s.HintStats().Keys != 0 {
		t.Fatal("a cleared store keeps hints")
	}
}

// TestAHintIsStruckOffOwnerByOwner also tries what must not strike.
func TestAHintIsStruckOffOwnerByOwner(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	key := object.Key{Name: "k"}
	keep(t, s, key, written(7, 100, "v"), "a", "b")
	sent := hintOf(t, s, key).Context.Digest()
	if strike(t, s, key, "c", sent) || strike(t, s, key, "a", sent+1) {
		t.Fatal("struck for a stranger, or for another object")
	}
	keep(t, s, key, written(8, 200, "w"), "a")
	if strike(t, s, key, "a", sent) {
		t.Fatal("a newer write that came while the hint was on its way is dropped")
	}
	sent = hintOf(t, s, key).Context.Digest()
	if !strike(t, s, key, "a", sent) || strike(t, s, key, "a", sent) || hintOf(t, s, key) == nil {
		t.Fatal("the first owner's confirmation went wrong")
	}
	if !strike(t, s, key, "b", sent) || hintOf(t, s, key) != nil {
		t.Fatal("the hint outlives its last owner")
	}
}

func TestAStandInsWritesHaveABirthForAsLongAsTheHint(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	key := object.Key{Name: "k"}
	edit := func(value string) (causal.Dot, *Task) {
		var dot causal.Dot
		task := &Task{Slot: key.Slot(), StandsFor: []Owner{"a"}, Body: bodyFunc(func(tx *Tx) {
			tx.Edit(key).Put(cell, []byte(value))
			dot = tx.Edited(key).Dot()
		})}
		runOn(t, s, task)
		return dot, task
	}
	own := put(t, s, "k", "mine").Changes[0].Object()
	first, _ := edit("1")
	second, task := edit("2")
	if first.Birth != second.Birth || first.Birth == own.Birth {
		t.Fatalf("births %v and %v, the store's own is %v", first.Birth, second.Birth, own.Birth)
	}
	o := task.Changes[0].Object()
	if string(o.Cell(cell).Newest().Payload) != "2" || o.Context.Covers(own.Cell(cell).Newest().Dot) {
		t.Fatalf("the change is %v", o)
	}
	if !strike(t, s, key, "a", o.Context.Digest()) {
		t.Fatal("not struck")
	}
	if third, _ := edit("3"); third.Birth == first.Birth {
		t.Fatal("a birth is used again after the hint was delivered and dropped")
	}
	if value(t, s, "k") != "mine" {
		t.Fatal("the store's own object has changed")
	}
}

func TestReadingAsAStandInKeepsNothing(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	key := object.Key{Name: "k"}
	var seen string
	runOn(t, s, &Task{Slot: key.Slot(), StandsFor: []Owner{"a"}, Body: bodyFunc(func(tx *Tx) {
		tx.Merge(key, written(7, 100, "v"))
		seen = string(tx.Object(key).Cell(cell).Newest().Payload)
	})})
	if seen != "v" || hintOf(t, s, key) != nil {
		t.Fatalf("read %q, and keeps %v", seen, hintOf(t, s, key))
	}
	runOn(t, s, &Task{Slot: key.Slot(), StandsFor: []Owner{"a"}, Body: bodyFunc(func(tx *Tx) {
		tx.Merge(key, written(7, 100, "v"))
		tx.Edit(key).Put("\x02more", nil)
	})})
	if o := hintOf(t, s, key); o == nil || o.Cell(cell) == nil {
		t.Fatal("a write does not hold what it has read")
	}
}

func TestHintsBeyondTheBoundAreNotKept(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	s.SetHintBound(2000)
	kept := 0
	for i := range 50 {
		if keep(t, s, object.Key{Name: fmt.Sprint(i)}, written(7, causal.Time(100+i), "some value"), "a") {
			kept++
		}
	}
	stats := s.HintStats()
	if kept == 0 || kept == 50 || stats.Bytes > 2000 || stats.Keys != int64(kept) {
		t.Fatalf("%d of 50 kept, %+v", kept, stats)
	}
	// What this store writes itself in place of owners nobody else may have.
	key := object.Key{Name: "own"}
	runOn(t, s, &Task{Slot: key.Slot(), StandsFor: []Owner{"a"}, Body: bodyFunc(func(tx *Tx) { tx.Edit(key).Put(cell, make([]byte, 3000)) })})
	if hintOf(t, s, key) == nil {
		t.Fatal("its own write was dropped")
	}
}

func TestCorruptHintsAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &Hint{Debts: owe(nil, []Owner{"a", "bb"}, 5), Object: written(7, 100, "v")}
		row := appendHint(nil, 1, h)
		if back, err := decodeHint(row, 1); err != nil || !slices.Equal(back.Debts, h.Debts) || !sameCells(back.Object, h.Object) {
			t.Fatalf("%v came back as %v, %v", h, back, err)
		}
		cut := rapid.IntRange(0, len(row)-1).Draw(t, "cut")
		if _, err := decodeHint(row[:cut], 1); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	})
}

// TestHintsFollowTheModel keeps, strikes, passes on and loses hints at random, and compares with what is to be expected.
func TestHintsFollowTheModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &hintWorld{t: t, r: rt, fs: vfs.NewCrashableMem(), want: map[object.Key]*hintWant{}}
		w.s = open(t, w.options())
		defer func() { closeStore(t, w.s) }()
		rt.Repeat(map[string]func(*rapid.T){
			"keep": w.keep, "strike": w.strike, "pass": w.pass, "restart": w.restart, "": w.check,
		})
	})
}

type hintWant struct {
	object *object.Object
	owners map[Owner]int64 // since
}

type hintWorld struct {
	t    *testing.T
	r    *rapid.T
	fs   *vfs.MemFS
	s    *Store
	now  int64
	want map[object.Key]*hintWant
}

func (w *hintWorld) options() Options {
	o := testOptions(w.t, w.fs)
	o.Sync, o.Shards, o.MaxDrift = SyncAlways, 2, time.Hour
	o.Random = rand.New(rand.NewPCG(uint64(w.now), 2))
	o.Now = func() time.Time { return time.UnixMilli(1_700_000_000_000 + w.now) }
	return o
}

func (w *hintWorld) draw(t *rapid.T) (object.Key, Owner) {
	w.now += rapid.Int64Range(0, 3000).Draw(t, "passes")
	return object.Key{Name: rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "key")},
		rapid.SampledFrom([]Owner{"x", "y", "z"}).Draw(t, "owner")
}

func (w *hintWorld) keep(t *rapid.T) {
	key, owner := w.draw(t)
	o := written(causal.Node(rapid.Uint64Range(1, 3).Draw(t, "node")), causal.Time(1+rapid.Uint64Range(0, 50).Draw(t, "time")), "v")
	if !keep(w.t, w.s, key, o, owner) {
		t.Fatal("not kept")
	}
	h := w.want[key]
	if h == nil {
		h = &hintWant{owners: map[Owner]int64{}}
		w.want[key] = h
	}
	h.object = object.Join(h.object, o)
	if _, ok := h.owners[owner]; !ok {
		h.owners[owner] = w.s.options.Now().UnixMilli()
	}
}

func (w *hintWorld) strike(t *rapid.T) {
	key, owner := w.draw(t)
	digest := causal.Digest(1)
	h := w.want[key]
	if h != nil && rapid.Bool().Draw(t, "same") {
		digest = h.object.Context.Digest()
	}
	owed := h != nil && digest != 1
	if owed {
		_, owed = h.owners[owner]
	}
	if strike(w.t, w.s, key, owner, digest) != owed {
		t.Fatalf("struck %s off %s: %v", owner, key.Name, !owed)
	}
	if owed {
		w.drop(key, owner)
	}
}

func (w *hintWorld) drop(key object.Key, owner Owner) {
	if delete(w.want[key].owners, owner); len(w.want[key].owners) == 0 {
		delete(w.want, key)
	}
}

func (w *hintWorld) pass(t *rapid.T) {
	key, owner := w.draw(t)
	to := rapid.SliceOfNDistinct(rapid.SampledFrom([]Owner{"x", "y", "z"}), 0, 2, rapid.ID).Draw(t, "to")
	to = slices.DeleteFunc(to, func(o Owner) bool { return o == owner })
	runOn(w.t, w.s, &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) { tx.PassHint(key, owner, to) })})
	h := w.want[key]
	if h == nil {
		return
	}
	since, ok := h.owners[owner]
	if !ok {
		return
	}
	for _, o := range to {
		if _, ok := h.owners[o]; !ok {
			h.owners[o] = since
		}
	}
	w.drop(key, owner)
}

func (w *hintWorld) restart(t *rapid.T) {
	if rapid.Bool().Draw(t, "crash") {
		left := w.fs.CrashClone(vfs.CrashCloneCfg{})
		closeStore(w.t, w.s)
		w.fs = left
	} else {
		closeStore(w.t, w.s)
	}
	w.s = open(w.t, w.options())
}

func (w *hintWorld) check(t *rapid.T) {
	var stats HintStats
	bySlot := map[object.Slot]int{}
	owned := map[Owner]map[object.Key]causal.Digest{"x": {}, "y": {}, "z": {}}
	oldest := map[Owner]int64{}
	for key, want := range w.want {
		o := hintOf(w.t, w.s, key)
		if o == nil || !o.Context.Equal(want.object.Context) || !sameCells(o, want.object) {
			t.Fatalf("the hint of %s is %v, want %v", key.Name, o, want.object)
		}
		bySlot[key.Slot()]++
		for owner, since := range want.owners {
			owned[owner][key] = o.Context.Digest()
			if at, ok := oldest[owner]; !ok || since < at {
				oldest[owner] = since
			}
		}
		stats.Keys++
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if slot := object.SlotOf([]byte(name)); w.s.HintsOf(slot) != bySlot[slot] {
			t.Fatalf("slot of %s has %d hints, want %d", name, w.s.HintsOf(slot), bySlot[slot])
		}
	}
	got := w.s.HintStats()
	if got.Keys != stats.Keys || (got.Bytes > 0) != (stats.Keys > 0) || len(got.Owners) != len(oldest) {
		t.Fatalf("%+v, want %d keys, %d owners", got, stats.Keys, len(oldest))
	}
	for _, o := range got.Owners {
		if o.Keys != int64(len(owned[o.Owner])) || o.Oldest.Unix() != oldest[o.Owner]/1000 || o.Bytes <= 0 {
			t.Fatalf("%+v, want %d keys since %d", o, len(owned[o.Owner]), oldest[o.Owner])
		}
	}
	for owner, want := range owned {
		if got := scanned(w.t, w.s, owner); !maps.Equal(got, want) {
			t.Fatalf("a scan for %s shows %v, want %v", owner, got, want)
		}
	}
}
