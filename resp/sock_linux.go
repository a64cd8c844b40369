package resp

import (
	"golang.org/x/sys/unix"
)

// readsPerTurn and writesPerTurn bound the system calls for one connection before the others of the loop have their turn. A client
// that reads as fast as it is written to would else keep the loop for the whole of a large reply.
const (
	readsPerTurn  = 16
	writesPerTurn = 4
)

// sock is a connection that a loop drives.
type sock struct {
	conn
	loop       *loop
	generation int32
	chunk      *chunk     // holds what in was lent
	reply      []byte     // to be sent at the end of the round, before what is in out; nil when there is nothing
	readable   bool       // the kernel may have bytes
	ended      bool       // the client sends no more; the end has to be read
	unsent     bool       // it is among loop.unsent
	broken     bool       // a write failed
	closed     bool       // the descriptor is
	lingering  *lingering // not nil once the sending side has ended
}

// adopt begins to drive a connection.
func (l *loop) adopt(s *sock) {
	if s.doomed.Load() || s.stopping.Load() {
		s.closed = true
		unix.Close(s.fd)
		l.forget(s)
		return
	}
	l.generation++
	s.generation = l.generation
	for len(l.socks) <= s.fd {
		l.socks = append(l.socks, nil)
	}
	l.socks[s.fd] = s
	e := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff, Fd: int32(s.fd), Pad: s.generation,
	}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, s.fd, &e); err != nil {
		l.server.logger.Warn("watching a client connection", "client", s.RemoteAddr, "error", err)
		l.close(s)
	}
}

// read reads and serves while there is something to read.
func (l *loop) read(s *sock) {
	if s.lingering != nil {
		l.discard(s)
		return
	}
	for turn := 0; s.readable && !s.suspended.Load() && !s.closing && !s.closed && !s.doomed.Load(); turn++ {
		if turn == readsPerTurn {
			l.again = append(l.again, s)
			return
		}
		if !l.receive(s) {
			return
		}
		l.after(s, s.advance())
	}
}

// receive reads once. It reports false when there was nothing, and closes the connection at its end.
func (l *loop) receive(s *sock) bool {
	room := s.in.room()
	lent := room == nil
	var c *chunk
	if lent {
		c = l.memory.chunk()
		room = c.room()
	}
	n, err := readNow(s.fd, room)
	switch {
	case err == unix.EAGAIN:
		s.readable = false
		return false
	case err == unix.EINTR:
		return true
	case err != 0:
		l.close(s)
		return false
	case n == 0 && s.silent():
		l.close(s)
		return false
	case n == 0:
		s.stop() // it may still read its replies
		return false
	}
	// A read that did not fill the room has emptied the socket, but for the end of the stream.
	s.readable = n == min(len(room), longestCall) || s.ended
	s.lastUsed.Store(l.now)
	l.counted.read(n)
	if lent {
		s.chunk = c
		s.in.add(c.take(n))
	} else {
		s.in.filled(n)
	}
	return true
}

// after follows advance and resume.
func (l *loop) after(s *sock, finished bool) {
	if !finished {
		return
	}
	l.memory.release(s.chunk)
	s.chunk = nil
	l.closeIfDone(s)
}

// silent reports that no reply waits.
func (s *sock) silent() bool { return s.reply == nil && s.out.empty() }

// closeIfDone closes a connection that is to end and has nothing under way.
func (l *loop) closeIfDone(s *sock) {
	done := s.closing && s.silent() && !s.suspended.Load()
	switch {
	case s.broken, done && !s.lingers():
		l.close(s)
	case done:
		l.linger(s)
	}
}

// resume goes on after the handler.
func (l *loop) resume(s *sock) {
	if s.closed {
		s.abandon()
		l.forget(s)
		return
	}
	l.after(s, s.conn.resume())
	l.read(s)
}

// drain ends a connection as soon as nothing is under way.
func (l *loop) drain(s *sock) {
	if s.closed || s.suspended.Load() || l.socks[s.fd] != s {
		return // adopt and served look at stopping
	}
	s.stop()
	l.closeIfDone(s)
}

// unload gives back what was lent to a connection whose batch waits. Thousands may wait, and the buffer of one read is large.
func (l *loop) unload(s *sock) {
	if s.closed {
		return
	}
	s.sendEarly()
	if !s.suspended.Load() || !s.waiting.Load() {
		return // the batch has ended, and another that runs need not be copied
	}
	s.conn.unload()
	l.memory.release(s.chunk)
	s.chunk = nil
}

// close closes the socket. The connection is forgotten now or, when the handler is at work, after that.
func (l *loop) close(s *sock) {
	if s.closed || s.fd >= len(l.socks) || l.socks[s.fd] != s {
		return // adopt looks at doomed
	}
	s.closed = true
	s.lose()
	s.stop()
	l.socks[s.fd] = nil
	unix.Close(s.fd)
	s.hangUp()
	s.reply = nil
	s.out.drop()
	s.wrote()
	if !s.suspended.Load() {
		l.forget(s)
	}
}

// forget ends the life of a connection whose socket is closed.
func (l *loop) forget(s *sock) {
	s.in.drop()
	l.memory.release(s.chunk)
	s.chunk = nil
	l.server.forget(&s.conn)
}

// send is link's.
func (s *sock) send(b []byte) (took bool) {
	if s.closed || s.broken {
		s.lose()
		return false
	}
	if s.silent() {
		s.reply = b
		s.loop.replied = append(s.loop.replied, s)
		return true
	}
	s.sendReply()
	return s.sendNow(b)
}

// sendReplies ends a round.
func (l *loop) sendReplies() {
	for _, s := range l.replied {
		s.sendReply()
		if !s.closed {
			l.closeIfDone(s)
		}
	}
	clear(l.replied)
	l.replied = l.replied[:0]
}

// sendReply sends what was kept for the end of the round.
func (s *sock) sendReply() {
	b := s.reply
	s.reply = nil
	if b != nil && !s.sendNow(b) {
		s.takeBuffer(b[:0])
	}
	s.took()
}

// sendNow writes, and keeps what the socket does not take.
func (s *sock) sendNow(b []byte) (took bool) {
	if s.closed || s.broken {
		return false
	}
	sent := 0
	for turn := 0; s.out.empty() && sent < len(b); turn++ {
		if turn == writesPerTurn {
			s.loop.writeLater(s)
			break
		}
		n, err := writeNow(s.fd, b[sent:])
		if err == unix.EAGAIN {
			break
		}
		if err != 0 && err != unix.EINTR {
			s.broken = true
			s.lose()
			s.stop()
			return false
		}
		s.counted.wrote(n)
		sent += n
	}
	if sent == len(b) {
		return false
	}
	took = s.out.add(b[sent:])
	s.wrote()
	return took
}

// writeLater gives a connection another turn to write: the socket may take more, so epoll need not tell.
func (l *loop) writeLater(s *sock) {
	if !s.unsent {
		s.unsent = true
		l.unsent = append(l.unsent, s)
	}
}

// write sends waiting replies when the socket takes some again.
func (l *loop) write(s *sock) {
	for turn := 0; !s.out.empty(); turn++ {
		if turn == writesPerTurn {
			l.writeLater(s)
			break
		}
		n, err := writeNow(s.fd, s.out.next())
		if err == unix.EAGAIN {
			break
		}
		if err != 0 && err != unix.EINTR {
			l.close(s)
			return
		}
		s.counted.wrote(n)
		s.out.wrote(n)
		s.lastUsed.Store(l.now)
	}
	s.wrote()
	s.took()
	l.closeIfDone(s)
}

func (s *sock) lendBatch() *batch   { return s.loop.memory.lendBatch() }
func (s *sock) takeBatch(b *batch)  { s.loop.memory.takeBatch(b) }
func (s *sock) lendBuffer() []byte  { return s.loop.memory.lendBuffer() }
func (s *sock) takeBuffer(b []byte) { s.loop.memory.takeBuffer(b) }
func (s *sock) finish()             { s.loop.post(task{s, actResume}) }
func (s *sock) end()                { s.loop.post(task{s, actEnd}) }
func (s *sock) drain()              { s.stopping.Store(true); s.loop.post(task{s, actDrain}) }
func (s *sock) pass()               { s.loop.post(task{s, actPass}) }
func (s *sock) unload()             { s.loop.post(task{s, actUnload}) }
