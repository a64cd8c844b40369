package resp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestCommands(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		c.send("PING\r\n")
		c.expect("+PONG\r\n")
		c.send("*2\r\n$4\r\nEC")
		c.send("HO\r\n$5\r\nhel")
		c.send("lo\r\n*1\r\n$4\r\nPING\r\n")
		c.expect("$5\r\nhello\r\n+PONG\r\n")
		c.send("QUIT\r\nPING\r\n")
		c.expectEnd("+OK\r\n")
	})
}

func TestPipelineInOrder(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		var in, want bytes.Buffer
		for i := range 20_000 {
			name := []string{"ECHO", "ECHO", "LATER"}[i%3]
			fmt.Fprintf(&in, "%s %d\r\n", name, i)
			fmt.Fprintf(&want, "$%d\r\n%d\r\n", len(fmt.Sprint(i)), i)
		}
		go c.Write(in.Bytes())
		c.expect(want.String())
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, n := range h.batches {
			if n > maxBatch {
				t.Errorf("a batch of %d", n)
			}
		}
	})
}

// TestPipelineBeforeReading sends much more than sockets hold before it reads the first reply.
func TestPipelineBeforeReading(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		const n, size = 500, 100_000
		command := appendCommand(nil, []byte("ECHO"), make([]byte, size))
		for range n {
			if _, err := c.Write(command); err != nil {
				t.Fatal(err)
			}
		}
		for range n {
			c.expect(fmt.Sprintf("$%d\r\n", size))
			if _, err := c.r.Discard(size + 2); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestHugeArgument(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		value := bytes.Repeat([]byte("0123456789abcdef"), 4<<20/16)
		whole := appendCommand(nil, []byte("ECHO"), value)
		whole = append(whole, "PING\r\n"...)
		go func() {
			for _, piece := range split(whole, 10_000) {
				if _, err := c.Write(piece); err != nil {
					return
				}
			}
		}()
		c.expect(fmt.Sprintf("$%d\r\n", len(value)))
		c.expect(string(value))
		c.expect("\r\n+PONG\r\n")
	})
}

func TestFaults(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		for in, want := range map[string]string{
			"*1\r\n$9223372036854775807\r\n": "-ERR Protocol error: invalid bulk length\r\n",
			"PING\r\n*x\r\n":                 "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n",
			"*1\r\nPING\r\n":                 "-ERR Protocol error: expected '$', got 'P'\r\n",
			"*1\r\n\r\n":                     "-ERR Protocol error: expected '$', got ' '\r\n",
			"LATER x\r\nSET \"a\r\n":         "$1\r\nx\r\n-ERR Protocol error: unbalanced quotes in request\r\n",
			"POST / HTTP/1.1\r\n":            "",
			"PING\r\nHost: x\r\n":            "+PONG\r\n",
			"QUIT\r\n*x\r\n":                 "+OK\r\n",
		} {
			c := dial()
			c.send("%s", in)
			c.expectEnd(want)
		}
		if n := h.server.Stats().ProtocolErrors; n != 7 {
			t.Errorf("%d protocol errors counted", n)
		}
	})
}

func TestHalfClose(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		c.send("PING\r\nLATER x\r\nBIG 3000000\r\n*2\r\n$4\r\nEC")
		if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.expectEnd("+PONG\r\n$1\r\nx\r\n$3000000\r\n" + strings.Repeat("x", 3_000_000) + "\r\n")
	})
}

func TestHangUpEndsContext(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		c.send("HANG\r\n")
		await(t, h.held)
		c.Close()
		await(t, h.hungUp)
		await(t, h.closed)
	})
}

func TestKill(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		idle, busy, killer := dial(), dial(), dial()
		idle.send("PING\r\n")
		idle.expect("+PONG\r\n")
		busy.send("HOLD x\r\n")
		await(t, h.held)
		for _, victim := range []*client{idle, busy} {
			killer.send("KILL %s\r\n", victim.addr())
			killer.expect(":1\r\n")
			victim.expectEnd("")
		}
		killer.send("KILL 1.2.3.4:5\r\n")
		killer.expect(":0\r\n")
		if s := await(t, h.closed); s.RemoteAddr != idle.addr() {
			t.Errorf("%s is closed while its batch runs", s.RemoteAddr)
		}
		h.release <- struct{}{}
		await(t, h.closed)
		killer.send("KILL %s\r\nPING\r\n", killer.addr())
		killer.expectEnd(":1\r\n")
	})
}

func TestClients(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		var a *client
		for range 2 { // one after the other, for their IDs to be in this order
			c := dial()
			c.send("PING\r\n")
			c.expect("+PONG\r\n")
			if a == nil {
				a = c
			}
		}
		all := h.server.Clients(Filter{})
		if len(all) != 2 || all[0].RemoteAddr != a.addr() || all[0].ID >= all[1].ID {
			t.Fatalf("clients: %v", all)
		}
		all[1].Update(func() { all[1].Name, all[1].User, all[1].DB = "me", "bob", 3 })
		for want, f := range map[int]Filter{
			0: {None: true}, 1: {User: "bob"}, 2: {LocalAddr: a.RemoteAddr().String()},
		} {
			if got := h.server.Clients(f); len(got) != want {
				t.Errorf("%+v finds %d", f, len(got))
			}
		}
		if got := h.server.Clients(Filter{IDs: []uint64{all[1].ID, 99}, Skip: all[0]}); len(got) != 1 || got[0] != all[1] {
			t.Errorf("by id: %v", got)
		}
		want := regexp.MustCompile(`^id=\d+ addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:\d+ fd=\d+ name=me age=\d idle=\d flags=N db=3 ` +
			`sub=0 psub=0 ssub=0 multi=-1 qbuf=\d+ qbuf-free=\d+ argv-mem=0 multi-mem=0 rbs=\d+ rbp=0 obl=0 oll=0 omem=0 tot-mem=\d+ ` +
			`events=r cmd=ping user=bob redir=-1 resp=2 lib-name= lib-ver=$`)
		if line := all[1].Info(); !want.MatchString(line) {
			t.Errorf("line %q", line)
		}
	})
}

func TestMaxClients(t *testing.T) {
	eachDriver(t, func(l *Limits) { l.MaxClients = 2 }, func(t *testing.T, h *tester, dial func() *client) {
		for range 2 {
			c := dial()
			c.send("PING\r\n")
			c.expect("+PONG\r\n")
		}
		dial().expectEnd("-ERR max number of clients reached\r\n")
		if st := h.server.Stats(); st.ConnectionsReceived != 2 || st.ConnectionsRejected != 1 || st.ConnectedClients != 2 {
			t.Errorf("%+v", st)
		}
	})
}

func TestStrangers(t *testing.T) {
	eachDriver(t, func(l *Limits) { l.NeedsAuth = true }, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		c.send("*11\r\n")
		c.expectEnd("-ERR Protocol error: unauthenticated multibulk length\r\n")
		c = dial()
		c.send("*1\r\n$16385\r\n")
		c.expectEnd("-ERR Protocol error: unauthenticated bulk length\r\n")
		c = dial()
		c.send("%s", "AUTH\r\n*11\r\n"+strings.Repeat("$4\r\nPING\r\n", 11)+"*2\r\n$4\r\nECHO\r\n$20000\r\n"+strings.Repeat("x", 20_000)+"\r\n")
		c.expect("+OK\r\n+PONG\r\n$20000\r\n" + strings.Repeat("x", 20_000) + "\r\n")
		c = dial()
		c.send("BIG 30000000\r\n")
		for await(t, h.closed).RemoteAddr != c.addr() { // the strangers may go later, for their replies are waited for
			continue
		}
		if n := h.server.Stats().OutputLimitCuts; n != 1 {
			t.Errorf("%d cut", n)
		}
	})
}

// TestSlowReader asks for much and reads nothing.
func TestSlowReader(t *testing.T) {
	limit := func(l *Limits) { l.OutputHard = 1 << 20 }
	eachDriver(t, limit, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		go func() {
			for {
				if _, err := io.WriteString(c, "BIG 100000\r\n"); err != nil {
					return
				}
			}
		}()
		await(t, h.closed)
		if st := h.server.Stats(); st.OutputLimitCuts != 1 || st.MaxOutput != 0 {
			t.Errorf("%+v", st)
		}
		other := dial()
		other.send("BIG 20000000\r\n") // in one reply
		other.expectEnd("")
	})
}

// TestTotalMemory fills the server by several connections: the largest has to go.
func TestTotalMemory(t *testing.T) {
	limit := func(l *Limits) { l.MaxMemory = 3 << 20 }
	eachDriver(t, limit, func(t *testing.T, h *tester, dial func() *client) {
		large, small := dial(), dial()
		large.send("*2\r\n$4\r\nECHO\r\n$100000000\r\n%s", strings.Repeat("x", 1_000_000))
		small.send("*2\r\n$4\r\nECHO\r\n$1000\r\nxyz")
		large.send("%s", strings.Repeat("x", 700_000))
		go large.Write(make([]byte, 3_000_000))
		if s := await(t, h.closed); s.RemoteAddr != large.addr() {
			t.Errorf("the small one is cut")
		}
		small.send("%s\r\n", strings.Repeat("x", 997))
		small.expect("$1000\r\nxyz")
		for h.server.Stats().ConnectedClients > 1 {
			runtime.Gosched() // the server forgets a connection after it has told the handler
		}
		if st := h.server.Stats(); st.Evicted != 1 || st.MaxInput > 2000 {
			t.Errorf("%+v", st)
		}
	})
}

func TestQueryLimit(t *testing.T) {
	limit := func(l *Limits) { l.MaxQuery = 100_000 }
	eachDriver(t, limit, func(t *testing.T, h *tester, dial func() *client) {
		for _, in := range []string{
			"*2\r\n$4\r\nECHO\r\n$100000000\r\n" + strings.Repeat("x", 200_000),
			"*1000000\r\n" + strings.Repeat("$0\r\n\r\n", 10_000),
		} {
			c := dial()
			go io.WriteString(c, in)
			c.expectEnd("")
		}
		if n := h.server.Stats().QueryLimitCuts; n != 2 {
			t.Errorf("%d cut", n)
		}
	})
}

func TestShutdownFinishesWork(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		idle, busy := dial(), dial()
		idle.send("PING\r\n")
		idle.expect("+PONG\r\n")
		busy.send("HOLD x\r\n")
		await(t, h.held)
		stopped := make(chan error, 1)
		go func() { stopped <- h.server.Shutdown(context.Background()) }()
		idle.expectEnd("")
		select {
		case err := <-stopped:
			t.Fatalf("stopped with a batch running: %v", err)
		default:
		}
		h.release <- struct{}{}
		busy.expectEnd("$1\r\nx\r\n")
		if err := await(t, stopped); err != nil {
			t.Error(err)
		}
	})
}

// A client that is still sending gets all its replies, for the server reads on until the client is done: closing would
// destroy what is on the way.
func TestShutdownWhileClientSends(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		const size = 300_000
		c := dial()
		c.send("HOLD x\r\nBIG %d\r\n", size)
		await(t, h.held)
		stopped := make(chan error, 1)
		go func() { stopped <- h.server.Shutdown(context.Background()) }()
		for !h.server.all()[0].stopping.Load() {
			runtime.Gosched()
		}
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(c, strings.Repeat("ECHO ignored\r\n", 500_000))
			sent <- err
		}()
		h.release <- struct{}{}
		if err := await(t, sent); err != nil {
			t.Errorf("sending on: %v", err)
		}
		got, err := io.ReadAll(c.r)
		want := fmt.Sprintf("$1\r\nx\r\n$%d\r\n%s\r\n", size, strings.Repeat("x", size))
		if err != nil || string(got) != want {
			t.Errorf("%d bytes of replies, %v; want %d and the end", len(got), err, len(want))
		}
		if err := await(t, stopped); err != nil {
			t.Error(err)
		}
	})
}

// A client that does not close its side is not waited for.
func TestShutdownWithIdleClient(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		c.send("PING\r\n")
		c.expect("+PONG\r\n")
		if err := h.server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		c.expectEnd("")
	})
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		c.send("HANG\r\n")
		await(t, h.held)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := h.server.Shutdown(ctx); err != context.Canceled {
			t.Errorf("shutdown: %v", err)
		}
		c.expectEnd("")
		await(t, h.hungUp) // the session's context is done
		await(t, h.closed)
	})
}

// TestDescriptorsAreNotMixedUp opens and closes many connections with work in flight, so that descriptors are used again.
func TestDescriptorsAreNotMixedUp(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		for i := range 300 {
			leaver := dial()
			leaver.send("LATER gone\r\nPING\r\n")
			if i%2 == 0 {
				_ = leaver.Conn.(*net.TCPConn).SetLinger(0)
			}
			leaver.Close()
			c := dial()
			c.send("LATER %03d\r\n", i)
			c.expect(fmt.Sprintf("$3\r\n%03d\r\n", i))
			c.Close()
		}
		for range 600 {
			await(t, h.closed)
		}
	})
}

func TestProtectedMode(t *testing.T) {
	for _, c := range []struct {
		network, addr string
		auth, protect bool
		welcome       bool
	}{
		{"tcp", "127.0.0.1:5", false, true, true},
		{"tcp", "[::1]:5", false, true, true},
		{"tcp", "[::ffff:127.0.0.1]:5", false, true, true},
		{"tcp", "10.0.0.1:5", false, true, false},
		{"tcp", "10.0.0.1:5", true, true, true},
		{"tcp", "10.0.0.1:5", false, false, true},
		{"tcp", "elsewhere", false, true, false},
		{"unix", "@", false, true, true},
		{"memory", "127.0.0.1:5", false, true, false},
	} {
		l := DefaultLimits()
		l.ProtectedMode, l.NeedsAuth = c.protect, c.auth
		s := NewServer(Options{Handler: newTester(), Limits: l})
		text := s.refusal(c.network, c.addr)
		if (text == "") != c.welcome || text != "" && !strings.HasPrefix(text, "-DENIED ") {
			t.Errorf("%+v: %q", c, text)
		}
	}
}

func TestStats(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		for range 3 {
			c.send("PING\r\n")
			c.expect("+PONG\r\n")
		}
		st := h.server.Stats()
		for deadline := time.Now().Add(patience); st.Writes < 3 && time.Now().Before(deadline); st = h.server.Stats() {
			time.Sleep(time.Millisecond) // a write is counted after the client may have read it
		}
		if st.NetInput != 18 || st.NetOutput != 21 || st.Reads != 3 || st.Writes != 3 || st.ConnectionsReceived != 1 {
			t.Errorf("%+v", st)
		}
		h.server.ResetStats()
		if st := h.server.Stats(); st.NetInput != 0 || st.ConnectionsReceived != 0 || st.ConnectedClients != 1 {
			t.Errorf("after reset: %+v", st)
		}
	})
}

// TestIdleConnections measures what connections cost that do nothing, after a command each.
func TestIdleConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("opens thousands of connections")
	}
	h, addr := start(t, 1, nil)
	const n = 2000
	var clients []*client
	before := heap()
	for range n {
		c := connect(t, addr)
		c.r = nil
		clients = append(clients, c)
		c.send("PING\r\n")
		if _, err := io.ReadFull(c, make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
	}
	each := (heap() - before) / n
	t.Logf("%d bytes for both ends of a connection", each)
	if each > 8<<10 {
		t.Errorf("%d bytes for a connection", each)
	}
	if st := h.server.Stats(); st.Memory > 2*chunkSize {
		t.Errorf("%d bytes are held", st.Memory)
	}
	for _, c := range clients {
		c.Close()
	}
	for range n {
		await(t, h.closed)
	}
}

func TestPause(t *testing.T) {
	s := NewServer(Options{Handler: newTester(), Limits: DefaultLimits()})
	if s.Paused() != NotPaused || s.PauseEnded() != nil {
		t.Fatal("paused at first")
	}
	s.Pause(PauseAll, time.Hour)
	s.Pause(PauseWrites, time.Minute)
	ended := s.PauseEnded()
	if s.Paused() != PauseAll {
		t.Error("made weaker")
	}
	s.Unpause()
	await(t, ended)
	if s.Paused() != NotPaused {
		t.Error("still paused")
	}
}
