package hint

import (
	"context"
	"sync"
	"time"
)

// pace keeps what is sent below a rate: who has spent bytes pays for them with time before the next step.
type pace struct {
	// rate is in bytes a second; 0 stops everybody.
	rate func() int64

	mu   sync.Mutex // guards free
	free time.Time  // when all that was spent is paid for
}

// spend notes bytes that were sent. They are paid for at the rate of now.
func (p *pace) spend(n int) {
	rate := p.rate()
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

// wait returns when what was spent is paid for and the rate is not 0, or when ctx ends, with its error.
func (p *pace) wait(ctx context.Context) error {
	for {
		p.mu.Lock()
		owed := time.Until(p.free)
		p.mu.Unlock()
		if p.rate() <= 0 {
			owed = pausedLook
		}
		if owed <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(min(owed, time.Second))
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
