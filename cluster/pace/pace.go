// Package pace keeps background work below a rate in bytes a second.
package pace

import (
	"context"
	"sync"
	"time"
)

// Pace keeps work below a rate: who has spent bytes pays for them with time before the next step.
type Pace struct {
	// Rate is in bytes a second; 0 stops everybody.
	Rate func() int64

	mu   sync.Mutex // guards free
	free time.Time  // when all that was spent is paid for
}

// pausedLook is how often who is paused looks whether it may go on.
const pausedLook = 500 * time.Millisecond

// Spend notes bytes that were used. They are paid for at the rate of now.
func (p *Pace) Spend(n int) {
	rate := p.Rate()
	if rate <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
}

// Wait returns when what was spent is paid for and the rate is not 0, or when ctx ends, with its error.
func (p *Pace) Wait(ctx context.Context) error {
	for {
		p.mu.Lock()
		owed := time.Until(p.free)
		p.mu.Unlock()
		if p.Rate() <= 0 {
			owed = pausedLook
		}
		if owed <= 0 {
			return ctx.Err()
		}
		if err := Sleep(ctx, min(owed, time.Second)); err != nil {
			return err
		}
	}
}

// Sleep returns after d, or when ctx ends, with its error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
