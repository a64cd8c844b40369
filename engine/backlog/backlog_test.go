package backlog_test

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/backlog"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// TestSince compares a log with the list of all that was added: what it gives is the end of that, in order, and it says that this is all
// that is missing only when it is.
func TestSince(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const keys = 3
		bound := rapid.Int64Range(0, 64<<10).Draw(t, "bound")
		log := backlog.New(bound)
		type added struct {
			dot   causal.Dot
			delta []byte
		}
		var all [keys][]added
		var contexts [keys][]causal.Context // after each change
		time := causal.Time(0)
		for range rapid.IntRange(1, 120).Draw(t, "batches") {
			var batch []backlog.Entry
			for range rapid.IntRange(1, 4).Draw(t, "changes") {
				k := rapid.IntRange(0, keys-1).Draw(t, "key")
				time++
				dot := causal.Dot{Actor: causal.Actor{Node: causal.Node(rapid.IntRange(1, 3).Draw(t, "node"))}, Time: time}
				delta := bytes.Repeat([]byte{byte(time)}, rapid.IntRange(1, 3000).Draw(t, "size"))
				batch = append(batch, backlog.Entry{Key: key(k), Dot: dot, Delta: delta})
				before := causal.Context(nil)
				if n := len(contexts[k]); n > 0 {
					before = contexts[k][n-1]
				}
				all[k], contexts[k] = append(all[k], added{dot, delta}), append(contexts[k], before.With(dot))
			}
			log.Add(batch)
			if log.Size() > bound {
				t.Fatalf("%d bytes are kept, of at most %d", log.Size(), bound)
			}
		}
		for k := range keys {
			if len(all[k]) == 0 {
				continue
			}
			from := rapid.IntRange(0, len(all[k])-1).Draw(t, "from")
			seen := contexts[k][from]
			until := contexts[k][len(all[k])-1]
			deltas, ok := log.Since(key(k), seen, until, 1<<30)
			missing := all[k][from+1:]
			if len(deltas) > len(missing) {
				t.Fatalf("%d changes of %d that are missing", len(deltas), len(missing))
			}
			if ok && len(deltas) == 0 {
				t.Fatal("nothing is said to be all")
			}
			for i, d := range deltas {
				if want := missing[len(missing)-len(deltas)+i].delta; !bytes.Equal(d, want) {
					t.Fatalf("change %d of %d is another", i, len(deltas))
				}
			}
			// Without a change in between only who wrote it last can hide that it is missing; who applies the rest finds out.
			if len(deltas) == len(missing) && len(missing) > 0 && !ok {
				t.Fatal("all that is missing is there, and not said to be")
			}
			few, _ := log.Since(key(k), seen, until, 1)
			if len(deltas) > 0 && (len(few) != 1 || !bytes.Equal(few[0], deltas[0])) {
				t.Fatalf("%d changes in a page of one byte", len(few))
			}
		}
		log.Resize(0)
		if log.Size() != 0 {
			t.Fatalf("%d bytes are kept, of none", log.Size())
		}
	})
}

func key(i int) object.Key { return object.Key{Name: fmt.Sprint("k", i)} }

// A change that is too large to be kept ends what is known of its key: what follows builds on it.
func TestTooLarge(t *testing.T) {
	log := backlog.New(100 << 10)
	dot := func(time causal.Time) causal.Dot { return causal.Dot{Actor: causal.Actor{Node: 1}, Time: time} }
	first := causal.Context(nil).With(dot(1))
	log.Add([]backlog.Entry{{Key: key(0), Dot: dot(2), Delta: make([]byte, 10)}, {Key: key(0), Dot: dot(3), Delta: make([]byte, 200<<10)}})
	if deltas, ok := log.Since(key(0), first, first.With(dot(3)), 1<<30); ok {
		t.Fatalf("%d deltas are said to be all", len(deltas))
	}
}

func BenchmarkAdd(b *testing.B) {
	log := backlog.New(16 << 20)
	entry := []backlog.Entry{{Key: key(0), Delta: make([]byte, 220)}}
	b.ReportAllocs()
	for i := range b.N {
		entry[0].Dot = causal.Dot{Actor: causal.Actor{Node: 1}, Time: causal.Time(i + 1)}
		log.Add(entry)
	}
}
