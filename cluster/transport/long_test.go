package transport_test

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
)

// slowly has the network carry about so many bytes a second in one direction, until the end of the test: what a connection has
// under way at a time, of 256 KB, takes so long.
func slowly(n *memnet.Network, from, to string, bytes int) {
	n.SetDelay(from, to, time.Duration(256<<10)*time.Second/time.Duration(bytes))
}

// TestShortOvertakesLong makes short calls while a request and a reply of 20 MB are under way on a slow network, and looks at
// how long they take.
func TestShortOvertakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, _ := connected(t, n, nil, nil)
		slowly(n, "a", "b", 2<<20)
		slowly(n, "b", "a", 2<<20)
		sent := numbered(1, 20<<20)
		ended := make(chan transport.Reply, 1)
		begun := time.Now()
		a.Call("b", 1, sent, time.Second, func(r transport.Reply) { ended <- r })
		shorts, worst := 0, time.Duration(0)
		for len(ended) == 0 {
			began := time.Now()
			if r := a.ask("b", []byte("x"), 2*time.Second); r.Err != nil {
				t.Fatalf("a short call after %v: %v", time.Since(begun), r.Err)
			}
			worst = max(worst, time.Since(began))
			shorts++
		}
		r := <-ended
		if took := time.Since(begun); r.Err != nil || !bytes.Equal(r.Payload, sent) || took < 10*time.Second {
			t.Errorf("the long call: %v after %v, %d bytes", r.Err, took, len(r.Payload))
		}
		// There and back, each behind what the network holds.
		if worst > 600*time.Millisecond || shorts < 20 {
			t.Errorf("%d short calls, of which one took %v", shorts, worst)
		}
		if a.Latency("b") > 600*time.Millisecond {
			t.Errorf("the long call made the latency %v", a.Latency("b"))
		}
	})
}

// TestFairTurns: one of two long messages that are under way together is a tenth as long as the other, and done in about a fifth
// of the time.
func TestFairTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, _ := connected(t, n, nil, func(o *transport.Options) {
			o.Handler = handlerFunc(func(_ string, batch []*transport.Request) {
				for _, r := range batch {
					r.Respond(0)
				}
			})
		})
		slowly(n, "a", "b", 1<<20)
		begun := time.Now()
		took := make([]time.Duration, 2)
		for i, size := range []int{10_000_000, 1_000_000} {
			a.Call("b", 1, make([]byte, size), time.Second, func(r transport.Reply) {
				if r.Err != nil {
					t.Error(r.Err)
				}
				took[i] = time.Since(begun)
			})
		}
		time.Sleep(time.Minute) // of the bubble's fake clock
		if took[1] == 0 || took[0] < 3*took[1] {
			t.Errorf("10 MB took %v, 1 MB beside it %v", took[0], took[1])
		}
	})
}

// TestStalledRequest cuts the network in the midst of a long request: it ends a timeout after its last byte, as provably not
// sent, and the receiver, once it hears that, has room for others again.
func TestStalledRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var served atomic.Int32
		n := memnet.New()
		a, _ := connected(t, n, func(o *transport.Options) { o.Beat = time.Hour }, func(o *transport.Options) {
			o.Beat, o.MaxAssembly = time.Hour, 10<<20
			o.Handler = handlerFunc(func(_ string, batch []*transport.Request) {
				for _, r := range batch {
					served.Add(int32(len(r.Payload)))
					r.Respond(0)
				}
			})
		})
		slowly(n, "a", "b", 1<<20)
		ends := make(chan error, 2)
		begun := time.Now()
		a.Call("b", 1, make([]byte, 9<<20), 2*time.Second, func(r transport.Reply) { ends <- r.Err })
		time.Sleep(5 * time.Second) // of the bubble's fake clock
		if len(ends) > 0 || !a.Lingering(time.Second) {
			t.Fatalf("after 5 s: %d ends, lingering %v", len(ends), a.Lingering(time.Second))
		}
		n.Cut("a", "b", memnet.Silent)
		if err := <-ends; !errors.Is(err, transport.ErrNotSent) || time.Since(begun) > 7*time.Second+10*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		n.HealAll()
		a.Call("b", 1, make([]byte, 8<<20), 2*time.Second, func(r transport.Reply) { ends <- r.Err })
		if err := <-ends; err != nil || served.Load() != 8<<20 {
			t.Errorf("the next: %v, %d bytes were served", err, served.Load())
		}
		time.Sleep(5 * time.Second) // of the bubble's fake clock
		if a.Lingering(4*time.Second) || !a.Lingering(time.Minute) {
			t.Error("a request that was long on its way counts for another time than it should")
		}
	})
}

// TestUnwantedReply: a long reply to a call that has ended is not sent to its end.
func TestUnwantedReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, _ := connected(t, n, func(o *transport.Options) { o.Beat = time.Hour }, func(o *transport.Options) {
			o.Beat = time.Hour
			o.Handler = handlerFunc(func(_ string, batch []*transport.Request) {
				for _, r := range batch {
					time.AfterFunc(time.Second, func() { r.Respond(0, make([]byte, 900_000)) })
				}
			})
		})
		if r := a.ask("b", nil, 100*time.Millisecond); r.Err != transport.ErrTimeout {
			t.Fatal(r.Err)
		}
		slowly(n, "b", "a", 100_000)
		time.Sleep(time.Minute) // of the bubble's fake clock
		if got := a.Stats()[0].BytesIn; got > 600_000 {
			t.Errorf("%d bytes came that nobody wanted", got)
		}
		n.SetDelay("b", "a", 0)
		if r := a.ask("b", nil, 2*time.Second); r.Err != nil || len(r.Payload) != 900_000 {
			t.Errorf("the next: %v", r.Err)
		}
	})
}

// TestRoom: long messages that need more memory than there may be wait for each other, and all arrive.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, _ := connected(t, n, nil, func(o *transport.Options) { o.MaxAssembly = 4 << 20 })
		ends := make(chan error, 20)
		for range 10 {
			for _, size := range []int{3 << 20, 9 << 20} {
				a.Call("b", 1, make([]byte, size), 5*time.Second, func(r transport.Reply) {
					if r.Err == nil && len(r.Payload) != size {
						t.Errorf("%d bytes of %d came back", len(r.Payload), size)
					}
					ends <- r.Err
				})
			}
		}
		for range 20 {
			if err := <-ends; err != nil {
				t.Error(err)
			}
		}
	})
}
