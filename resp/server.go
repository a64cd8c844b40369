package resp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// ErrServerClosed is returned by Serve after Shutdown has begun.
var ErrServerClosed = errors.New("resp: server is closed")

// Options are what a server is made of.
type Options struct {
	Handler Handler
	Limits  Limits
	// Logger gets what operators should know; nil: nothing is logged.
	Logger *slog.Logger
	// Loops is the number of event loops for TCP connections; 0: one for every two processors. Negative, or where the
	// system has none: every connection has a goroutine.
	Loops int
	// Hold and Release, when not nil, are called by an event loop around a round: the reading and serving of all
	// connections that have something to read. What is held back in a round can be done together at its end.
	Hold, Release func()
}

// Server accepts connections and moves them through the steps that the package comment tells of. Create one by NewServer.
// Its methods may be called from any goroutine.
type Server struct {
	handler Handler
	logger  *slog.Logger
	limits  atomic.Pointer[Limits]
	paused  atomic.Uint32 // a PauseMode
	pause   pause

	received, rejected, queryCuts, outputCuts, evicted, timedOut, faults, suspended, blocked atomic.Int64

	memory   atomic.Int64 // bytes held by all connections
	evicting atomic.Bool  // one evict at a time
	warned   atomic.Int64 // Unix seconds of the last warning of cross protocol scripting
	counted  counters     // of connections with a goroutine
	wanted   int          // Options.Loops
	hold     func()
	release  func()

	work sync.WaitGroup // all goroutines of the server

	mu        sync.Mutex // guards all below
	conns     map[uint64]*conn
	lastID    uint64
	listeners map[io.Closer]struct{} // what accepting reads from
	loops     *loopSet
	sweeping  chan struct{} // closed to stop the sweep; nil before the first connection
	closed    bool          // Shutdown has begun
	idle      chan struct{} // closed when closed is set and conns is empty
}

// NewServer returns a server that has no listeners yet. Shutdown releases what it takes.
func NewServer(o Options) *Server {
	s := &Server{
		handler: o.Handler, logger: o.Logger, wanted: o.Loops, hold: o.Hold, release: o.Release,
		conns: make(map[uint64]*conn), listeners: make(map[io.Closer]struct{}), idle: make(chan struct{}),
	}
	if s.hold == nil || s.release == nil {
		s.hold, s.release = func() {}, func() {}
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	s.SetLimits(o.Limits)
	return s
}

// Limits are those in force.
func (s *Server) Limits() Limits { return *s.limits.Load() }

// SetLimits changes the limits, for connections that exist too.
func (s *Server) SetLimits(l Limits) { s.limits.Store(&l) }

// Shutdown stops accepting, lets the batches that are running finish, sends their replies and closes all connections.
// When ctx ends first the rest is cut, and its error returned; batches that still run then are left to the handler.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, c := range s.close() {
		c.link.drain()
		if c.waiting.Load() {
			c.hangUp() // BeginWait looks whether the connection stops
		}
	}
	err := s.awaitIdle(ctx)
	if err != nil {
		for _, c := range s.all() {
			c.kill(byShutdown)
		}
	}
	if err != nil {
		// The loops are needed until the last handler is done with its batch.
		go func() {
			<-s.idle
			s.stopLoops()
		}()
		return err
	}
	s.stopLoops()
	s.work.Wait()
	return nil
}

func (s *Server) stopLoops() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loops.stop()
}

// close lets nothing new in and returns the connections there are.
func (s *Server) close() []*conn {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		if len(s.conns) == 0 {
			close(s.idle)
		}
		if s.sweeping != nil {
			close(s.sweeping)
		}
		for l := range s.listeners {
			l.Close()
		}
	}
	s.mu.Unlock()
	s.Unpause()
	return s.all()
}

func (s *Server) awaitIdle(ctx context.Context) error {
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// noteFault counts and logs a connection that ends for what it sent.
func (s *Server) noteFault(c *conn) {
	s.faults.Add(1)
	if c.fault != faultSmuggled {
		s.logger.Debug("protocol error from client", "client", c.RemoteAddr, "error", string(c.fault))
		return
	}
	now, last := time.Now().Unix(), s.warned.Load()
	if now-last >= 60 && s.warned.CompareAndSwap(last, now) {
		s.logger.Warn("Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands. This is likely "+
			"due to an attacker attempting to use Cross Protocol Scripting to compromise this instance. Connection aborted.",
			"client", c.RemoteAddr)
	}
}
