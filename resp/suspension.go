package resp

import (
	"context"
	"sync/atomic"
	"time"
)

// suspension says whether the handler goes on with a batch of a connection. It counts beginnings and ends, so an odd
// number is a batch that runs, and another number another batch.
type suspension struct{ n atomic.Uint32 }

func (s *suspension) begin()     { s.n.Add(1) }
func (s *suspension) end()       { s.n.Add(1) }
func (s *suspension) Load() bool { return s.n.Load()%2 == 1 }

// settleInterval is how often Settle looks.
const settleInterval = 10 * time.Millisecond

// Settle returns when the batches that the handler is running now have ended, but for that of one session, or with the
// error of ctx. The server goes on meanwhile, and batches that begin later are not waited for, nor those that wait for other
// clients. Nor is any while the server is paused, for batches may be held back by that.
func (s *Server) Settle(ctx context.Context, except *Session) error {
	waiting := map[*conn]uint32{}
	for _, c := range s.all() {
		if n := c.suspended.n.Load(); n%2 == 1 && &c.Session != except && !c.waiting.Load() {
			waiting[c] = n
		}
	}
	ticker := time.NewTicker(settleInterval)
	defer ticker.Stop()
	for {
		for c, n := range waiting {
			if c.suspended.n.Load() != n || c.waiting.Load() {
				delete(waiting, c)
			}
		}
		if len(waiting) == 0 || s.Paused() != NotPaused {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
