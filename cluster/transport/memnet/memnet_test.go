package memnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"github.com/kindredkv/kindred/cluster/transport/memnet"
)

// TestConformance runs the checks that golang.org/x/net has for every implementation of net.Conn.
func TestConformance(t *testing.T) {
	nettest.TestConn(t, func() (a, b net.Conn, stop func(), err error) {
		a, b = connect(t, memnet.New())
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}

// connect returns the ends of a connection from host a to host b.
func connect(t *testing.T, n *memnet.Network) (a, b net.Conn) {
	t.Helper()
	l, err := n.Host("b").Listen("b:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = n.Host("a").Dial(t.Context(), l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

func TestSilentCutHoldsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := connect(t, n)
		defer b.Close()
		n.Cut("a", "b", memnet.Silent)
		a.Write([]byte("held"))
		b.Write([]byte("passes"))
		a.SetReadDeadline(time.Now().Add(time.Second))
		expect(t, a, "passes")
		b.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("read over a cut link: %v", err)
		}
		a.Close()
		n.Heal("a", "b")
		b.SetReadDeadline(time.Time{})
		expect(t, b, "held")
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("after the close: %v", err)
		}
	})
}

func TestSilentCutHangsDials(t *testing.T) {
	for _, link := range [][2]string{{"a", "b"}, {"b", "a"}} {
		synctest.Test(t, func(t *testing.T) {
			n := memnet.New()
			l, _ := n.Host("b").Listen("b:1")
			defer l.Close()
			n.Cut(link[0], link[1], memnet.Silent)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := n.Host("a").Dial(ctx, "b:1"); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("dial over a cut link: %v", err)
			}
			time.AfterFunc(time.Minute, n.HealAll)
			start := time.Now()
			c, err := n.Host("a").Dial(t.Context(), "b:1")
			if err != nil || time.Since(start) != time.Minute {
				t.Fatalf("dial with a heal: %v after %v", err, time.Since(start))
			}
			c.Close()
		})
	}
}

func TestResetBreaksAndRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := connect(t, n)
		a.Write([]byte("dropped"))
		n.Cut("a", "b", memnet.Reset)
		for _, c := range []net.Conn{a, b} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read: %v", err)
			}
			if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("write: %v", err)
			}
			c.Close()
		}
		l, _ := n.Host("b").Listen("b:1")
		defer l.Close()
		if _, err := n.Host("a").Dial(t.Context(), "b:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
	})
}

func TestDelayKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := connect(t, n)
		defer a.Close()
		defer b.Close()
		n.SetDelay("a", "b", 50*time.Millisecond)
		start := time.Now()
		a.Write([]byte("one"))
		n.SetDelay("a", "b", 0)
		a.Write([]byte("two"))
		expect(t, b, "onetwo")
		if took := time.Since(start); took != 50*time.Millisecond {
			t.Errorf("arrived after %v", took)
		}
	})
}

func TestWriteBlocksWhenFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := connect(t, memnet.New())
		defer b.Close()
		sent := bytes.Repeat([]byte("0123456789"), 100_000)
		wrote := make(chan error, 1)
		go func() {
			_, err := a.Write(sent)
			a.Close()
			wrote <- err
		}()
		synctest.Wait()
		select {
		case <-wrote:
			t.Fatal("a write of 1 MB did not wait for its reader")
		default:
		}
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, sent) || <-wrote != nil {
			t.Fatalf("read %d bytes, %v", len(got), err)
		}
	})
}

func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := connect(t, n)
		l, _ := n.Host("b").Listen("b:1")
		n.Crash("b")
		if _, err := a.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the peer reads %v", err)
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("the peer writes: %v", err)
		}
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the crashed host reads: %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
		a.Close()
	})
}

// expect reads exactly the text.
func expect(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}
