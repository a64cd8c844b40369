package antientropy

import (
	"context"
	"errors"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
)

// job is one exchange to be made.
type job struct {
	peer  ring.NodeID
	slots *engine.SlotSet
	// whole says that slots are all that are shared with the peer.
	whole bool
	// thorough says to compare leaves also where writes are arriving.
	thorough bool

	// How it went:
	busy     time.Duration   // what the peer and this node took for questions and answers
	fruitful bool            // something was joined
	skipped  *engine.SlotSet // slots with buckets that were left alone
}

// exchangeLoop makes one exchange after the other: those of a run that was asked for, those of touched slots, and else
// the trickle.
func (r *Repairer) exchangeLoop(ctx context.Context) {
	trickle := time.Now().Add(r.jittered(roundPause))
	for {
		if r.pace.Wait(ctx) != nil {
			return
		}
		if run := r.startedRun(); run != nil {
			r.work(ctx, run)
			continue
		}
		j, at := r.nextTouched()
		if j == nil && !time.Now().Before(trickle) {
			trickle = time.Now().Add(r.jittered(roundPause))
			j = r.nextInTurn()
		}
		if j == nil {
			if !at.IsZero() && at.Before(trickle) {
				r.await(ctx, time.Until(at))
			} else {
				r.await(ctx, time.Until(trickle))
			}
			if ctx.Err() != nil {
				return
			}
			continue
		}
		_ = r.do(ctx, j) // which has noted its failure
	}
}

// await waits for a while, or less when there may be something to do.
func (r *Repairer) await(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.wake:
	case <-ctx.Done():
	}
}

// jittered is between half of d and one and a half.
func (r *Repairer) jittered(d time.Duration) time.Duration {
	return time.Duration((0.5 + r.o.Jitter()) * float64(d))
}

// nextTouched is the exchange of touched slots whose turn it is. When there is none, at is when there may be; zero for
// never.
func (r *Repairer) nextTouched() (j *job, at time.Time) {
	shared := r.shared.with(r.o.Ring())
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for id, set := range shared {
		p := r.peer(id)
		if p.touchedAt.IsZero() || !r.o.Peers.Up(string(id)) {
			continue // when it comes up, its slots are touched
		}
		due := p.touchedAt.Add(touchPause)
		if due.Before(p.retryAt) {
			due = p.retryAt
		}
		if due.After(now) {
			if at.IsZero() || due.Before(at) {
				at = due
			}
			continue
		}
		taken := p.take(set)
		p.touched, p.touchedAt = engine.SlotSet{}, time.Time{} // the rest is not shared
		if isEmpty(taken) {
			continue
		}
		return &job{peer: id, slots: taken, whole: *taken == *set, thorough: p.overdue()}, at
	}
	return nil, at
}

// nextInTurn is the exchange with the peer whose turn it is longest.
func (r *Repairer) nextInTurn() *job {
	shared := r.shared.with(r.o.Ring())
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	var next ring.NodeID
	for id := range shared {
		p := r.peer(id)
		if r.o.Peers.Up(string(id)) && !now.Before(p.retryAt) && (next == "" || p.tried.Before(r.peer(next).tried)) {
			next = id
		}
	}
	if next == "" {
		return nil
	}
	p := r.peer(next)
	p.tried = now
	return &job{peer: next, slots: shared[next], whole: true, thorough: p.overdue()}
}

// do makes an exchange and notes how it ended.
func (r *Repairer) do(ctx context.Context, j *job) error {
	err := r.exchange(ctx, j)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peer(j.peer)
	if err != nil {
		p.touch(j.slots)
		p.fail(err)
		r.stats.failed.Add(1)
		level := r.o.Logger.Warn
		if errors.Is(err, errPeerGone) || errors.Is(err, ErrNotShared) {
			level = r.o.Logger.Debug // which others report, or which passes
		}
		level("an exchange failed, it is made again later", "peer", j.peer, "error", err)
		return err
	}
	r.stats.exchanges.Add(1)
	p.succeed(j)
	if j.whole {
		p.lastRound = time.Now()
	}
	return nil
}
