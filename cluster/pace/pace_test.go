package pace

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestPace spends, pauses and stops. Its clock is that of a synctest bubble.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rate atomic.Int64
		rate.Store(100)
		p := Pace{Rate: rate.Load}
		took := func() time.Duration {
			began := time.Now()
			if err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		if d := took(); d != 0 {
			t.Errorf("who has spent nothing waits %s", d)
		}
		p.Spend(150)
		p.Spend(150)
		if d := took(); d != 3*time.Second {
			t.Errorf("300 bytes at 100 a second are paid for in %s", d)
		}
		rate.Store(0)
		p.Spend(1 << 40) // by whom is paused: not paid for
		time.AfterFunc(10*time.Second, func() { rate.Store(100) })
		if d := took(); d < 10*time.Second || d > 10*time.Second+pausedLook {
			t.Errorf("a pause of 10 s takes %s", d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		p.Spend(1000)
		time.AfterFunc(time.Second, cancel)
		if err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("after cancel: %v", err)
		}
	})
}
