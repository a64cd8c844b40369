package transport_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
)

// TestSilenceIsWhatNobodyIsAnswered suspects a peer whose handler holds requests back, in each state in which it may be.
func TestSilenceIsWhatNobodyIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		var holds atomic.Bool
		a, _ := connected(t, net, nil, func(o *transport.Options) {
			o.Beat = time.Hour // which would end a silence
			o.Handler = handlerFunc(func(_ string, batch []*transport.Request) {
				for _, r := range batch {
					if !holds.Load() || len(r.Payload) > 0 {
						r.Respond(0)
					}
				}
			})
		})
		silence := func(after time.Duration) time.Duration {
			a.Suspect("b", after)
			up, silence := a.Reach("b")
			if !up {
				t.Fatal("b is down")
			}
			return silence
		}
		time.Sleep(time.Second)
		if got := silence(0); got != 0 {
			t.Errorf("nothing waits, and b is silent for %v", got)
		}
		holds.Store(true)
		a.Call("b", 7, nil, time.Minute, func(transport.Reply) {})
		time.Sleep(50 * time.Millisecond)
		if got := silence(60 * time.Millisecond); got != 0 {
			t.Errorf("suspected too early: %v", got)
		}
		if got := silence(40 * time.Millisecond); got != 50*time.Millisecond {
			t.Errorf("a call waits for 50 ms, and b is silent for %v", got)
		}
		// It answers something else: it is slow with one call, and not silent.
		if r := a.ask("b", []byte("other"), time.Second); r.Err != nil {
			t.Fatal(r.Err)
		}
		if _, got := a.Reach("b"); got != 0 {
			t.Errorf("b has answered, and is silent for %v", got)
		}
		time.Sleep(10 * time.Millisecond)
		if got := silence(20 * time.Millisecond); got != 0 {
			t.Errorf("b answered 10 ms ago, and is silent for %v", got)
		}
		a.Suspect("nobody", 0)
		if up, _ := a.Reach("nobody"); up || a.Late("nobody") != 0 {
			t.Error("a node that is no peer can be reached")
		}
	})
}

// TestLateIsBeyondNearlyAllAnswers gives a peer answers of two kinds, quick ones and slower ones.
func TestLateIsBeyondNearlyAllAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		a, _ := connected(t, memnet.New(), nil, func(o *transport.Options) {
			o.Handler = handlerFunc(func(_ string, batch []*transport.Request) {
				for _, r := range batch {
					if calls++; calls%5 == 0 {
						time.Sleep(3 * time.Millisecond)
					} else {
						time.Sleep(time.Millisecond)
					}
					r.Respond(0)
				}
			})
		})
		for range 100 {
			a.ask("b", nil, time.Second)
			if late := a.Late("b"); calls > 20 && (late < 3*time.Millisecond || late > 10*time.Millisecond) {
				t.Fatalf("after %d answers of 1 ms and 3 ms, late is %v", calls, late)
			}
		}
	})
}
