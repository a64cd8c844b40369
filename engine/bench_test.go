package engine

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

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
