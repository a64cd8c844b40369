package transport_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster/transport"
)

// echo answers each request with its payload.
type echo struct{}

func (echo) ServeBatch(_ string, batch []*transport.Request) {
	for _, r := range batch {
		r.Respond(r.Kind, r.Payload)
	}
}

// BenchmarkCallTCP makes calls with 64-byte payloads over loopback, so many at a time; each reply starts the next call of
// its chain, as a pipelining client does.
func BenchmarkCallTCP(b *testing.B) {
	for _, concurrency := range []int{1, 50, 800} {
		b.Run(fmt.Sprint("inflight=", concurrency), func(b *testing.B) { benchmarkCalls(b, concurrency) })
	}
}

func benchmarkCalls(b *testing.B, concurrency int) {
	up := make(chan string, 1)
	client := newTCP(b, transport.Options{ID: "a", Events: transport.Events{Up: func(id string) { up <- id }}})
	server := newTCP(b, transport.Options{ID: "b"})
	client.SetPeers([]transport.Peer{{ID: "b", Address: server.Addr().String()}})
	<-up
	payload := make([]byte, 64)
	b.ReportAllocs()
	b.ResetTimer()
	var chains sync.WaitGroup
	for i := range min(concurrency, b.N) {
		left := b.N / concurrency
		if i < b.N%concurrency {
			left++
		}
		chains.Add(1)
		var next func(transport.Reply)
		next = func(r transport.Reply) {
			if r.Err != nil {
				b.Error(r.Err)
			}
			if left--; left <= 0 {
				chains.Done()
				return
			}
			client.Call("b", 1, payload, 10*time.Second, next)
		}
		client.Call("b", 1, payload, 10*time.Second, next)
	}
	chains.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkCallGoroutines is the same with a blocked goroutine for each call in flight.
func BenchmarkCallGoroutines(b *testing.B) {
	up := make(chan string, 1)
	client := newTCP(b, transport.Options{ID: "a", Events: transport.Events{Up: func(id string) { up <- id }}})
	server := newTCP(b, transport.Options{ID: "b"})
	client.SetPeers([]transport.Peer{{ID: "b", Address: server.Addr().String()}})
	<-up
	payload := make([]byte, 64)
	b.ReportAllocs()
	b.SetParallelism(25)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		replies := make(chan transport.Reply, 1)
		done := func(r transport.Reply) { replies <- r }
		for pb.Next() {
			client.Call("b", 1, payload, 10*time.Second, done)
			<-replies
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func newTCP(tb testing.TB, o transport.Options) *transport.Transport {
	tb.Helper()
	o.Cluster, o.Secret, o.Listen = "bench", []byte("secret"), "127.0.0.1:0"
	if o.Handler == nil {
		o.Handler = echo{}
	}
	t, err := transport.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(t.Close)
	return t
}
