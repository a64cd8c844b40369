package resp

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// smallRead and largeRead bound the read buffer of a connection with a goroutine; it grows when reads fill it.
	smallRead = 2 << 10
	largeRead = 64 << 10
	// writePatience is how long the goroutine waits for a full socket before another goroutine does.
	writePatience = 10 * time.Millisecond
	// readAhead bounds what is read while a batch is running, to notice that the client has hung up.
	readAhead = 64 << 10
)

// talk drives a connection by a goroutine of its own, which reads and serves. When the client does not read its replies a
// second one writes them, so that a client may send a long pipeline before it reads the first reply.
type talk struct {
	conn
	nc       net.Conn
	buffer   []byte        // lent to in
	replies  []byte        // lent to Out
	spare    *batch        // lent to running
	finished chan struct{} // the handler is done with a batch; holds one
	watching atomic.Bool   // a read is to be interrupted when the handler is done

	mu      sync.Mutex    // guards conn.out and what follows
	writing bool          // the second goroutine is at work
	drained chan struct{} // closed when it is done
}

// ServeConn serves one connection until it is closed.
func (s *Server) ServeConn(nc net.Conn, p Persona) {
	defer nc.Close()
	t := &talk{nc: nc, finished: make(chan struct{}, 1)}
	t.link, t.counted = t, &s.counted
	t.done = t.finish
	remote := nc.RemoteAddr()
	s.open(&t.conn, p, remote.String(), nc.LocalAddr().String())
	if text := s.refusal(remote.Network(), remote.String()); text != "" {
		s.rejected.Add(1)
		t.writeNow([]byte(text))
		return
	}
	if ok, closed := s.admit(&t.conn); !ok {
		if !closed {
			t.writeNow([]byte("-" + errMaxClients + "\r\n"))
		}
		return
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		keepAlive(tcp, s.limits.Load().KeepAlive)
	}
	s.handler.Opened(&t.Session)
	t.run()
	t.linger()
	nc.Close()
	t.awaitWriter()
	s.forget(&t.conn)
}

func keepAlive(tcp *net.TCPConn, interval time.Duration) {
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable: interval > 0, Idle: interval, Interval: max(interval/3, time.Second), Count: 3,
	})
}

// run reads and serves until the connection is to end and its replies are sent.
func (t *talk) run() {
	for !t.closing && !t.stopping.Load() {
		if err := t.read(); err != nil {
			break
		}
		for finished := t.advance(); !finished; finished = t.resume() {
			t.await()
		}
	}
	t.stop()
	t.awaitWriter()
}

// read waits for bytes.
func (t *talk) read() error {
	room := t.in.room()
	lent := room == nil
	if lent {
		if t.buffer == nil {
			t.buffer = make([]byte, smallRead)
		}
		room = t.buffer
	}
	n, err := t.nc.Read(room)
	if n > 0 {
		t.lastUsed.Store(time.Now().UnixMilli())
		t.counted.read(n)
	}
	switch {
	case !lent:
		t.in.filled(n)
	case n == len(room) && n < largeRead:
		t.in.add(room[:n:n])
		t.buffer = make([]byte, 2*n) // the old one goes with the input
	case n > 0:
		t.in.add(room[:n:n])
	}
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && !t.doomed.Load() {
		return t.nc.SetReadDeadline(time.Time{}) // from finish, too late to interrupt watch
	}
	if n > 0 {
		return nil
	}
	return err
}

// finish is the handler's word that the batch is done.
func (t *talk) finish() {
	t.finished <- struct{}{}
	if t.watching.Load() {
		_ = t.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// await waits until the handler is done with the batch. After a while it watches for the client to hang up.
func (t *talk) await() {
	select {
	case <-t.finished:
		return
	default:
	}
	timer := time.NewTimer(hangUpGrace)
	defer timer.Stop()
	select {
	case <-t.finished:
		return
	case <-timer.C:
	}
	if !t.watch() {
		<-t.finished
	}
}

// watch reads ahead until the handler is done, and then reports true, or until the client has hung up or has sent much.
//
// The read is interrupted in one of two ways. Either finish sees watching and sets the deadline, or it looked before
// watching was set, and then the channel is full when it is looked at afterwards.
func (t *talk) watch() bool {
	t.watching.Store(true)
	defer t.watching.Store(false)
	for len(t.in.data) < readAhead {
		select {
		case <-t.finished:
			_ = t.nc.SetReadDeadline(time.Time{})
			return true
		default:
		}
		ahead := make([]byte, smallRead)
		n, err := t.nc.Read(ahead)
		if n > 0 {
			t.counted.read(n)
			t.in.add(ahead[:n:n])
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			// From finish, which has been seen by the next look, or from drain, which is not to interrupt every read to come.
			_ = t.nc.SetReadDeadline(time.Time{})
		case err != nil:
			t.hangUp()
			return false
		}
	}
	return false
}

// send is link's.
func (t *talk) send(b []byte) (took bool) {
	t.mu.Lock()
	if t.writing {
		took = t.out.add(b)
		t.wrote()
		t.mu.Unlock()
		return took
	}
	t.mu.Unlock()
	n, err := t.writeNow(b)
	switch {
	case err == nil:
		return false
	case !errors.Is(err, os.ErrDeadlineExceeded):
		t.lose()
		t.stop()
		return false
	}
	_ = t.nc.SetWriteDeadline(time.Time{})
	t.mu.Lock()
	defer t.mu.Unlock()
	took = t.out.add(b[n:])
	t.writing, t.drained = true, make(chan struct{})
	t.server.work.Go(t.write)
	t.wrote()
	return took
}

func (t *talk) writeNow(b []byte) (int, error) {
	_ = t.nc.SetWriteDeadline(time.Now().Add(writePatience))
	n, err := t.nc.Write(b)
	t.counted.wrote(n)
	return n, err
}

// write is the second goroutine. It ends when nothing is left or the connection is gone.
func (t *talk) write() {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer close(t.drained)
	for !t.out.empty() {
		b := t.out.next()
		t.mu.Unlock()
		n, err := t.nc.Write(b[:min(len(b), largeRead)])
		t.mu.Lock()
		t.counted.wrote(n)
		t.lastUsed.Store(time.Now().UnixMilli())
		t.out.wrote(n)
		if err != nil {
			t.lose()
			t.out.drop()
			t.nc.Close()
		}
		t.conn.wrote()
		t.took()
	}
	t.writing = false
}

// awaitWriter waits until the replies are sent or the connection is gone.
func (t *talk) awaitWriter() {
	t.mu.Lock()
	writing, drained := t.writing, t.drained
	t.mu.Unlock()
	if writing {
		<-drained
	}
}

func (t *talk) lendBatch() *batch {
	b := t.spare
	t.spare = nil
	if b == nil {
		b = new(batch)
	}
	return b
}

func (t *talk) takeBatch(b *batch) {
	if b.reusable() {
		t.spare = b
	}
}

func (t *talk) lendBuffer() []byte {
	b := t.replies
	t.replies = nil
	if b == nil {
		b = make([]byte, 0, 512)
	}
	return b
}

func (t *talk) takeBuffer(b []byte) {
	if cap(b) <= keptOut {
		t.replies = b
	}
}

// end is link's: the goroutine notices that the connection is closed.
func (t *talk) end() {
	t.hangUp()
	t.nc.Close()
}

// unload is link's. What is lent is the connection's own, and small. The connection's goroutine waits for the handler, so
// that another may write.
func (t *talk) unload() {
	t.sendEarly()
	t.charge(&t.chargedBatch, t.copied.Load())
}

// pass is link's.
func (t *talk) pass() {
	t.sendEarly()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took()
}

// drain is link's: a goroutine that waits for bytes is woken, one that serves stops afterwards.
func (t *talk) drain() {
	t.stopping.Store(true)
	_ = t.nc.SetReadDeadline(time.Unix(1, 0))
}
