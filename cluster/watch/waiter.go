package watch

import (
	"container/list"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
)

// Outcome is what became of an attempt.
type Outcome uint8

const (
	// Nothing says that there was nothing to take.
	Nothing Outcome = iota
	// Settled says that the client has its reply: what it has taken, or an error.
	Settled
	// Unavailable says that nothing was done, for the quorum cannot be met now.
	Unavailable
)

// Attempt is one attempt to take something for a client.
type Attempt struct {
	Waiter *Waiter
	// Key is the place, among the waiter's keys, of the key to take from.
	Key int
	// First says that the client has not waited yet; an error is its reply then. Check says that others are ahead of it:
	// nothing must be taken, but an error is its reply.
	First, Check bool
	// Outcome is to be set before the attempt is done.
	Outcome Outcome
}

// Client is what waits.
type Client interface {
	// Try makes attempts, in order, of this client and others of its kind. done is called once, when all have an outcome; it
	// may be before Try returns.
	Try(attempts []*Attempt, done func())
	// Waiting is called once when the first attempts were in vain and the client begins to wait: what it wants to wait no
	// longer than, and what may end it, begins here.
	Waiting()
	// Done is the end, called once: the client has its reply, or has left without one.
	Done(left bool)
}

// Waiter is a client that waits, or is about to. It is given to Wait once.
type Waiter struct {
	Client Client
	// Keys are what it waits for, the first that has something wins. All are of one type.
	Keys []Key
	// Quorum is that of its attempts.
	Quorum quorum.Choice

	// What follows belongs to the Service's mu.

	began  time.Time
	places []place
	// busy says that an attempt is under way. Only one is at a time, or a client could take twice.
	busy    bool
	leaving bool     // it is to leave when it is not busy
	ended   bool     // it is in no queue any more
	parked  []*queue // whose turn waits for this waiter
	retry   []*queue // of shared types, to be attempted when the waiter is free
}

// place is where a waiter stands in a queue.
type place struct {
	queue   *queue
	element *list.Element
}

// Wait has a client attempt its keys, and wait when there is nothing. Its Done may be called before Wait returns.
func (s *Service) Wait(w *Waiter) {
	s.mu.Lock()
	w.began, w.busy = s.o.Now(), true
	for _, k := range w.Keys {
		q := s.queues[k]
		if q == nil {
			q = &queue{key: k}
			s.queues[k] = q
		}
		if last := q.waiters.Back(); last == nil || last.Value.(*Waiter) != w { // a key may be named twice
			w.places = append(w.places, place{q, q.waiters.PushBack(w)})
		}
	}
	s.mu.Unlock()
	s.arrive(w, 0)
}

// arrive makes the attempts of a client that has just come, from key i on, one after the other.
func (s *Service) arrive(w *Waiter, i int) {
	for ; i < len(w.Keys); i++ {
		s.mu.Lock()
		q := s.queues[w.Keys[i]]
		a := &Attempt{Waiter: w, Key: i, First: true, Check: !q.key.shared() && q.first() != w}
		s.mu.Unlock()
		next := i + 1
		if q.key.shared() {
			next = len(w.Keys) // one attempt is for all keys
		}
		var done atomic.Bool // by the first of the two that come to this point
		w.Client.Try([]*Attempt{a}, func() {
			if !done.CompareAndSwap(false, true) && !s.arrived(a) {
				s.arrive(w, next)
			}
		})
		if done.CompareAndSwap(false, true) || s.arrived(a) {
			return
		}
		i = next - 1
	}
	s.stay(w)
}

// stay has a client wait whose first attempts were in vain.
func (s *Service) stay(w *Waiter) {
	w.Client.Waiting()
	s.mu.Lock()
	var news []Key
	if !w.leaving {
		for _, p := range w.places {
			if q := p.queue; !q.watched {
				q.watched = true
				news = append(news, q.key)
			}
		}
	}
	s.free(w)
	s.unlock()
	s.announce(news)
}

// arrived reports whether an attempt has settled a client, which then does not have to wait. Others may have come after it, and
// rely on its attempts.
func (s *Service) arrived(a *Attempt) bool {
	if a.Outcome != Settled {
		return false
	}
	w := a.Waiter
	s.mu.Lock()
	s.end(w, false)
	for _, p := range w.places {
		if !p.queue.key.shared() && p.queue.first() != nil {
			p.queue.credit = unlimited
			s.turn(p.queue)
		}
	}
	s.unlock()
	return true
}

// Leave has a client leave without a reply. It may be too late for that, and Done tells.
func (s *Service) Leave(w *Waiter) {
	s.mu.Lock()
	switch {
	case w.ended:
	case w.busy:
		w.leaving = true
	default:
		s.end(w, true)
	}
	s.unlock()
}

// end takes a client out of all queues. mu is held.
func (s *Service) end(w *Waiter, left bool) {
	w.ended, w.busy = true, false
	for _, p := range w.places {
		p.queue.remove(p.element)
		s.drop(p.queue)
	}
	s.later(func() { w.Client.Done(left) })
	s.goOn(w)
}

// drop forgets a queue that is empty and has no turn under way. mu is held.
func (s *Service) drop(q *queue) {
	if q.waiters.Len() == 0 && !q.turning && s.queues[q.key] == q {
		delete(s.queues, q.key)
	}
}

// free follows an attempt that got nothing. mu is held.
func (s *Service) free(w *Waiter) {
	w.busy = false
	if w.leaving {
		s.end(w, true)
		return
	}
	s.goOn(w)
}

// goOn resumes the turns that waited for a waiter. mu is held.
func (s *Service) goOn(w *Waiter) {
	parked, retry := w.parked, w.retry
	w.parked, w.retry = nil, nil
	for _, q := range parked {
		q.turning = false
		s.turn(q)
	}
	if !w.ended && len(retry) > 0 {
		w.busy = true
		a := &Attempt{Waiter: w, Key: w.keyOf(retry[0])} // one attempt is for all keys
		s.later(func() { w.Client.Try([]*Attempt{a}, func() { s.retried(a) }) })
	}
}

// retried takes the outcome of an attempt that was put off because the waiter was busy.
func (s *Service) retried(a *Attempt) {
	s.mu.Lock()
	if a.Outcome == Settled {
		s.end(a.Waiter, false)
	} else {
		s.free(a.Waiter)
	}
	s.unlock()
}
