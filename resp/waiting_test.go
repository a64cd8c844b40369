package resp

import (
	"context"
	"strings"
	"testing"
)

// What stands before a command that waits is answered at once, and what stands behind it is run when it has ended, be it in the
// same batch, cut in two, or sent meanwhile.
func TestWaitInPipeline(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		c.send("ECHO before\r\nWAIT one\r\nECHO behind\r\nWAIT two\r\nECHO last\r\n*2\r\n$4\r\nEC")
		c.expect("$6\r\nbefore\r\n")
		await(t, h.held)
		c.send("HO\r\n$4\r\ntail\r\n")
		h.release <- struct{}{}
		c.expect("$3\r\none\r\n")
		c.expect("$6\r\nbehind\r\n")
		await(t, h.held)
		h.release <- struct{}{}
		c.expect("$3\r\ntwo\r\n$4\r\nlast\r\n$4\r\ntail\r\n")
	})
}

// Others use the memory again that was lent to a client which waits.
func TestWaitGivesMemoryBack(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		var waiting []*client
		for range 20 {
			c := dial()
			c.send("WAIT %s\r\nECHO %s\r\nECHO ", strings.Repeat("w", 1000), strings.Repeat("e", 1000))
			await(t, h.held)
			waiting = append(waiting, c)
			for range 2 { // of each loop
				other := dial()
				other.send("ECHO %s\r\n", strings.Repeat("x", 15_000))
				other.expect("$15000\r\n" + strings.Repeat("x", 15_000) + "\r\n")
			}
		}
		if s := h.server.Stats(); s.Blocked != 20 || s.Memory > 4*chunkSize {
			t.Errorf("%d wait, %d bytes are held", s.Blocked, s.Memory)
		}
		for _, c := range waiting {
			c.send("rest\r\n")
			h.release <- struct{}{}
		}
		for _, c := range waiting {
			c.expect("$1000\r\n" + strings.Repeat("w", 1000) + "\r\n$1000\r\n" + strings.Repeat("e", 1000) + "\r\n$4\r\nrest\r\n")
		}
		if s := h.server.Stats(); s.Blocked != 0 {
			t.Errorf("%d wait", s.Blocked)
		}
	})
}

// What the handler has copied counts among what connections hold, for as long as the batch runs.
func TestWaitIsCharged(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		const size = 100_000
		c, other := dial(), dial()
		c.send("PING\r\n")
		c.expect("+PONG\r\n")
		idle := h.server.Stats().Memory
		until := func(holds func(held int64) bool) {
			for !holds(h.server.Stats().Memory - idle) { // until the deadline of other
				other.send("PING\r\n")
				other.expect("+PONG\r\n")
			}
		}
		c.send("WAIT %s\r\n", strings.Repeat("w", size))
		await(t, h.held)
		until(func(held int64) bool { return held >= size })
		h.release <- struct{}{}
		c.expect("$100000\r\n" + strings.Repeat("w", size) + "\r\n")
		until(func(held int64) bool { return held < size })
	})
}

func TestWaitEndsWithClient(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		gone, killed, killer := dial(), dial(), dial()
		gone.send("WAIT x\r\n")
		await(t, h.held)
		gone.Close()
		await(t, h.hungUp)
		await(t, h.closed)
		killed.send("WAIT x\r\n")
		await(t, h.held)
		if f := h.server.Clients(Filter{Addr: killed.addr()}); len(f) != 1 || !strings.Contains(f[0].Info(), " flags=b ") {
			t.Errorf("%v", f)
		}
		killer.send("KILL %s\r\n", killed.addr())
		killer.expect(":1\r\n")
		await(t, h.hungUp)
		await(t, h.closed)
		killed.expectEnd("")
	})
}

// Neither SHUTDOWN nor the end of the server waits for who waits for others.
func TestShutdownWithWaitingClient(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		c.send("ECHO x\r\nWAIT x\r\n")
		await(t, h.held)
		if err := h.server.Settle(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		if err := h.server.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		await(t, h.hungUp)
		c.expectEnd("$1\r\nx\r\n")
	})
}
