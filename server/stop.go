package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kindredkv/kindred/resp"
	"github.com/kindredkv/kindred/resp/command"
)

// stopper is SHUTDOWN. A stop has two phases:
//
//	waiting   the commands that were running when SHUTDOWN came are waited for, up to shutdown-timeout. The node goes on as
//	          before, so that SHUTDOWN ABORT can be sent and the stop be called off. Then the log is synced: a node
//	          that cannot do so does not stop, unless by FORCE.
//	stopping  there is no way back: no new connections are taken, what is running is finished and answered. A signal
//	          begins here.
//
// SHUTDOWN NOW leaves out the waiting and cuts off what is running.
type stopper struct {
	node  *Node
	asked chan order // holds one, when the stop is certain

	mu      sync.Mutex // guards waiting and certain
	waiting *waiting   // not nil in the first phase
	certain bool       // the second phase has begun
}

// order is what a node stops by.
type order struct {
	command.ShutdownMode
	limit time.Time // when clients are cut off
}

// order is for a stop that begins now.
func (n *Node) order(mode command.ShutdownMode) order {
	o := order{mode, time.Now()}
	if !mode.Now {
		o.limit = o.limit.Add(n.live.Config().ShutdownTimeout)
	}
	return o
}

// waiting is the first phase of a stop.
type waiting struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	mode   command.ShutdownMode
	done   chan struct{} // closed at its end
	err    error         // why the node goes on; set before done is closed
}

var (
	errAborted = errors.New("the stop was aborted")
	errHurry   = errors.New("the stop must not wait")
)

// Shutdown is command.Stopper's.
func (s *stopper) Shutdown(ctx context.Context, session *resp.Session, mode command.ShutdownMode) error {
	w := s.begin(session, mode)
	if w == nil {
		return nil
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done(): // the client is gone, the stop goes on
		return nil
	}
}

// begin returns the waiting that is under way now, nil when the stop is certain already.
func (s *stopper) begin(session *resp.Session, mode command.ShutdownMode) *waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.certain:
		return nil
	case s.waiting == nil:
		w := &waiting{mode: mode, done: make(chan struct{})}
		w.ctx, w.cancel = context.WithCancelCause(context.Background())
		s.waiting = w
		go s.wait(w, session)
	default:
		s.waiting.mode.Now = s.waiting.mode.Now || mode.Now
		s.waiting.mode.Force = s.waiting.mode.Force || mode.Force
	}
	if mode.Now {
		s.waiting.cancel(errHurry)
	}
	return s.waiting
}

// AbortShutdown is command.Stopper's.
func (s *stopper) AbortShutdown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		return false
	}
	s.waiting.cancel(errAborted)
	return !errors.Is(context.Cause(s.waiting.ctx), errHurry)
}

// wait is the first phase.
func (s *stopper) wait(w *waiting, session *resp.Session) {
	n, o := s.node, s.node.order(command.ShutdownMode{})
	limit, cancel := context.WithDeadline(w.ctx, o.limit)
	_ = n.clients.Settle(limit, session) // what takes longer is cut off in the second phase
	cancel()
	var failed error
	if !errors.Is(context.Cause(w.ctx), errAborted) {
		failed = n.store.Sync()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = nil
	defer close(w.done)
	switch cause := context.Cause(w.ctx); {
	case errors.Is(cause, errAborted):
		w.err = errAborted
		n.log.Info("the stop that a client asked for was aborted")
	case failed != nil && !w.mode.Force:
		w.err = failed
		n.log.Error("the node does not stop: the store cannot be flushed", "error", failed)
	default:
		s.certain = true
		if o.ShutdownMode = w.mode; o.Now {
			o.limit = time.Now()
		} else if least := time.Now().Add(leastLimit); o.limit.Before(least) {
			o.limit = least
		}
		s.asked <- o
	}
	w.cancel(nil)
}

// leastLimit is what clients have at least to get their last replies.
const leastLimit = time.Second

// stop stops the node by an order.
func (n *Node) stop(o order) error {
	limit, cancel := context.WithDeadline(context.Background(), o.limit)
	defer cancel()
	err := n.Stop(limit)
	switch {
	case err == nil:
		n.log.Info("stopped in good order")
	case o.Force:
		n.log.Error("stopped by force", "error", err)
	default:
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// Stop stops accepting, lets running commands finish until ctx ends, flushes the store and marks it clean.
func (n *Node) Stop(ctx context.Context) error {
	var errs []error
	if n.web != nil {
		errs = append(errs, n.web.Close())
	}
	cut := n.clients.Shutdown(ctx)
	if cut != nil {
		n.log.Warn("clients were cut off", "error", cut)
	}
	n.running.Wait()
	errs = append(errs, n.cluster.Close())
	if cut != nil {
		// Without peers what still runs ends soon. The store must not be closed under it.
		last, cancel := context.WithTimeout(context.Background(), leastLimit)
		defer cancel()
		_ = n.clients.Shutdown(last)
	}
	return errors.Join(append(errs, n.store.Close())...)
}
