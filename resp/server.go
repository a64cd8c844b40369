package resp

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
)

// Options are what a server is made of.
type Options struct {
	Handler Handler
	Limits  Limits
	// Logger gets what operators should know; nil: nothing is logged.
	Logger *slog.Logger
}

// Server accepts connections and moves them through the steps that the package comment tells of. Create one by NewServer.
// Its methods may be called from any goroutine.
type Server struct {
	handler Handler
	logger  *slog.Logger
	limits  atomic.Pointer[Limits]
	paused  atomic.Uint32 // a PauseMode
	pause   pause
	nextID  atomic.Uint64

	mu sync.Mutex // guards all below
}

type conn struct{}

// NewServer returns a server that has no listeners yet.
func NewServer(o Options) *Server {
	s := &Server{handler: o.Handler, logger: o.Logger}
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

// Serve accepts connections from a listener until Shutdown or an error, which it returns; after Shutdown nil. It
// closes the listener.
func (s *Server) Serve(l net.Listener, p Persona) error { return l.Close() }

// ServeConn serves one connection until it is closed.
func (s *Server) ServeConn(c net.Conn, p Persona) { c.Close() }

// Shutdown stops accepting, lets the batches that are running finish, sends their replies and closes all connections.
// When ctx ends first the rest is cut, and its error returned.
func (s *Server) Shutdown(ctx context.Context) error { return ctx.Err() }

// Clients returns the connections that pass a filter, oldest first.
func (s *Server) Clients(f Filter) []*Session { return nil }

// Kill closes the connections that pass a filter and returns their number. When self, the session of the caller, is
// among them, it is closed after its reply.
func (s *Server) Kill(f Filter, self *Session) int { return 0 }

// Stats returns the figures.
func (s *Server) Stats() Stats { return Stats{} }

// ResetStats sets the counts to 0, as CONFIG RESETSTAT does.
func (s *Server) ResetStats() {}

// Info is the line that CLIENT LIST and CLIENT INFO show of a connection, without a line end.
func (s *Session) Info() string { return "" }

// OutputExceeded reports that the replies are more than the connection may have waiting: it will be cut, and the
// handler need not go on.
func (s *Session) OutputExceeded() bool { return false }
