package engine

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// due returns the names of all keys whose deadlines have passed, taken a few at a time.
func due(t *testing.T, s *Store, now int64) (names []string) {
	t.Helper()
	var place DuePlace
	for {
		keys, next, err := s.Due(now, place, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			names = append(names, key.Name)
		}
		if place = next; place == nil {
			return names
		}
	}
}

func TestDueFollowsDeadlines(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, testOptions(t, fs))
	expire := func(name string, at int64) {
		key := object.Key{Name: name}
		do(t, s, key, func(tx *Tx) {
			e := tx.Edit(key)
			e.Put(cell, []byte("v"))
			e.SetDeadline(at)
		})
	}
	const far = int64(1) << 60
	want := []string{}
	for i := range 10 {
		name := fmt.Sprint("k", i)
		expire(name, far+int64(10-i))
		want = append(want, name)
	}
	slices.Reverse(want) // by deadline
	if got := due(t, s, far); got != nil {
		t.Errorf("before their time: %s", got)
	}
	if got := due(t, s, far+10); !slices.Equal(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	if got := due(t, s, far+4); !slices.Equal(got, want[:4]) {
		t.Errorf("%s, want %s", got, want[:4])
	}

	expire("k9", far+100)           // later
	expire("k8", object.NoDeadline) // never
	key := object.Key{Name: "k7"}   // gone
	do(t, s, key, func(tx *Tx) { tx.Edit(key).Clear() })
	key = object.Key{Name: "k6"} // without a trace
	do(t, s, key, func(tx *Tx) { tx.Forget(key) })
	closeStore(t, s)
	s = open(t, testOptions(t, fs))
	defer closeStore(t, s)
	want = append(want[4:], "k9")
	if got := due(t, s, far+100); !slices.Equal(got, want) {
		t.Errorf("after changes and a restart %s, want %s", got, want)
	}
	if err := s.Clear(); err != nil {
		t.Fatal(err)
	}
	if got := due(t, s, far+100); got != nil {
		t.Errorf("after Clear: %s", got)
	}
}

// Keys are found by the first deadlines of their fields, however their cells are kept.
func TestDueFollowsFieldDeadlines(t *testing.T) {
	for _, inline := range []int{2048, 0} {
		o := testOptions(t, vfs.NewMem())
		o.InlineBytes = inline
		s := open(t, o)
		const far = int64(1) << 45
		key := object.Key{Name: "h"}
		edit := func(change func(e *object.Edit)) { do(t, s, key, func(tx *Tx) { change(tx.Edit(key)) }) }
		expect := func(now int64, want ...string) {
			t.Helper()
			if got := due(t, s, now); !slices.Equal(got, want) {
				t.Errorf("inline %d: at %d %s, want %s", inline, now-far, got, want)
			}
		}
		field := func(i int) []byte { return fmt.Append(nil, "field ", i) }
		edit(func(e *object.Edit) {
			for i := range 10 {
				kind.SetField(e, field(i), []byte("v"))
			}
			for i := range 5 {
				kind.SetFieldDeadline(e, field(i), far+int64(10*i))
			}
		})
		expect(far - 1)
		expect(far, "h")
		edit(func(e *object.Edit) { kind.SetFieldDeadline(e, field(0), far+50) }) // later
		expect(far + 9)
		expect(far+10, "h")
		edit(func(e *object.Edit) { kind.SetField(e, field(1), []byte("v")) }) // never
		edit(func(e *object.Edit) { kind.RemoveField(e, field(2)) })
		expect(far + 29)
		edit(func(e *object.Edit) { e.SetDeadline(far + 30) }) // of the key, where the field has the same
		edit(func(e *object.Edit) { e.SetDeadline(far + 1000) })
		expect(far+30, "h")
		edit(func(e *object.Edit) { kind.RemoveDueFields(e, far+30, 100) })
		expect(far + 39)
		expect(far+40, "h")
		edit(kind.Clear)
		expect(far + 5000)
		closeStore(t, s)
	}
}

// TestDueWithoutObject is what a Clear leaves that was cut short.
func TestDueWithoutObject(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	key := object.Key{Name: "gone"}
	if err := s.db.Set(appendDueKey(nil, 5, appendRowKey(nil, key)), nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := due(t, s, 10); got != nil {
		t.Errorf("%s is due", got)
	}
	iter, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer iter.Close()
	start, end := localRange(tagDue)
	if iter.SeekGE(start) && string(iter.Key()) < string(end) {
		t.Errorf("row %q is still there", iter.Key())
	}
}
