//go:build unix

package engine

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// BenchmarkTrees commits rows of 150 bytes of a million keys as an applier does, without what keeps the trees and with it: the leaves,
// the journal, the summaries that are written back, and the trees in memory. An op is a key; compactions are part of what it costs.
func BenchmarkTrees(b *testing.B) {
	for _, size := range []int{1, 16, 256} {
		for _, trees := range []bool{false, true} {
			b.Run(fmt.Sprintf("batch=%d/trees=%t", size, trees), func(b *testing.B) {
				s := benchStore(b)
				sums := &s.shards[0].summaries
				names, row := benchNames(), make([]byte, 150)
				changes := make([]change, 0, size)
				var rowKey []byte
				b.ReportAllocs()
				b.ResetTimer()
				began := processorTime(b)
				for n, seq := 0, uint64(1); n < b.N; n, seq = n+size, seq+1 {
					batch := s.db.NewBatch()
					changes = changes[:0]
					for range size {
						key := object.Key{Name: names[rand.IntN(len(names))]}
						rowKey = appendRowKey(rowKey[:0], key)
						if err := batch.Set(rowKey, row, nil); err != nil {
							b.Fatal(err)
						}
						if trees {
							before, after := causal.Digest(seq), causal.Digest(seq+1)
							changes = append(changes, change{
								slot: key.Slot(), bucket: uint8(merkle.PositionOf(key).Bucket()),
								leaf: merkle.Leaf(key, before) ^ merkle.Leaf(key, after),
							})
						}
					}
					if trees {
						if err := sums.stage(batch, seq, changes); err != nil {
							b.Fatal(err)
						}
					}
					if err := batch.Commit(pebble.NoSync); err != nil {
						b.Fatal(err)
					}
					if trees {
						sums.publish(seq, changes)
					}
					if err := batch.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(processorTime(b)-began)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// processorTime is what the process has used of processors, which other work on the machine does not make longer.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
