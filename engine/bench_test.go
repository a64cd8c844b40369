package engine

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// BenchmarkApplier writes 100-byte values to a million keys, in batches as pipelines bring them.
func BenchmarkApplier(b *testing.B) {
	for _, batch := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			s := benchStore(b)
			names := benchNames()
			payload := make([]byte, 100)
			tasks := make([]*Task, batch)
			bodies := make([]putBody, batch)
			finished := make(chan struct{}, 1)
			done := func() { finished <- struct{}{} }
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += batch {
				for i := range tasks {
					bodies[i] = putBody{object.Key{Name: names[rand.IntN(len(names))]}, payload}
					tasks[i] = &Task{Slot: bodies[i].key.Slot(), Body: &bodies[i]}
				}
				if !s.Do(tasks, done) {
					<-finished
				}
			}
		})
	}
}

// BenchmarkGet reads keys, all of them in the hot cache or none.
func BenchmarkGet(b *testing.B) {
	s := benchStore(b)
	names := benchNames()[:10000]
	for _, name := range names {
		key := object.Key{Name: name}
		finished := make(chan struct{})
		if !s.Do([]*Task{{Slot: key.Slot(), Body: &putBody{key, make([]byte, 100)}}}, func() { close(finished) }) {
			<-finished
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		if o, err := s.Get(object.Key{Name: names[n%len(names)]}); o == nil || err != nil {
			b.Fatal("no object", err)
		}
	}
}

type putBody struct {
	key     object.Key
	payload []byte
}

func (p *putBody) Run(tx *Tx) { tx.Edit(p.key).Put(cell, p.payload) }

func benchStore(b *testing.B) *Store {
	o := DefaultOptions()
	o.Dir, o.Logger, o.Shards, o.CacheBytes = b.TempDir(), slog.New(slog.DiscardHandler), 1, 1<<30
	s, err := Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

func benchNames() []string {
	names := make([]string, 1_000_000)
	for i := range names {
		names[i] = fmt.Sprintf("key:%012d", i)
	}
	return names
}

// BenchmarkField writes and reads random fields of one hash, in batches as pipelines bring them. The cost must not follow the
// number of fields.
func BenchmarkField(b *testing.B) {
	for _, size := range []int{1_000, 1_000_000} {
		s := benchStore(b)
		h := &hashBench{b: b, store: s, key: object.Key{Name: "hash"}, names: benchNames()[:size]}
		for from := 0; from < size; from += 1000 {
			h.run(1, func(tx *Tx) {
				e := tx.Edit(h.key)
				for _, name := range h.names[from:min(from+1000, size)] {
					kind.SetField(e, []byte(name), h.value[:])
				}
			})
		}
		b.Run(fmt.Sprintf("set/size=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; n < b.N; n += 16 {
				h.run(16, func(tx *Tx) { kind.SetField(tx.Edit(h.key), h.field(), h.value[:]) })
			}
		})
		b.Run(fmt.Sprintf("get/size=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				err := s.View(bodyFunc(func(tx *Tx) {
					if _, ok := kind.Field(tx.Object(h.key), h.field()); !ok {
						b.Fatal("no field")
					}
				}))
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type hashBench struct {
	b     *testing.B
	store *Store
	key   object.Key
	names []string
	value [20]byte
}

func (h *hashBench) field() []byte { return []byte(h.names[rand.IntN(len(h.names))]) }

// run runs a body some times in one batch.
func (h *hashBench) run(times int, body func(*Tx)) {
	tasks := make([]*Task, times)
	for i := range tasks {
		tasks[i] = &Task{Slot: h.key.Slot(), Body: bodyFunc(body)}
	}
	done := make(chan struct{})
	if !h.store.Do(tasks, func() { close(done) }) {
		<-done
	}
}

// BenchmarkOrder moves random members of a sorted set, asks for ranks, and uses a list as a queue.
func BenchmarkOrder(b *testing.B) {
	for _, size := range []int{1_000, 1_000_000} {
		s := benchStore(b)
		h := &hashBench{b: b, store: s, key: object.Key{Name: "{k}zset"}, names: benchNames()[:size]}
		list := object.Key{Name: "{k}list"}
		position := func(n int) object.CellName { return object.CellName(fmt.Sprintf("\x05%012d", n)) }
		for from := 0; from < size; from += 1000 {
			h.run(1, func(tx *Tx) {
				e, l := tx.Edit(h.key), tx.Edit(list)
				for i, name := range h.names[from:min(from+1000, size)] {
					kind.SetScore(e, []byte(name), rand.Float64())
					l.Put(position(from+i), h.value[:])
				}
			})
		}
		head, tail := 0, size
		for _, c := range []struct {
			name string
			body func(tx *Tx)
		}{
			{"move", func(tx *Tx) { kind.SetScore(tx.Edit(h.key), h.field(), rand.Float64()) }},
			{"push and pop", func(tx *Tx) {
				e := tx.Edit(list)
				for c := range tx.Object(list).From("\x05") {
					if c.Name != position(head) {
						b.Fatalf("the first is %s, want %s", c.Name, position(head))
					}
					break
				}
				e.Remove(position(head))
				e.Put(position(tail), h.value[:])
				head, tail = head+1, tail+1
			}},
		} {
			b.Run(fmt.Sprintf("%s/size=%d", c.name, size), func(b *testing.B) {
				b.ReportAllocs()
				for n := 0; n < b.N; n += 16 {
					h.run(16, c.body)
				}
			})
		}
		look := func(body func(o *object.Object)) func(b *testing.B) {
			return func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					if err := s.View(bodyFunc(func(tx *Tx) { body(tx.Object(h.key)) })); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
		b.Run(fmt.Sprintf("rank/size=%d", size), look(func(o *object.Object) {
			score, _ := kind.Score(o, h.field())
			kind.RankOf(o, object.ZSet, kind.ScoreSpot(score, ""))
		}))
		b.Run(fmt.Sprintf("at/size=%d", size), look(func(o *object.Object) {
			kind.SpotAt(o, object.ZSet, int64(rand.IntN(size)))
		}))
	}
}
