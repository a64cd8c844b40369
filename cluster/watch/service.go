package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine/object"
)

// Store is what the service asks of the local store.
type Store interface {
	// Watch has changes of a key told to Changed, from the next one on; Unwatch ends that.
	Watch(key object.Key)
	Unwatch(key object.Key)
	// Elements is the type that a key shows, and the number of its elements.
	Elements(key object.Key) (object.Kind, int64)
}

// Options are the parts of a service.
type Options struct {
	Self  ring.NodeID
	Store Store
	// Coordinator is the node that orders the writes of a key, as far as this one knows; empty when there is none.
	Coordinator func(key object.Key) ring.NodeID
	// Call sends a request to another node.
	Call func(id ring.NodeID, kind uint8, payload []byte, timeout time.Duration, done func(transport.Reply))
	// Timeout is how long a command may take.
	Timeout func() time.Duration
	// Now is for durations. nil: time.Now.
	Now    func() time.Time
	Logger *slog.Logger
}

const (
	// renewal is how often a coordinator is told again of the queues here.
	renewal = time.Second
	// lease is how long it believes it. A second late is nothing on a busy machine.
	lease = 5 * renewal
)

// Service is the waiting of one node, both sides of it. Its methods may be called from any goroutine.
type Service struct {
	o    Options
	desk desk
	kick chan struct{} // holds one

	mu     sync.Mutex // guards what follows, all queues and all waiters. It is not held across calls of others.
	queues map[Key]*queue
	todo   []func() // to be called when mu is free, in order
}

// New returns a service of its parts. The store is to tell Changed of watched keys.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{o: o, kick: make(chan struct{}, 1), queues: map[Key]*queue{}}
	s.desk = desk{s: s, keys: map[object.Key]*watchedKey{}}
	return s
}

// Keys is the number of keys that clients of this node wait for.
func (s *Service) Keys() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queues)
}

// Run tells coordinators of the queues of this node, over and over, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	timer := time.NewTimer(renewal)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.kick:
		}
		s.renew()
		s.desk.sweep()
		timer.Reset(renewal)
	}
}

// Kick has coordinators told at once: they may be others now.
func (s *Service) Kick() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// later has a function called when mu is free. mu is held.
func (s *Service) later(f func()) { s.todo = append(s.todo, f) }

// unlock gives mu free and calls what has gathered meanwhile.
func (s *Service) unlock() {
	todo := s.todo
	s.todo = nil
	s.mu.Unlock()
	for _, f := range todo {
		f()
	}
}

// turn begins the next turn of a queue, or ends its round. mu is held.
func (s *Service) turn(q *queue) {
	if q.turning {
		q.again = true
		return
	}
	if q.key.shared() && q.again {
		q.again, q.next = false, q.waiters.Front()
	}
	chosen := q.choose()
	switch {
	case q.turning: // put off
	case len(chosen) == 0:
		s.endRound(q)
	default:
		q.turning = true
		attempts := make([]*Attempt, len(chosen))
		for i, w := range chosen {
			w.busy = true
			attempts[i] = &Attempt{Waiter: w, Key: w.keyOf(q)}
		}
		s.later(func() { chosen[0].Client.Try(attempts, func() { s.turned(q, attempts) }) })
	}
}

// keyOf is the place of a queue's key among those of the waiter.
func (w *Waiter) keyOf(q *queue) int {
	for i, k := range w.Keys {
		if k == q.key {
			return i
		}
	}
	return 0
}

// turned takes the outcomes of a turn.
func (s *Service) turned(q *queue, attempts []*Attempt) {
	s.mu.Lock()
	q.turning = false
	empty := false
	for _, a := range attempts {
		switch a.Outcome {
		case Settled:
			q.took++
			q.credit--
			s.end(a.Waiter, false)
			continue
		case Unavailable:
			q.refused = append(q.refused, a.Waiter.Quorum)
		default:
			empty = true
		}
		s.free(a.Waiter)
	}
	if empty && !q.key.shared() {
		s.endRound(q)
	} else {
		s.turn(q)
	}
	s.unlock()
}

// endRound answers the offers that the round was for, and begins another when there were more meanwhile. mu is held.
func (s *Service) endRound(q *queue) {
	if q.turning {
		return // a waiter that left has begun the next turn
	}
	if q.again && !q.key.shared() {
		q.again, q.refused = false, nil
		q.credit = max(q.credit, 1)
		s.turn(q)
		return
	}
	offers, a := q.end(s.o.Now())
	for _, answer := range offers {
		s.later(func() { answer(a) })
	}
	s.drop(q)
}

// offered takes an offer of n elements of a key, and answers it when nothing more can be taken.
func (s *Service) offered(k Key, n int, done func(answer)) {
	s.mu.Lock()
	q := s.queues[k]
	if q == nil {
		s.mu.Unlock()
		done(answer{})
		return
	}
	q.watched = true
	q.credit = min(q.credit+n, unlimited)
	q.offers = append(q.offers, done)
	if k.shared() {
		q.again = true
	}
	s.turn(q)
	s.unlock()
}

// announce tells coordinators of queues that they do not know yet.
func (s *Service) announce(keys []Key) {
	if len(keys) == 0 {
		return
	}
	now := s.o.Now()
	var notices []notice
	s.mu.Lock()
	for _, k := range keys {
		if q := s.queues[k]; q != nil && q.first() != nil {
			notices = append(notices, notice{k, now.Sub(q.first().began)})
		}
	}
	s.mu.Unlock()
	s.tell(notices)
}

// renew tells coordinators of all queues.
func (s *Service) renew() {
	now := s.o.Now()
	s.mu.Lock()
	notices := make([]notice, 0, len(s.queues))
	for k, q := range s.queues {
		if w := q.first(); w != nil && q.watched {
			notices = append(notices, notice{k, now.Sub(w.began)})
		}
	}
	s.mu.Unlock()
	s.tell(notices)
}

// maxNotices bounds the queues that one message tells of.
const maxNotices = 4096

// tell sends notices to the coordinators of their keys.
func (s *Service) tell(notices []notice) {
	byNode := map[ring.NodeID][]notice{}
	for _, n := range notices {
		id := s.o.Coordinator(n.key.Key)
		byNode[id] = append(byNode[id], n)
	}
	for id, list := range byNode {
		switch id {
		case "":
			continue // the next renewal may find one
		case s.o.Self:
			s.desk.watch(s.o.Self, list)
			continue
		}
		for len(list) > 0 {
			n := min(len(list), maxNotices)
			s.o.Call(id, KindWatch, appendNotices(nil, list[:n]), s.o.Timeout(), func(transport.Reply) {})
			list = list[n:]
		}
	}
}
