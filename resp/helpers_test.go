package resp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// tester is a Handler whose commands exercise the connection.
//
//	PING, ECHO x, AUTH, QUIT
//	BIG n        a reply of n bytes
//	LATER x      ECHO, finished from another goroutine
//	HOLD x       ECHO, once something is sent to release
//	HANG         waits for the session's context, then replies
//	WAIT x       as HOLD, but waits for other clients; ends the connection when the context ends
//	KILL addr    kills the connections of an address
type tester struct {
	server  *Server
	release chan struct{}
	held    chan struct{} // told of every HOLD and HANG
	hungUp  chan struct{} // told when HANG was ended by the context
	closed  chan *Session
	queued  chan int64 // what waited for the client at most, told at the end of every PAGES

	mu      sync.Mutex
	batches []int // sizes, in order
}

func newTester() *tester {
	return &tester{
		release: make(chan struct{}, 100), held: make(chan struct{}, 100), hungUp: make(chan struct{}, 100), closed: make(chan *Session, 100_000),
		queued: make(chan int64, 100),
	}
}

func (h *tester) Opened(*Session) {}

func (h *tester) Closed(s *Session) { h.closed <- s }

func (h *tester) Serve(s *Session, batch [][][]byte, done func()) bool {
	h.mu.Lock()
	h.batches = append(h.batches, len(batch))
	h.mu.Unlock()
	for i, args := range batch {
		switch string(bytes.ToUpper(args[0])) {
		case "LATER", "HOLD", "HANG", "WAIT", "PAGES":
			go func() {
				for _, args := range own(batch[i:]) {
					h.run(s, args)
				}
				done()
			}()
			return false
		}
		if h.run(s, args); s.Close || s.OutputExceeded() {
			break
		}
	}
	return true
}

// own copies commands, whose memory is given back while they wait.
func own(batch [][][]byte) [][][]byte {
	out := make([][][]byte, len(batch))
	for i, args := range batch {
		for _, arg := range args {
			out[i] = append(out[i], bytes.Clone(arg))
		}
	}
	return out
}

func (h *tester) run(s *Session, args [][]byte) {
	name := strings.ToLower(string(args[0]))
	s.Ran(&name)
	switch strings.ToUpper(name) {
	case "PING":
		s.Out.SimpleString("PONG")
	case "ECHO", "LATER":
		s.Out.Bulk(args[1])
	case "AUTH":
		s.Authenticated = true
		s.Out.SimpleString("OK")
	case "QUIT":
		s.Out.SimpleString("OK")
		s.Close = true
	case "BIG":
		n, _ := strconv.Atoi(string(args[1]))
		s.Out.Bulk(bytes.Repeat([]byte("x"), n))
	case "HOLD":
		h.held <- struct{}{}
		<-h.release
		s.Out.Bulk(args[1])
	case "HANG":
		ctx := s.Context()
		h.held <- struct{}{}
		<-ctx.Done()
		h.hungUp <- struct{}{}
		s.Out.SimpleString("HUNG")
	case "WAIT":
		ctx := s.Context()
		s.BeginWait(len(args[1]))
		h.held <- struct{}{}
		select {
		case <-h.release:
			s.EndWait()
			s.Out.Bulk(args[1])
		case <-ctx.Done():
			s.EndWait()
			s.Close = true
			h.hungUp <- struct{}{}
		}
	case "PAGES":
		h.sendPages(s)
	case "KILL":
		s.Out.Int(int64(h.server.Kill(Filter{Addr: string(args[1])}, s)))
	default:
		s.Out.Error("ERR unknown command")
	}
}

// drivers are the two that every test of behavior runs with.
var drivers = map[string]int{"loops": 2, "goroutines": -1}

// eachDriver runs a test with both drivers, over TCP.
func eachDriver(t *testing.T, change func(*Limits), test func(t *testing.T, h *tester, dial func() *client)) {
	for name, loops := range drivers {
		t.Run(name, func(t *testing.T) {
			h, addr := start(t, loops, change)
			test(t, h, func() *client { return connect(t, addr) })
		})
	}
}

// start starts a server on a loopback address and stops it at the end of the test.
func start(t testing.TB, loops int, change func(*Limits)) (*tester, string) {
	limits := DefaultLimits()
	if change != nil {
		change(&limits)
	}
	h := newTester()
	h.server = NewServer(Options{Handler: h, Limits: limits, Loops: loops})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.server.Serve(l, Single) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := h.server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
		if st := h.server.Stats(); st.Suspended != 0 || st.ConnectedClients != 0 {
			t.Errorf("left behind: %+v", st)
		}
	})
	return h, l.Addr().String()
}

// client is the other end of a connection.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// patience bounds the waiting of tests, on the real clock.
const patience = 20 * time.Second

func connect(t testing.TB, addr string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return &client{Conn: nc, t: t, r: bufio.NewReader(nc)}
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads exactly this.
func (c *client) expect(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(c.r, got)
	if err != nil || string(got) != want {
		c.t.Fatalf("got %.200q %v, want %.200q", got[:n], err, want)
	}
}

// expectEnd reads this and then the end of the connection.
func (c *client) expectEnd(want string) {
	c.t.Helper()
	got, err := io.ReadAll(c.r)
	if errors.Is(err, os.ErrDeadlineExceeded) || string(got) != want {
		c.t.Fatalf("got %.200q %v, want %.200q and the end", got, err, want)
	}
}

func (c *client) addr() string { return c.LocalAddr().String() }

// await waits for a word on a channel.
func await[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}
