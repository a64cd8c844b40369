package resp

import (
	"time"

	"golang.org/x/sys/unix"
)

// lingering is the state of a connection whose sending side has ended.
type lingering struct {
	until  int64 // Unix milliseconds
	active bool  // something came since the last look
}

// linger ends the sending side of a connection that has nothing left to send, and discards what still comes.
func (l *loop) linger(s *sock) {
	if s.lingering != nil {
		return
	}
	if err := unix.Shutdown(s.fd, unix.SHUT_WR); err != nil {
		l.close(s)
		return
	}
	s.lingering = &lingering{until: l.now + lingerMost.Milliseconds()}
	s.lookLater()
	l.discard(s)
}

// lookLater has the loop look whether the client is done.
func (s *sock) lookLater() {
	time.AfterFunc(lingerQuiet, func() { s.loop.post(task{s, actLook}) })
}

// look closes a connection that was quiet since the last look. It reads first: a loop that is behind has the news of what came only
// after this.
func (l *loop) look(s *sock) {
	if !s.closed && !s.lingering.active {
		s.readable = true
		l.discard(s)
	}
	switch {
	case s.closed:
	case !s.lingering.active, l.now >= s.lingering.until:
		l.close(s)
	default:
		s.lingering.active = false
		s.lookLater()
	}
}

// discard reads what nobody wants any more, and closes the connection at its end.
func (l *loop) discard(s *sock) {
	for turn := 0; s.readable && !s.closed; turn++ {
		if turn == readsPerTurn {
			l.again = append(l.again, s)
			return
		}
		n, err := readNow(s.fd, l.memory.chunk().room())
		switch {
		case err == unix.EAGAIN:
			s.readable = false
		case err == unix.EINTR:
		case err != 0, n == 0:
			l.close(s)
		default:
			s.lingering.active = true
			l.counted.read(n)
		}
	}
}
