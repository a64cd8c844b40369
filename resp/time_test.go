package resp

import (
	"bufio"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// pipe serves one end of a connection in memory, for tests in fake time.
func pipe(t *testing.T, h *tester, change func(*Limits)) *client {
	limits := DefaultLimits()
	limits.ProtectedMode = false
	if change != nil {
		change(&limits)
	}
	h.server = NewServer(Options{Handler: h, Limits: limits, Loops: -1})
	near, far := net.Pipe()
	go h.server.ServeConn(&patientConn{Conn: far, t: t}, Single)
	t.Cleanup(func() {
		near.Close()
		if err := h.server.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return &client{Conn: near, t: t, r: bufio.NewReader(near)}
}

// patientConn ends reading again and again without waiting, which would keep the clock from going on.
type patientConn struct {
	net.Conn
	t     *testing.T
	at    time.Time
	reads int
}

func (c *patientConn) Read(b []byte) (int, error) {
	if now := time.Now(); now != c.at {
		c.at, c.reads = now, 0
	}
	if c.reads++; c.reads > 1000 {
		c.t.Error("a thousand reads without a wait")
		time.Sleep(time.Second)
	}
	return c.Conn.Read(b)
}

// A connection whose handler takes long waits for it quietly, when the server stops as well.
func TestShutdownDuringLongBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTester()
		c := pipe(t, h, nil)
		c.send("HOLD x\r\n")
		time.Sleep(time.Minute)
		stopped := make(chan error)
		go func() { stopped <- h.server.Shutdown(t.Context()) }()
		time.Sleep(time.Minute)
		h.release <- struct{}{}
		c.expect("$1\r\nx\r\n")
		c.expectEnd("")
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTester()
		c := pipe(t, h, func(l *Limits) { l.Timeout = 10 * time.Second })
		began := time.Now()
		for range 3 {
			time.Sleep(9 * time.Second)
			c.send("PING\r\n")
			c.expect("+PONG\r\n")
		}
		c.send("HOLD x\r\n")
		time.Sleep(time.Minute) // a running batch is not idle
		h.release <- struct{}{}
		c.expect("$1\r\nx\r\n")
		c.expectEnd("")
		if after := time.Since(began); after < 87*time.Second || after > 100*time.Second {
			t.Errorf("closed after %v", after)
		}
		<-h.closed
		if n := h.server.Stats().TimedOut; n != 1 {
			t.Errorf("%d timed out", n)
		}
	})
}

func TestSoftOutputLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTester()
		c := pipe(t, h, func(l *Limits) { l.OutputSoft, l.OutputSoftFor = 1000, 10*time.Second })
		began := time.Now()
		c.send("BIG 5000\r\n")
		<-h.closed
		if after := time.Since(began); after < 10*time.Second || after > 13*time.Second {
			t.Errorf("cut after %v", after)
		}
		if n := h.server.Stats().OutputLimitCuts; n != 1 {
			t.Errorf("%d cut", n)
		}
	})
}

func TestLastRepliesAreNotWaitedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTester()
		c := pipe(t, h, nil)
		began := time.Now()
		c.send("BIG 5000\r\nQUIT\r\n")
		<-h.closed
		if after := time.Since(began); after < lingerTime || after > lingerTime+3*time.Second {
			t.Errorf("closed after %v", after)
		}
	})
}

func TestReadAheadWhileSuspended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTester()
		c := pipe(t, h, nil)
		c.send("HOLD 1\r\n")
		time.Sleep(5 * time.Second)
		c.send("ECHO 2\r\nECHO 3\r\nEC") // taken by watch
		time.Sleep(5 * time.Second)
		h.release <- struct{}{}
		c.expect("$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n")
		time.Sleep(time.Second)
		c.send("HO 4\r\n")
		c.expect("$1\r\n4\r\n")
	})
}

func TestPauseEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(Options{Handler: newTester(), Limits: DefaultLimits()})
		began := time.Now()
		s.Pause(PauseWrites, 5*time.Second)
		s.Pause(PauseWrites, 2*time.Second)
		<-s.PauseEnded()
		if after := time.Since(began); after != 5*time.Second || s.Paused() != NotPaused {
			t.Errorf("ended after %v", after)
		}
	})
}

// heap is the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
