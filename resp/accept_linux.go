package resp

import (
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// loopSet is the event loops of a server.
type loopSet struct {
	all  []*loop
	next atomic.Uint32
}

func (s *loopSet) counters() []*counters {
	if s == nil {
		return nil
	}
	var all []*counters
	for _, l := range s.all {
		all = append(all, &l.counted)
	}
	return all
}

// stop ends the loops.
func (s *loopSet) stop() {
	if s == nil {
		return
	}
	for _, l := range s.all {
		l.post(task{do: actQuit})
	}
}

// acceptToLoops returns a function that accepts one connection and gives it to a loop, and what it reads from, to be
// closed. It returns nil when connections of the listener are to have goroutines.
func (s *Server) acceptToLoops(l net.Listener, p Persona) (func() error, io.Closer) {
	tcp, ok := l.(*net.TCPListener)
	if !ok || s.wanted < 0 {
		return nil, nil
	}
	// A listener cannot be waited for without accepting; a file of the same socket can.
	file, err := tcp.File()
	if err != nil {
		return nil, nil
	}
	raw, err := file.SyscallConn()
	loops := s.startLoops()
	if err != nil || loops == nil {
		file.Close()
		return nil, nil
	}
	return func() error { return loops.accept(s, raw, p) }, file
}

// startLoops starts the loops, once. It returns nil when that is not possible.
func (s *Server) startLoops() *loopSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loops != nil || s.closed {
		return s.loops
	}
	set := &loopSet{}
	n := s.wanted
	if n == 0 {
		n = max(1, runtime.GOMAXPROCS(0)/2)
	}
	for range n {
		l, err := newLoop(s)
		if err != nil {
			s.logger.Warn("no event loop, connections get goroutines", "error", err)
			break
		}
		set.all = append(set.all, l)
		s.work.Go(l.run)
	}
	if len(set.all) > 0 {
		s.loops = set
	}
	return s.loops
}

// accept takes a connection past the runtime's own poller, which would watch it as well.
func (set *loopSet) accept(s *Server, raw syscall.RawConn, p Persona) error {
	var fd int
	var peer unix.Sockaddr
	var err error
	closed := raw.Read(func(listener uintptr) bool {
		fd, peer, err = unix.Accept4(int(listener), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		return err != unix.EAGAIN
	})
	switch {
	case closed != nil:
		return closed
	case err == unix.ECONNABORTED || err == unix.EINTR:
		return nil
	case err != nil:
		return err
	}
	own, _ := unix.Getsockname(fd)
	set.admit(s, fd, p, addressOf(peer), addressOf(own))
	return nil
}

// admit makes a descriptor a connection of a loop, or refuses it.
func (set *loopSet) admit(s *Server, fd int, p Persona, remote, local string) {
	l := set.all[int(set.next.Add(1))%len(set.all)]
	c := &sock{loop: l}
	c.fd, c.link, c.counted = fd, c, &l.counted
	c.done = c.finish
	s.open(&c.conn, p, remote, local)
	if text := s.refusal("tcp", remote); text != "" {
		s.rejected.Add(1)
		refuse(fd, text)
		return
	}
	if ok, closed := s.admit(&c.conn); !ok {
		if closed {
			unix.Close(fd)
		} else {
			refuse(fd, "-"+errMaxClients+"\r\n")
		}
		return
	}
	tune(fd, s.limits.Load().KeepAlive)
	s.handler.Opened(&c.Session)
	if !l.post(task{c, actAdopt}) {
		unix.Close(fd)
		s.forget(&c.conn)
	}
}

// refuse tells a client why and closes its connection.
func refuse(fd int, text string) {
	_, _ = writeNow(fd, []byte(text))
	unix.Close(fd)
}

// tune sets the options that the net package would have set.
func tune(fd int, keepAlive time.Duration) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if keepAlive <= 0 {
		return
	}
	interval := int(keepAlive / time.Second)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, max(interval, 1))
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, max(interval/3, 1))
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3)
}

// addressOf is a socket address as host:port.
func addressOf(sa unix.Sockaddr) string {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String()
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port)).String()
	default:
		return ""
	}
}
