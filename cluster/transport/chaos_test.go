package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
)

// TestChaos makes calls while links are cut, healed, reset and slowed down at random, and checks what the package
// promises: every call ends once; what ended with ErrNotSent was never served, what succeeded was served, nothing was
// served twice; what was served came whole, and what is short in the order of the calls.
func TestChaos(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { chaos(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func chaos(t *testing.T, rnd *rand.Rand) {
	const calls = 2000
	var mu sync.Mutex
	served, ends := make(map[uint64]int), make(map[uint64][]error)
	last := uint64(0)
	serve := func(_ string, batch []*transport.Request) {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range batch {
			n := number(r.Payload)
			served[n]++
			if len(r.Payload) <= transport.Short {
				if n < last {
					t.Errorf("%d was served after %d", n, last)
				}
				last = n
			}
			if !bytes.Equal(r.Payload, numbered(n, len(r.Payload))) {
				t.Errorf("%d arrived damaged", n)
			}
			if n%10 != 0 {
				go func() {
					time.Sleep(time.Duration(n%7) * time.Millisecond)
					r.Respond(1, r.Payload)
				}()
			}
		}
	}
	n := memnet.New()
	a, _ := connected(t, n, func(o *transport.Options) { o.MaxInFlightBytes = 2 << 20 },
		func(o *transport.Options) { o.Handler = handlerFunc(serve) })
	for i := range uint64(calls) {
		size := 8 + rnd.IntN(50)
		if rnd.IntN(20) == 0 {
			size = rnd.IntN(500_000)
		}
		a.Call("b", 1, numbered(i, size), time.Duration(1+rnd.IntN(3000))*time.Millisecond, func(r transport.Reply) {
			mu.Lock()
			defer mu.Unlock()
			ends[i] = append(ends[i], r.Err)
			if r.Err == nil && number(r.Payload) != i {
				t.Errorf("call %d got the reply of %d", i, number(r.Payload))
			}
		})
		if rnd.IntN(4) == 0 {
			time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
		}
		if rnd.IntN(25) == 0 {
			disturb(n, rnd)
		}
	}
	n.HealAll()
	time.Sleep(10 * time.Second)
	a.Close()

	mu.Lock()
	defer mu.Unlock()
	outcomes := make(map[error]int)
	for i := range uint64(calls) {
		if len(ends[i]) != 1 {
			t.Fatalf("call %d ended %d times", i, len(ends[i]))
		}
		err := ends[i][0]
		switch notSent := errors.Is(err, transport.ErrNotSent); {
		case served[i] > 1:
			t.Errorf("call %d was served %d times", i, served[i])
		case notSent && served[i] > 0:
			t.Errorf("call %d was served and ended with %v", i, err)
		case err == nil && served[i] == 0:
			t.Errorf("call %d was answered and not served", i)
		case notSent:
			err = transport.ErrNotSent
		}
		outcomes[err]++
	}
	t.Log(outcomes)
}

// disturb does something to the network.
func disturb(n *memnet.Network, rnd *rand.Rand) {
	links := [][2]string{{"a", "b"}, {"b", "a"}}
	link := links[rnd.IntN(2)]
	switch rnd.IntN(6) {
	case 0:
		n.Cut(link[0], link[1], memnet.Silent)
	case 1:
		n.Cut(link[0], link[1], memnet.Reset)
	case 2:
		n.SetDelay(link[0], link[1], time.Duration(rnd.IntN(30))*time.Millisecond)
	default:
		n.HealAll()
	}
}
