package transport_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
)

func TestEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got transport.Request
		a, b := connected(t, memnet.New(), nil,
			func(o *transport.Options) {
				o.Handler = handlerFunc(func(from string, batch []*transport.Request) {
					r := batch[0]
					got.Kind, got.From, got.RingVersion, got.Timeout = r.Kind, from+"="+r.From, r.RingVersion, r.Timeout
					r.Respond(9, []byte("hello "), r.Payload)
					r.Respond(10, []byte("a second answer"))
				})
			})
		r := a.ask("b", []byte("world"), time.Second)
		if r.Err != nil || r.Status != 9 || string(r.Payload) != "hello world" {
			t.Fatalf("reply %d %q %v", r.Status, r.Payload, r.Err)
		}
		if got.Kind != 7 || got.From != "a=a" || got.RingVersion != 42 || got.Timeout != time.Second {
			t.Errorf("request %+v", &got)
		}
		if a.Latency("b") <= 0 {
			t.Error("no latency is known after a reply")
		}
		// The other direction is a connection of its own.
		if r := b.ask("a", nil, 0); !errors.Is(r.Err, transport.ErrNotSent) {
			t.Errorf("a call to a node that is not a peer: %v", r.Err)
		}
		b.SetPeers([]transport.Peer{peerOf("a"), peerOf("b")})
		synctest.Wait()
		if r := b.ask("a", nil, 0); r.Err != nil || r.Payload != nil {
			t.Errorf("empty call: %q %v", r.Payload, r.Err)
		}
	})
}

// TestOrder makes 10,000 calls from 10 goroutines, with payloads from 8 bytes to many times the read buffer, all in flight
// together and answered in random order by other goroutines. Those that are short come in order, the others come whole.
func TestOrder(t *testing.T) {
	const callers, calls = 10, 1000
	synctest.Test(t, func(t *testing.T) {
		last := make([]uint64, callers)
		var long atomic.Int32
		serve := func(_ string, batch []*transport.Request) {
			for _, r := range batch {
				if !bytes.Equal(r.Payload, numbered(number(r.Payload), len(r.Payload))) {
					t.Errorf("call %d arrived damaged", number(r.Payload))
				}
				n := number(r.Payload)
				if len(r.Payload) > transport.Short {
					long.Add(1)
					continue
				}
				if next := last[r.Kind] + 1; n != next && !(next%100 == 51 && n == next+1) { // each 51st may be long
					t.Errorf("caller %d: %d came after %d", r.Kind, n, last[r.Kind])
				}
				last[r.Kind] = n
			}
			own := append([]*transport.Request(nil), batch...)
			rand.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
			go func() {
				for _, r := range own {
					r.Respond(r.Kind, r.Payload)
				}
			}()
		}
		a, _ := connected(t, memnet.New(), nil, func(o *transport.Options) { o.Handler = handlerFunc(serve) })
		var left sync.WaitGroup
		for c := range callers {
			left.Add(calls)
			go func() {
				for i := range uint64(calls) {
					size := 8 + rand.IntN(100)
					if i%100 == 50 {
						size = rand.IntN(600_000)
					}
					sent := numbered(i+1, size)
					a.Call("b", uint8(c), sent, 0, func(r transport.Reply) {
						if r.Err != nil || r.Status != uint8(c) || !bytes.Equal(r.Payload, numbered(i+1, size)) {
							t.Errorf("caller %d call %d: status %d, %d bytes, %v", c, i, r.Status, len(r.Payload), r.Err)
						}
						left.Done()
					})
					if size <= transport.Short {
						clear(sent) // it was copied
					}
				}
			}()
		}
		left.Wait()
		if long.Load() < callers*calls/200 {
			t.Errorf("only %d requests were long", long.Load())
		}
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept []*transport.Request
		a, _ := connected(t, memnet.New(), nil, func(o *transport.Options) {
			o.Handler = handlerFunc(func(_ string, batch []*transport.Request) { kept = append(kept, batch...) })
		})
		var ends atomic.Int32
		begun := time.Now()
		var left sync.WaitGroup
		for _, timeout := range []time.Duration{time.Second, 30 * time.Millisecond, 200 * time.Millisecond, 31 * time.Millisecond} {
			left.Add(1)
			a.Call("b", 1, nil, timeout, func(r transport.Reply) {
				took := time.Since(begun)
				if r.Err != transport.ErrTimeout || took < timeout || took > timeout+6*time.Millisecond {
					t.Errorf("a timeout of %v ended after %v with %v", timeout, took, r.Err)
				}
				ends.Add(1)
				left.Done()
			})
		}
		left.Wait()
		if age := kept[0].Age(); age < time.Second || age > time.Second+6*time.Millisecond {
			t.Errorf("age %v", age)
		}
		// Slots are used again; late replies must not end the calls that have them now.
		again := make(chan transport.Reply, 4)
		for range 4 {
			a.Call("b", 1, nil, time.Second, func(r transport.Reply) { again <- r })
		}
		synctest.Wait()
		for _, r := range kept[:4] {
			r.Respond(1)
		}
		synctest.Wait()
		if ends.Load() != 4 || len(again) != 0 {
			t.Errorf("late replies: %d ends, %d of the next calls ended", ends.Load(), len(again))
		}
		for _, r := range kept[4:] {
			r.Respond(2)
		}
		for range 4 {
			if r := <-again; r.Err != nil || r.Status != 2 {
				t.Errorf("call in a used slot: %d %v", r.Status, r.Err)
			}
		}
	})
}

// TestSilentCut pulls the cable, one way or both: each side notices within 2 s, and connects again after the heal.
func TestSilentCut(t *testing.T) {
	for name, cut := range map[string]func(*memnet.Network){
		"both":     func(n *memnet.Network) { n.CutBoth("a", "b", memnet.Silent) },
		"requests": func(n *memnet.Network) { n.Cut("a", "b", memnet.Silent) },
		"replies":  func(n *memnet.Network) { n.Cut("b", "a", memnet.Silent) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := memnet.New()
				a, _ := connected(t, n, nil, nil)
				time.Sleep(time.Minute) // an idle connection stays
				if !a.Up("b") || a.eventList() != "[+b]" {
					t.Fatalf("idle: %s\n%s", a.eventList(), &a.log)
				}
				cut(n)
				begun := time.Now()
				r := a.ask("b", nil, time.Hour)
				if took := time.Since(begun); r.Err != transport.ErrLost || took > 2*time.Second {
					t.Errorf("call in flight: %v after %v", r.Err, took)
				}
				if a.Up("b") || a.eventList() != "[+b -b]" {
					t.Errorf("after the cut: %s", a.eventList())
				}
				if r := a.ask("b", nil, time.Hour); !errors.Is(r.Err, transport.ErrNotSent) {
					t.Errorf("call while down: %v", r.Err)
				}
				time.Sleep(time.Minute)
				n.HealAll()
				time.Sleep(2500 * time.Millisecond)
				if r := a.ask("b", nil, time.Second); r.Err != nil || a.eventList() != "[+b -b +b]" {
					t.Errorf("after the heal: %v %s\n%s", r.Err, a.eventList(), &a.log)
				}
			})
		})
	}
}

// TestNotSentOrLost fills the network until writes block: what was not written whole ends with ErrNotSent when the
// connection is cut and is never served, though what was written arrives after the heal.
func TestNotSentOrLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var served sync.Map
		n := memnet.New()
		a, _ := connected(t, n, nil, func(o *transport.Options) {
			o.Beat = time.Hour // so that b still listens when the link is healed
			o.Handler = handlerFunc(func(_ string, batch []*transport.Request) {
				for _, r := range batch {
					served.Store(number(r.Payload), true)
				}
			})
		})
		n.Cut("a", "b", memnet.Silent)
		ends := make(map[uint64]error)
		var left sync.WaitGroup
		for i, size := range []int{100, 100_000, 100, 1_000_000, 100, 100} {
			left.Add(1)
			a.Call("b", 1, numbered(uint64(i), size), time.Hour, func(r transport.Reply) {
				ends[uint64(i)] = r.Err
				left.Done()
			})
			synctest.Wait()
		}
		left.Wait()
		n.HealAll()
		synctest.Wait()
		for i := range uint64(6) {
			want := transport.ErrNotSent
			if i < 3 {
				want = transport.ErrLost
			}
			_, was := served.Load(i)
			if !errors.Is(ends[i], want) || was != (i < 3) {
				t.Errorf("call %d: %v, served %v", i, ends[i], was)
			}
		}
	})
}

// TestQueueLimit: requests beyond MaxInFlightBytes, MaxLongBytes or MaxCalls are refused at once, provably not sent.
func TestQueueLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, _ := connected(t, n, func(o *transport.Options) { o.MaxInFlightBytes, o.MaxLongBytes, o.MaxCalls = 400_000, 6_000_000, 20 }, nil)
		n.Cut("a", "b", memnet.Silent)
		ends := make(chan error, 20)
		call := func(size int) {
			a.Call("b", 1, make([]byte, size), time.Second, func(r transport.Reply) { ends <- r.Err })
			synctest.Wait()
		}
		refused := func(what string) {
			t.Helper()
			if err := <-ends; !errors.Is(err, transport.ErrNotSent) || len(ends) != 0 {
				t.Errorf("%s: %v, and %d more ended", what, err, len(ends))
			}
		}
		call(7_000_000) // alone it may exceed the limit
		call(100_000)
		refused("behind a long one")
		for range 12 { // the network takes five
			call(50_000) // short ones have a limit of their own
		}
		call(50_000)
		refused("behind a full queue")
		for range 13 {
			if err := <-ends; err != transport.ErrTimeout && !errors.Is(err, transport.ErrNotSent) {
				t.Fatalf("the queue: %v", err)
			}
		}
		n.HealAll()
		time.Sleep(3 * time.Second)
		n.Cut("b", "a", memnet.Silent)
		for range 21 {
			call(1)
		}
		refused("the twenty-first call")
	})
}

func TestFrameLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := func(o *transport.Options) { o.MaxMessage = 1000 }
		a, _ := connected(t, memnet.New(), limit, func(o *transport.Options) {
			limit(o)
			o.Handler = handlerFunc(func(_ string, batch []*transport.Request) { batch[0].Respond(0, make([]byte, 1000)) })
		})
		if r := a.ask("b", make([]byte, 1000), 0); !errors.Is(r.Err, transport.ErrNotSent) {
			t.Errorf("a large request: %v", r.Err)
		}
		if r := a.ask("b", make([]byte, 900), 0); r.Err != transport.ErrReplyTooLarge || !a.Up("b") {
			t.Errorf("a large reply: %v", r.Err)
		}
	})
}

// TestSlowReader: a peer that does not read its replies stops being read from, and what it sends is refused at its side.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		small := func(o *transport.Options) { o.MaxInFlightBytes = 4 << 20 }
		var served atomic.Int32
		a, _ := connected(t, memnet.New(), small, func(o *transport.Options) {
			small(o)
			o.Handler = handlerFunc(func(_ string, batch []*transport.Request) {
				served.Add(int32(len(batch)))
				for _, r := range batch {
					r.Respond(0, r.Payload)
				}
			})
		})
		var ends sync.WaitGroup
		var ok, refused atomic.Int32
		for i := range 1000 {
			ends.Add(1)
			a.Call("b", 1, make([]byte, 50_000), time.Hour, func(r transport.Reply) {
				if i == 0 {
					<-block
				}
				if r.Err == nil {
					ok.Add(1)
				} else if errors.Is(r.Err, transport.ErrNotSent) {
					refused.Add(1)
				}
				ends.Done()
			})
			synctest.Wait()
		}
		if refused.Load() == 0 || served.Load() > 100 {
			t.Errorf("%d requests were served and %d refused though no reply was read", served.Load(), refused.Load())
		}
		close(block)
		ends.Wait()
		if ok.Load()+refused.Load() != 1000 || !a.Up("b") {
			t.Errorf("%d were answered, %d refused", ok.Load(), refused.Load())
		}
	})
}

// TestDelay holds requests back for part of a second and looks at what the receiver makes of it.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delays := make(chan time.Duration, 1)
		n := memnet.New()
		n.SetDelay("a", "b", 10*time.Millisecond)
		n.SetDelay("b", "a", 300*time.Millisecond) // the challenge is slow
		start(t, n, "b", func(o *transport.Options) {
			o.Handler = handlerFunc(func(_ string, batch []*transport.Request) { delays <- batch[0].Delay })
		})
		a := start(t, n, "a", nil)
		a.SetPeers([]transport.Peer{peerOf("b")})
		time.Sleep(time.Second)
		if !a.Up("b") {
			t.Fatalf("b is not up:\n%s", &a.log)
		}
		check := func(what string, least, most time.Duration) {
			t.Helper()
			if d := <-delays; d < least || d > most {
				t.Errorf("%s: delay %v, want %v to %v", what, d, least, most)
			}
		}
		send := func() { a.Call("b", 1, nil, time.Hour, func(transport.Reply) {}) }
		send()
		check("after a slow handshake", 10*time.Millisecond, 311*time.Millisecond)

		n.SetDelay("b", "a", time.Millisecond)
		time.Sleep(2 * time.Second)
		send()
		check("after fast beats", 10*time.Millisecond, 12*time.Millisecond)

		n.Cut("a", "b", memnet.Silent)
		send()
		time.Sleep(700 * time.Millisecond)
		n.HealAll()
		check("held back", 700*time.Millisecond, 712*time.Millisecond)
	})
}

// TestClose ends each call in flight exactly once, from both ends.
func TestClose(t *testing.T) {
	for _, who := range []string{"a", "b"} {
		synctest.Test(t, func(t *testing.T) {
			a, b := connected(t, memnet.New(), nil, func(o *transport.Options) {
				o.Handler = handlerFunc(func(string, []*transport.Request) {})
			})
			ends := make([]int, 1000)
			for i := range ends {
				a.Call("b", 1, numbered(uint64(i), 1000), time.Hour, func(r transport.Reply) {
					ends[i]++
					if !errors.Is(r.Err, transport.ErrLost) && !errors.Is(r.Err, transport.ErrNotSent) {
						t.Errorf("call %d: %v", i, r.Err)
					}
				})
			}
			map[string]*node{"a": a, "b": b}[who].Close()
			synctest.Wait()
			for i, n := range ends {
				if n != 1 {
					t.Errorf("call %d ended %d times", i, n)
				}
			}
			a.Close()
			if r := a.ask("b", nil, 0); !errors.Is(r.Err, transport.ErrNotSent) {
				t.Errorf("call after Close: %v", r.Err)
			}
			a.SetPeers([]transport.Peer{peerOf("b")}) // nothing starts
		})
	}
}

func TestSetPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := connected(t, n, nil, nil)
		a.SetPeers(nil)
		a.SetPeers([]transport.Peer{peerOf("b")})
		synctest.Wait()
		if a.eventList() != "[+b -b +b]" {
			t.Fatalf("removed and added: %s", a.eventList())
		}
		// b moves to another host.
		b.Close()
		start(t, n, "c", func(o *transport.Options) { o.ID = "b" })
		time.Sleep(time.Minute)
		a.SetPeers([]transport.Peer{{ID: "b", Address: "c:1"}})
		synctest.Wait()
		if r := a.ask("b", []byte("moved"), 0); r.Err != nil {
			t.Errorf("after the move: %v\n%s", r.Err, &a.log)
		}
		if s := a.Stats(); len(s) != 1 || s[0].Address != "c:1" || s[0].Calls != 1 || s[0].Replies != 1 || !s[0].Up || s[0].BytesOut == 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestRetry restarts a peer: Kick, or a connection from it, ends the pause between attempts.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := connected(t, n, func(o *transport.Options) { o.RetryMax = time.Hour }, nil)
		b.Close()
		time.Sleep(10 * time.Hour)
		b = start(t, n, "b", nil)
		synctest.Wait()
		if a.Up("b") {
			t.Fatal("up during the pause")
		}
		a.Kick("b")
		synctest.Wait()
		if !a.Up("b") {
			t.Fatal("not up after a kick")
		}
		b.Close()
		time.Sleep(10 * time.Hour)
		b = start(t, n, "b", nil)
		b.SetPeers([]transport.Peer{peerOf("a")})
		synctest.Wait()
		if !a.Up("b") {
			t.Error("not up after the peer connected")
		}
	})
}

func TestFailuresAreLoggedSparingly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := start(t, memnet.New(), "a", nil)
		a.SetPeers([]transport.Peer{peerOf("b")})
		time.Sleep(100 * time.Second)
		if lines := strings.Count(a.log.String(), "no connection with peer"); lines < 5 || lines > 10 {
			t.Errorf("%d lines about 100 seconds of failed attempts:\n%s", lines, &a.log)
		}
	})
}
