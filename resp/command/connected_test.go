package command

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/resp"
)

// client is a connection to a handler behind a real server.
type client struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
}

// serveClients puts a server in front of the node and returns what connects to it.
func serveClients(t *testing.T, n *node) (dial func() *client) {
	server := resp.NewServer(resp.Options{Handler: n.Handler, Limits: resp.DefaultLimits()})
	n.Handler.Clients = server
	t.Cleanup(func() {
		if err := server.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return func() *client {
		ours, theirs := net.Pipe()
		go server.ServeConn(theirs, resp.Single)
		t.Cleanup(func() { _ = ours.Close() })
		return &client{t: t, conn: ours, reader: bufio.NewReader(ours)}
	}
}

func (c *client) send(lines ...string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n")); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) receive() any {
	c.t.Helper()
	v, err := readReply(c.reader)
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

func (c *client) do(line string) any {
	c.t.Helper()
	c.send(line)
	return c.receive()
}

func TestClientsSeeEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		dial := serveClients(t, n)
		a := dial()
		a.do("ping") // connections are numbered as they come
		b := dial()
		b.do("client setname b")
		b.do("client setinfo lib-name lib")
		b.do("select 3")
		id := b.do("client id").(int64)
		list := a.do("client list").(string)
		lines := strings.Split(strings.TrimSuffix(list, "\n"), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], " cmd=client|list ") || !strings.Contains(lines[1], " cmd=client|id ") ||
			!strings.Contains(lines[1], " name=b ") || !strings.Contains(lines[1], " db=3 ") || !strings.Contains(lines[1], " lib-name=lib ") {
			t.Errorf("%q", list)
		}
		if info := b.do("client info").(string); !strings.Contains(info, " cmd=client|info ") {
			t.Errorf("%q", info)
		}
		if killed := a.do(fmt.Sprintf("client kill id %d", id)); killed != int64(1) {
			t.Errorf("killed %v", killed)
		}
		if _, err := b.reader.ReadByte(); err == nil {
			t.Error("a killed connection is open")
		}
		synctest.Wait()
		if killed := a.do("client kill skipme no type normal"); killed != int64(1) {
			t.Errorf("killed itself: %v", killed)
		}
		if _, err := a.reader.ReadByte(); err == nil {
			t.Error("a connection that killed itself is open")
		}
	})
}

func TestPausedClientsGoOnByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		dial := serveClients(t, n)
		a, b := dial(), dial()
		if got := a.do("client pause 500 write"); got != replyStatus("OK") {
			t.Fatal(got)
		}
		start := time.Now()
		b.send("t.get k", "t.set k 1", "t.get k")
		if got := b.receive(); got != (replyNull{}) {
			t.Errorf("a read: %v", got)
		}
		if got := b.receive(); got != replyStatus("OK") || time.Since(start) != 500*time.Millisecond {
			t.Errorf("a write: %v after %s", got, time.Since(start))
		}
		b.receive()
		a.do("client pause 100000")
		b.send("ping")
		synctest.Wait()
		_ = b.conn.Close() // a paused client that hangs up is let go
	})
}
