package resp

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Serve accepts connections from a listener until an error, which it returns; after Shutdown ErrServerClosed. It
// closes the listener; nobody else should.
func (s *Server) Serve(l net.Listener, p Persona) error {
	defer l.Close()
	accept := func() error { return s.acceptOne(l, p) }
	source := io.Closer(l)
	if byLoop, file := s.acceptToLoops(l, p); byLoop != nil {
		accept, source = byLoop, file
		defer file.Close()
		l.Close()
	}
	if !s.track(source) {
		return ErrServerClosed
	}
	defer s.untrack(source)
	for pause := time.Duration(0); ; {
		err := accept()
		switch {
		case err == nil:
			pause = 0
		case s.isClosed():
			return ErrServerClosed
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrClosed):
			return err
		default:
			// Such as no more file descriptors: some may come free.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.logger.Warn("accepting a client connection", "error", err)
			s.wait(pause)
		}
	}
}

// acceptOne takes a connection and serves it on a goroutine.
func (s *Server) acceptOne(l net.Listener, p Persona) error {
	nc, err := l.Accept()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nc.Close()
	}
	s.work.Go(func() { s.ServeConn(nc, p) })
	return nil
}

func (s *Server) track(l io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.listeners[l] = struct{}{}
	}
	return !s.closed
}

func (s *Server) untrack(l io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// wait sleeps, but not beyond the start of Shutdown for long.
func (s *Server) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.idle:
	}
}

// refusal is the reply to a connection from an address, empty when it is welcome.
func (s *Server) refusal(network, remote string) string {
	l := s.limits.Load()
	if !l.ProtectedMode || l.NeedsAuth || isLocal(network, remote) {
		return ""
	}
	return "-" + errProtected + "\r\n"
}

// isLocal reports that an address is of this machine. An address that says nothing of a machine, as on networks in
// memory, is not.
func isLocal(network, addr string) bool {
	if !strings.HasPrefix(network, "tcp") {
		return network == "unix" || network == "pipe"
	}
	ap, err := netip.ParseAddrPort(addr)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}
