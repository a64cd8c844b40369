package hint

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster/pace"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
)

// Replayer delivers the hints of one store. Run works until its context ends; the other methods may be called from any
// goroutine, before Run too.
type Replayer struct {
	o     Options
	pace  pace.Pace
	stats counters
	begun int64         // Unix milliseconds
	wake  chan struct{} // an owner may have come back

	mu     sync.Mutex // guards owners
	owners map[engine.Owner]*owner
}

// owner is the state of the replay to one node.
type owner struct {
	replaying bool
	ring      uint64 // the version of the ring when its hints were last gone through
	failures  int    // in a row
	retryAt   time.Time
	lastError string // empty when the last way through them met none
}

type counters struct{ replayed, aged atomic.Uint64 }

// Stats count since the node started.
type Stats struct {
	// Replayed counts hints that an owner has confirmed, Aged those that were let go for their age.
	Replayed, Aged uint64
}

// New returns a Replayer of its parts.
func New(o Options) *Replayer {
	r := &Replayer{o: o, begun: o.Now().UnixMilli(), wake: make(chan struct{}, 1), owners: map[engine.Owner]*owner{}}
	r.pace.Rate = func() int64 { return o.Settings().Rate }
	return r
}

// Run replays until ctx ends. What other runs of the node have left is replayed like the rest.
func (r *Replayer) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for ctx.Err() == nil {
		for _, o := range r.o.Store.HintStats().Owners {
			if r.begin(&o) {
				running.Go(func() { r.end(ctx, o.Owner, r.replay(ctx, o.Owner)) })
			}
		}
		timer := time.NewTimer(lookPause)
		select {
		case <-timer.C:
		case <-r.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// Returned has the hints of a node replayed at once, for it was away, whatever has failed before.
func (r *Replayer) Returned(peer ring.NodeID) {
	r.mu.Lock()
	if o := r.owners[engine.Owner(peer)]; o != nil {
		o.failures, o.retryAt = 0, time.Time{}
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// begin reports whether there is something to do about the hints of an owner, and notes that it is begun.
func (r *Replayer) begin(stats *engine.OwnerStats) bool {
	version := r.o.Ring().Version()
	aged := r.o.Now().Sub(stats.Oldest) >= r.o.Settings().MaxAge
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.owners[stats.Owner]
	if o == nil {
		o = &owner{}
		r.owners[stats.Owner] = o
	}
	if o.replaying || time.Now().Before(o.retryAt) {
		return false
	}
	// A node that was a fallback owes to itself what it is to be a primary of: it is no peer, and always there.
	itself := stats.Owner == engine.Owner(r.o.Self)
	if !itself && !r.o.Peers.Up(string(stats.Owner)) && !aged && o.ring == version {
		return false
	}
	o.replaying, o.ring = true, version
	return true
}

// end notes how a way through the hints of an owner ended.
func (r *Replayer) end(ctx context.Context, id engine.Owner, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.owners[id]
	o.replaying = false
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		o.failures, o.lastError = 0, ""
		return
	}
	pause := retryMin
	if !errors.Is(err, errOtherRing) { // which gossip mends
		pause = min(retryMin<<min(o.failures, 16), retryMax)
		o.failures++
	}
	o.retryAt = time.Now().Add(pause)
	o.lastError = err.Error()
	level := r.o.Logger.Warn
	if errors.Is(err, errGone) || errors.Is(err, errOtherRing) {
		level = r.o.Logger.Debug // which others report, or which passes
	}
	level("hints could not be delivered, they are sent again later", "owner", id, "after", pause, "error", err)
}

// Stats are the figures of now.
func (r *Replayer) Stats() Stats {
	return Stats{Replayed: r.stats.replayed.Load(), Aged: r.stats.aged.Load()}
}

// Status is how the replay to one owner does.
type Status struct {
	// Replaying says that its hints are being sent.
	Replaying bool
	// Retry is how long it will be until that is tried again; 0 when nothing has failed.
	Retry time.Duration
	// LastError is why the last way through its hints broke off; empty when it did not.
	LastError string
}

// Status tells how the replay to an owner does.
func (r *Replayer) Status(id engine.Owner) Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.owners[id]
	if o == nil {
		return Status{}
	}
	return Status{Replaying: o.replaying, Retry: max(0, time.Until(o.retryAt)), LastError: o.lastError}
}
