package engine

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// twin is two stores that are given the same commands: one keeps elements in rows, the other all with their object. A
// plain map says what both must hold.
type twin struct {
	t      *rapid.T
	rows   *Store
	inline *Store
	fs     *vfs.MemFS
	bound  int                          // Options.InlineBytes of rows
	oracle map[string]map[string]string // by key; a nil map is a string
}

var twinKeys = []object.Key{{Name: "{k}a"}, {Name: "{k}b"}}

func twinOptions(t *rapid.T, fs *vfs.MemFS, inline int) Options {
	o := DefaultOptions()
	o.Dir, o.FS, o.Shards, o.CacheBytes, o.InlineBytes = "/s", fs, 1, 1<<20, inline
	o.Fatal = func(err error) { t.Fatal(err) }
	return o
}

func openTwin(t *rapid.T, o Options) *Store {
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// do runs bodies as one batch at both stores.
func (w *twin) do(bodies ...func(*Tx)) {
	for _, s := range []*Store{w.rows, w.inline} {
		tasks := make([]*Task, len(bodies))
		for i, b := range bodies {
			tasks[i] = &Task{Slot: twinKeys[0].Slot(), Body: bodyFunc(b)}
		}
		done := make(chan struct{})
		if !s.Do(tasks, func() { close(done) }) {
			<-done
		}
		for _, task := range tasks {
			if task.Err != nil {
				w.t.Fatal(task.Err)
			}
		}
	}
}

// command draws a command, applies it to the oracle, and returns it.
func (w *twin) command() func(*Tx) {
	key := rapid.SampledFrom(twinKeys).Draw(w.t, "key")
	fields := make([]string, rapid.IntRange(1, 6).Draw(w.t, "fields"))
	for i := range fields {
		fields[i] = fmt.Sprint(rapid.IntRange(0, 15).Draw(w.t, "field"))
	}
	value := fmt.Sprint(rapid.IntRange(0, 99).Draw(w.t, "value"))
	held, isHash := w.oracle[key.Name]
	isHash = !isHash || held != nil
	switch op := rapid.IntRange(0, 9).Draw(w.t, "op"); {
	case op < 5 && isHash:
		if held == nil {
			held = map[string]string{}
			w.oracle[key.Name] = held
		}
		for _, f := range fields {
			held[f] = value
		}
		return func(tx *Tx) {
			e := tx.Edit(key)
			kind.Begin(e)
			for _, f := range fields {
				kind.SetField(e, []byte(f), []byte(value))
			}
		}
	case op < 8 && isHash && held != nil:
		for _, f := range fields {
			delete(held, f)
		}
		if len(held) == 0 {
			delete(w.oracle, key.Name)
		}
		return func(tx *Tx) {
			for _, f := range fields {
				if kind.HasField(tx.Object(key), []byte(f)) {
					kind.RemoveField(tx.Edit(key), []byte(f))
				}
			}
			if e := tx.Edited(key); e != nil {
				kind.End(e)
			}
		}
	case op == 8:
		w.oracle[key.Name] = nil
		return func(tx *Tx) { kind.Set(tx.Edit(key), []byte(value), false) }
	default:
		delete(w.oracle, key.Name)
		return func(tx *Tx) { kind.Clear(tx.Edit(key)) }
	}
}

func (w *twin) check() {
	for _, s := range []*Store{w.rows, w.inline} {
		for _, key := range twinKeys {
			held, there := w.oracle[key.Name]
			look := func(tx *Tx) { w.compare(tx.Object(key), held, there) }
			if err := s.View(bodyFunc(look)); err != nil {
				w.t.Fatal(err)
			}
			w.doAt(s, look)
			whole, err := s.Whole(key)
			if err != nil {
				w.t.Fatal(err)
			}
			if whole != nil && whole.Tombstone() {
				whole = nil
			}
			w.compare(whole, held, there)
		}
	}
	all := &SlotSet{}
	all.Add(twinKeys[0].Slot())
	if a, b := w.rows.Count(all, 0), w.inline.Count(all, 0); a != b || a != int64(len(w.oracle)) {
		w.t.Fatalf("%d and %d keys, want %d", a, b, len(w.oracle))
	}
}

func (w *twin) doAt(s *Store, body func(*Tx)) {
	task := &Task{Slot: twinKeys[0].Slot(), Body: bodyFunc(body)}
	done := make(chan struct{})
	if !s.Do([]*Task{task}, func() { close(done) }) {
		<-done
	}
	if task.Err != nil {
		w.t.Fatal(task.Err)
	}
}

func (w *twin) compare(o *object.Object, held map[string]string, there bool) {
	if there != (o != nil) {
		w.t.Fatalf("the key exists: %v, want %v", o != nil, there)
	}
	if o == nil || held == nil {
		return
	}
	got := map[string]string{}
	for el := range kind.Elements(o, object.Hash, 0) {
		got[string([]byte(el.Name))] = string(el.Value(o))
	}
	if !maps.Equal(got, held) || o.Count(object.Hash) != int64(len(held)) {
		w.t.Fatalf("holds %v, counts %d, want %v", got, o.Count(object.Hash), held)
	}
	for f, v := range held {
		if value, ok := kind.Field(o, []byte(f)); !ok || string(value) != v {
			w.t.Fatalf("field %s is %q, want %q", f, value, v)
		}
	}
	if _, ok := kind.Field(o, []byte("none")); ok {
		w.t.Fatal("a field that nobody has set")
	}
}

// TestRowsAreLikeCellsWithTheObject also reopens the store with rows, after which nothing of dropped generations is left.
func TestRowsAreLikeCellsWithTheObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &twin{t: t, fs: vfs.NewMem(), oracle: map[string]map[string]string{}}
		w.bound = rapid.SampledFrom([]int{-1, 0, 40}).Draw(t, "inline bytes")
		w.rows, w.inline = openTwin(t, twinOptions(t, w.fs, w.bound)), openTwin(t, twinOptions(t, vfs.NewMem(), 1<<20))
		for range rapid.IntRange(1, 15).Draw(t, "batches") {
			var batch []func(*Tx)
			for range rapid.IntRange(1, 4).Draw(t, "commands") {
				batch = append(batch, w.command())
			}
			w.do(batch...)
			w.check()
			if rapid.IntRange(0, 9).Draw(t, "reopen") == 0 {
				closeTwin(t, w.rows)
				w.rows = openTwin(t, twinOptions(t, w.fs, w.bound))
			}
		}
		w.nothingIsLeftBehind()
		closeTwin(t, w.rows)
		closeTwin(t, w.inline)
	})
}

func closeTwin(t *rapid.T, s *Store) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// nothingIsLeftBehind drops what is to be dropped, and compares the rows of cells with what objects know of them.
func (w *twin) nothingIsLeftBehind() {
	for n := 1; n > 0; {
		var err error
		if n, err = w.rows.drop(); err != nil {
			w.t.Fatal(err)
		}
	}
	var want, got int64
	for _, key := range twinKeys {
		o, err := w.rows.Get(key)
		if err != nil {
			w.t.Fatal(err)
		}
		if o != nil && o.Kept != nil {
			want += o.Kept.Rest()
			_, size := sizeOf(o)
			if o.Kept.Bytes != size {
				w.t.Fatalf("%d bytes by its own account, has %d", o.Kept.Bytes, size)
			}
		}
	}
	iter, err := w.rows.db.NewIter(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for ok := iter.SeekGE([]byte(cellsPrefix)); ok && bytes.Compare(iter.Key(), []byte(localPrefix)) < 0; ok = iter.Next() {
		got++
	}
	if err := iter.Close(); err != nil {
		w.t.Fatal(err)
	}
	if got != want {
		w.t.Fatalf("%d rows of cells are left, want %d", got, want)
	}
}

func sizeOf(o *object.Object) (n int, size int64) {
	for c := range o.From("") {
		if c.Name.InRow() {
			n++
			size += int64(c.Size())
		}
	}
	return n, size
}

// What shows of concurrent types is the same however the cells are kept, also when the newest element is removed.
func TestNewestTypeShows(t *testing.T) {
	for _, inline := range []int{-1, 1 << 20} {
		options := testOptions(t, vfs.NewMem())
		options.InlineBytes = inline
		s := open(t, options)
		other := open(t, testOptions(t, vfs.NewMem()))
		key := object.Key{Name: "k"}
		shown := func() (shown object.Kind) {
			do(t, s, key, func(tx *Tx) { shown = tx.Object(key).Kind() })
			return shown
		}
		member := func(name string) { do(t, s, key, func(tx *Tx) { kind.AddMember(tx.Edit(key), []byte(name)) }) }
		member("a")
		do(t, other, key, func(tx *Tx) {
			if err := tx.Observe(raw(t, s, key).Context); err != nil {
				t.Error(err)
			}
			kind.Set(tx.Edit(key), []byte("string"), false)
		})
		theirs := raw(t, other, key)
		do(t, s, key, func(tx *Tx) {
			if err := tx.Observe(theirs.Context); err != nil {
				t.Error(err)
			}
		})
		member("b")
		do(t, s, key, func(tx *Tx) { tx.Merge(key, theirs) })
		if got := shown(); got != object.Set {
			t.Errorf("inline %d: shows %s, want the set", inline, got)
		}
		do(t, s, key, func(tx *Tx) { kind.RemoveMember(tx.Edit(key), []byte("b")) })
		if got := shown(); got != object.String {
			t.Errorf("inline %d: shows %s, want the string", inline, got)
		}
		closeStore(t, s)
		closeStore(t, other)
	}
}

func raw(t *testing.T, s *Store, key object.Key) *object.Object {
	t.Helper()
	o, err := s.Whole(key)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// A view that has read an object finds what the key has become when its rows are gone.
func TestViewSurvivesDroppedRows(t *testing.T) {
	options := testOptions(t, vfs.NewMem())
	options.InlineBytes = -1
	s := open(t, options)
	defer closeStore(t, s)
	key := object.Key{Name: "k"}
	write := func(value string) {
		do(t, s, key, func(tx *Tx) {
			e := tx.Edit(key)
			kind.Clear(e)
			kind.SetField(e, []byte("f"), []byte(value))
		})
	}
	write("old")
	err := s.View(bodyFunc(func(tx *Tx) {
		o := tx.Object(key)
		write("new")
		if _, err := s.drop(); err != nil {
			t.Error(err)
		}
		for _, sh := range s.shards { // cached cells of dropped rows are as the view found the object
			sh.control(sh.cache.Drop)
		}
		s.cache.Clear()
		if got, _ := kind.Field(o, []byte("f")); string(got) != "new" {
			t.Errorf("the field shows %q", got)
		}
		n := 0
		for el := range kind.Elements(o, object.Hash, 0) {
			if n++; string(el.Value(o)) != "new" {
				t.Errorf("the walk shows %q", el.Value(o))
			}
		}
		if n != 1 {
			t.Errorf("%d fields", n)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// An object that is too large to be taken out in one piece is refused.
func TestWholeIsBounded(t *testing.T) {
	options := testOptions(t, vfs.NewMem())
	options.InlineBytes, options.MaxWhole = -1, 1000
	s := open(t, options)
	defer closeStore(t, s)
	key := object.Key{Name: "k"}
	for i := range 20 {
		do(t, s, key, func(tx *Tx) { kind.SetField(tx.Edit(key), fmt.Append(nil, i), make([]byte, 100)) })
	}
	if _, err := s.Whole(key); !errors.Is(err, ErrTooLarge) {
		t.Errorf("taken out whole: %v", err)
	}
	if o := raw(t, s, object.Key{Name: "none"}); o != nil {
		t.Errorf("an object that nobody has written: %+v", o)
	}
}
