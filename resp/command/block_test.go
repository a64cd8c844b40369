package command

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/resp"
)

// waiters are clients of a node behind a real server, in fake time.
func waiters(t *testing.T, test func(t *testing.T, n *node, dial func() *client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newKeyspace(t)
		test(t, n, serveClients(t, n))
	})
}

// expect is the next reply, as text.
func (c *client) expect(want string) {
	c.t.Helper()
	if got := fmt.Sprint(plain(c.receive())); got != want {
		c.t.Errorf("%s, want %s", got, want)
	}
}

// wait sends a command that is to be waiting when this returns.
func (c *client) wait(line string) {
	c.t.Helper()
	c.send(line)
	synctest.Wait()
}

func TestBlockedClientsAreServedInOrder(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		a, b, c, pusher := dial(), dial(), dial(), dial()
		a.wait("blpop other k 0")
		b.wait("brpop k 0")
		c.wait("blmpop 0 1 k right count 5")
		for _, command := range []struct{ line, want string }{{"rpush k 1", "1"}, {"llen k", "0"}, {"rpush k 2 3 4 5", "4"}, {"llen k", "0"}} {
			pusher.send(command.line)
			pusher.expect(command.want)
		}
		if info := pusher.do("info clients").(string); !strings.Contains(info, "blocked_clients:0\r\n") {
			t.Error(info)
		}
		a.expect("[k 1]")
		b.expect("[k 5]")
		c.expect("[k [4 3 2]]")
	})
}

func TestBlockedPipeline(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		a, pusher := dial(), dial()
		a.wait("set s 1\r\nblpop k 0\r\nincr s\r\nquorum r 1 -- blpop k 0\r\nincr s")
		a.expect("OK")
		if got := pusher.do("get s"); got != "1" {
			t.Errorf("%v: what stands behind a blocking command was run", got)
		}
		pusher.do("rpush k x")
		a.expect("[k x]")
		a.expect("2")
		pusher.do("rpush k y")
		a.expect("[k y]")
		a.expect("3")
	})
}

func TestBlockedTimeout(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		a, b := dial(), dial()
		begun := time.Now()
		a.wait("blpop k 1.5")
		b.do("hello 3")
		b.wait("brpop k j 0.0001")
		b.expect("<nil>")
		if took := time.Since(begun); took != time.Millisecond {
			t.Errorf("waited for %s", took)
		}
		a.expect("<nil>")
		if took := time.Since(begun); took != 1500*time.Millisecond {
			t.Errorf("waited for %s", took)
		}
		b.do("rpush k x")
		if got := b.do("llen k"); got != int64(1) {
			t.Errorf("%v elements are left", got)
		}
	})
}

func TestUnblock(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		a, b := dial(), dial()
		id := a.do("client id")
		if got := b.do(fmt.Sprint("client unblock ", id)); got != int64(0) {
			t.Errorf("%v was unblocked that does not wait", got)
		}
		a.wait("blpop k 0")
		for _, line := range strings.Split(b.do("client list").(string), "\n") {
			if waits := strings.HasPrefix(line, fmt.Sprintf("id=%v ", id)); line != "" && waits != strings.Contains(line, " flags=b ") {
				t.Error(line)
			}
		}
		info := b.do("info clients").(string)
		for _, want := range []string{"blocked_clients:1", "clients_in_timeout_table:0", "total_blocking_keys:1\r"} {
			if !strings.Contains(info, want) {
				t.Errorf("no %s in %s", want, info)
			}
		}
		if got := b.do(fmt.Sprint("client unblock ", id)); got != int64(1) {
			t.Errorf("%v", got)
		}
		a.expect("<nil>")
		a.wait("blpop k 100")
		if got := b.do(fmt.Sprint("client unblock ", id, " error")); got != int64(1) {
			t.Errorf("%v", got)
		}
		a.expect("UNBLOCKED client unblocked via CLIENT UNBLOCK")
		if got := a.do("ping"); got != replyStatus("PONG") {
			t.Errorf("%v", got)
		}
	})
}

// Who is gone takes nothing.
func TestBlockedClientGone(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		a, b, c, pusher := dial(), dial(), dial(), dial()
		a.wait("blpop k 0")
		id := b.do("client id")
		b.wait("blpop k 0")
		c.wait("blpop k 0")
		a.conn.Close()
		time.Sleep(2 * time.Second) // what a goroutine gives a client that only has ended its side
		if got := pusher.do(fmt.Sprint("client kill id ", id)); got != int64(1) {
			t.Errorf("killed %v", got)
		}
		synctest.Wait()
		pusher.do("rpush k 1")
		c.expect("[k 1]")
	})
}

// A pause holds back who waits.
func TestBlockedClientPaused(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		a, b := dial(), dial()
		a.wait("blpop k 10")
		b.do("client pause 5000 write")
		key := batchOf("rpush k x")
		s := n.session()
		n.Clients.(*resp.Server).Unpause()
		b.do("client pause 5000 write")
		_ = key
		_ = s
	})
}
