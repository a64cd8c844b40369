package command

import (
	"context"
	"sync"
	"time"

	"github.com/kindredkv/kindred/cluster/watch"
	"github.com/kindredkv/kindred/engine/object"
)

// waiting are the clients of the node that wait, by their numbers.
type waiting struct {
	mu      sync.Mutex // guards clients
	clients map[uint64]waitingClient
}

// waitingClient is a client that waits.
type waitingClient interface {
	// end has it wait no longer.
	end(why ending)
	// timed reports whether its time is bounded.
	timed() bool
}

func (w *waiting) add(id uint64, c waitingClient) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.clients == nil {
		w.clients = map[uint64]waitingClient{}
	}
	w.clients[id] = c
}

func (w *waiting) remove(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.clients, id)
}

// end has a client wait no longer. It reports false when it does not.
func (w *waiting) end(id uint64, why ending) bool {
	w.mu.Lock()
	c := w.clients[id]
	w.mu.Unlock()
	if c == nil {
		return false
	}
	c.end(why)
	return true
}

// timed is how many wait for a bounded time.
func (w *waiting) timed() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.clients {
		if c.timed() {
			n++
		}
	}
	return n
}

func (b *blocked) timed() bool { return b.wanted.timeout > 0 }

// Await is for commands with Slow and the flag Blocking: it waits until try, which makes an attempt and reports whether that
// has made the reply, has reported true. It calls try once before it waits, and again whenever one of the keys, which are to
// be of a type that one client does not take away from others, has changed. One call is made at a time, and none after Await
// has returned; those of clients that are inOrder follow each other in the order in which these came. Where the client waits
// no longer, after a timeout of more than 0 or for another reason, Await makes the reply itself.
func (r *Request) Await(kind object.Kind, keys [][]byte, timeout time.Duration, inOrder bool, try func() bool) {
	if len(keys) > maxWaitKeys {
		r.Fail(errManyKeys)
		return
	}
	a := &awaiting{r: r, timeout: timeout, inOrder: inOrder, tries: make(chan func(settled bool), 1), done: make(chan bool, 1)}
	a.waiter = watch.Waiter{Client: a, Quorum: r.Quorum}
	for _, key := range keys {
		a.waiter.Keys = append(a.waiter.Keys, watch.Key{Key: object.Key{DB: r.Session.DB, Name: string(key)}, Kind: kind})
	}
	a.began = r.Handler.Now()
	r.Handler.Cluster.Wait(&a.waiter)
	for {
		select {
		case result := <-a.tries:
			if a.first || !r.Handler.holdsBack(r.spec) {
				result(try())
			} else {
				result(false)
			}
		case left := <-a.done:
			a.finish(left)
			return
		}
	}
}

// awaiting is a client that waits in Await, on its goroutine.
type awaiting struct {
	r       *Request
	waiter  watch.Waiter
	timeout time.Duration
	inOrder bool
	first   bool // the present attempt is that before the waiting
	began   time.Time
	tries   chan func(settled bool) // attempts to be made; at most one
	done    chan bool

	waits bool
	timer *time.Timer
	unctx func() bool

	mu     sync.Mutex // guards ending
	ending ending
}

// Try is watch.Client's.
func (a *awaiting) Try(attempts []*watch.Attempt, done func()) {
	t := &trial{attempts: attempts, done: done}
	t.open.Store(1)
	var ordered []*watch.Attempt
	for _, attempt := range attempts {
		c := attempt.Waiter.Client.(*awaiting)
		c.first = attempt.First
		t.open.Add(1)
		if c.inOrder {
			ordered = append(ordered, attempt)
			continue
		}
		c.tries <- func(settled bool) {
			if settled {
				attempt.Outcome = watch.Settled
			}
			t.ended()
		}
	}
	t.inOrder(ordered)
	t.ended()
}

// inOrder makes attempts one after the other.
func (t *trial) inOrder(attempts []*watch.Attempt) {
	if len(attempts) == 0 {
		return
	}
	attempts[0].Waiter.Client.(*awaiting).tries <- func(settled bool) {
		if settled {
			attempts[0].Outcome = watch.Settled
		}
		t.inOrder(attempts[1:])
		t.ended()
	}
}

// Waiting is watch.Client's.
func (a *awaiting) Waiting() {
	h, s := a.r.Handler, a.r.Session
	a.waits, a.r.waited = true, true
	h.waiting.add(s.ID, a)
	s.Ran(&a.r.spec.fullName)
	s.BeginWait(a.r.copied)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unctx = context.AfterFunc(a.r.Ctx, func() { a.end(byHangUp) })
	if a.timeout > 0 {
		a.timer = time.AfterFunc(a.timeout-h.Now().Sub(a.began), func() { a.end(byTimeout) })
	}
}

func (a *awaiting) timed() bool { return a.timeout > 0 }

func (a *awaiting) end(why ending) {
	a.mu.Lock()
	if a.ending == waitsOn {
		a.ending = why
	}
	a.mu.Unlock()
	a.r.Handler.Cluster.Leave(&a.waiter)
}

// Done is watch.Client's.
func (a *awaiting) Done(left bool) { a.done <- left }

// finish ends the waiting, on the client's goroutine.
func (a *awaiting) finish(left bool) {
	s := a.r.Session
	if a.waits {
		a.unctx()
		if a.timer != nil {
			a.timer.Stop()
		}
		a.r.Handler.waiting.remove(s.ID)
		s.EndWait()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.r.Ctx.Err() != nil:
		s.Close = true
	case !left:
	case a.ending == byError:
		a.r.Fail(errUnblocked)
	default:
		a.r.Reply.NullArray()
	}
}
