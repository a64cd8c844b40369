package transport

import (
	"errors"
	"net"
	"slices"
	"time"
)

// maxAcceptPause is the longest pause after an error of the listener, such as a lack of file descriptors.
const maxAcceptPause = time.Second

// accept takes connections until the listener is closed.
func (t *Transport) accept() {
	pause := time.Duration(0)
	for {
		conn, err := t.listener.Accept()
		switch {
		case err == nil:
			pause = 0
			t.admit(conn)
			continue
		case errors.Is(err, net.ErrClosed) || t.ctx.Err() != nil:
			return
		}
		pause = min(max(2*pause, 5*time.Millisecond), maxAcceptPause)
		t.options.Logger.Error("cannot accept peers", "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-t.ctx.Done():
			return
		}
	}
}

// admit starts the handshake of an accepted connection. When too many are in theirs the oldest is closed: a handshake
// between live nodes takes a moment, so the oldest is the least likely to come to an end, and a stranger who opens many
// connections and says nothing keeps no peer out.
func (t *Transport) admit(conn net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		conn.Close()
		return
	}
	if len(t.pending) >= t.options.MaxHandshakes {
		t.pending[0].Close()
		t.pending = slices.Delete(t.pending, 0, 1)
	}
	t.pending = append(t.pending, conn)
	t.work.Go(func() { t.welcome(conn) })
}

// welcome authenticates an accepted connection and serves it.
func (t *Transport) welcome(conn net.Conn) {
	from, clock, err := t.handshaker().accept(conn)
	in := t.settle(conn, from, clock, err)
	if in == nil {
		conn.Close()
		return
	}
	t.Kick(from) // it is there, whatever our last attempt met
	t.work.Go(in.write)
	in.startBeats()
	in.serve()
	t.options.Logger.Info("connection of a peer ended", "peer", from, "remote", conn.RemoteAddr().String(), "cause", in.cause)

	t.mu.Lock()
	if t.incoming[from] == in {
		delete(t.incoming, from)
	}
	t.mu.Unlock()
}

// settle takes a connection out of those pending and, when it was authenticated, registers it. A peer has one: an older
// one is a connection that the peer gave up before we noticed.
func (t *Transport) settle(conn net.Conn, from string, clock stopwatch, err error) *incoming {
	t.mu.Lock()
	at := slices.Index(t.pending, conn)
	if at >= 0 {
		t.pending = slices.Delete(t.pending, at, at+1)
	}
	if err == nil && t.options.Refuses(from) {
		err = refusal{reason: reasonRemoved}
	}
	if err == nil && at >= 0 && !t.closed {
		in := newIncoming(t, conn, from, clock)
		old := t.incoming[from]
		t.incoming[from] = in
		t.mu.Unlock()
		if old != nil {
			old.close(errReplaced)
		}
		return in
	}
	closed := t.closed
	t.mu.Unlock()
	if err != nil && !closed {
		t.refusals.log("accept", from, err, "remote", conn.RemoteAddr().String())
	}
	return nil
}
