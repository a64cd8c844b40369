package antientropy

import (
	"fmt"
	"testing"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// BenchmarkExchange compares two stores of a million keys: equal, with 100 keys that differ, and with one of them empty in
// a sixteenth of its slots. It reports the bytes on the wire of one exchange.
func BenchmarkExchange(b *testing.B) {
	const n = 1_000_000
	w := newWorld(b, 2, false)
	w.config.Rate = 1 << 40
	one, other := w.nodes[0], w.nodes[1]
	for _, node := range w.nodes {
		node.load(n)
	}
	cost := func(b *testing.B) {
		before := one.Stats()
		for range b.N {
			if err := one.exchangeWith(other); err != nil {
				b.Fatal(err)
			}
		}
		after := one.Stats()
		b.ReportMetric(float64(after.Bytes-before.Bytes)/float64(b.N), "wire-B/op")
		b.ReportMetric(float64(after.Pulled+after.Pushed-before.Pulled-before.Pushed)/float64(b.N), "repaired/op")
	}
	b.Run("equal", cost)
	b.Run("differing=100", func(b *testing.B) {
		b.StopTimer()
		before, repaired := one.Stats(), 0
		for range b.N {
			for i := range 100 {
				other.set(fmt.Sprint("key:", (i*9973+repaired)%n), "changed")
			}
			repaired++
			b.StartTimer()
			if err := one.exchangeWith(other); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
		}
		after := one.Stats()
		b.ReportMetric(float64(after.Bytes-before.Bytes)/float64(b.N), "wire-B/op")
		b.ReportMetric(float64(after.Pulled+after.Pushed-before.Pulled-before.Pushed)/float64(b.N), "repaired/op")
		if !w.alike() {
			b.Fatal("not alike")
		}
	})
	b.Run("verify-slot", func(b *testing.B) {
		for i := range b.N {
			if _, err := one.store.Verify(object.Slot(i % object.Slots)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// load merges n keys with values of 100 bytes.
func (n *worldNode) load(count int) {
	value := string(make([]byte, 100))
	for i := 0; i < count; {
		var tasks []*engine.Task
		for ; i < count && len(tasks) < 1024; i++ {
			key := object.Key{Name: fmt.Sprint("key:", i)}
			o := versionOf(9, uint64(i+1), value)
			tasks = append(tasks, &engine.Task{Slot: key.Slot(), Body: bodyFunc(func(tx *engine.Tx) { tx.Merge(key, o) })})
		}
		done := make(chan struct{})
		if !n.store.Do(tasks, func() { close(done) }) {
			<-done
		}
	}
}

// BenchmarkGroupHashes hashes the trees of all slots, which each exchange does at both ends.
func BenchmarkGroupHashes(b *testing.B) {
	w := newWorld(b, 1, false)
	w.nodes[0].load(50_000)
	set := everySlot()
	b.ResetTimer()
	for range b.N {
		groupHashes(w.nodes[0].view, set)
	}
}
