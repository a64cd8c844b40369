package command

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/object"
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

// What was taken for a client that was cut off in that moment is put back where it was.
func TestTakenForNobody(t *testing.T) {
	for _, c := range []struct{ wait, push, look, want string }{
		{"blpop k 0", "rpush k 1 2 3", "lrange k 0 -1", "[1 2 3]"},
		{"brpop k 0", "rpush k 1 2 3", "lrange k 0 -1", "[1 2 3]"},
		{"blmpop 0 2 j k left count 2", "rpush k 1 2 3", "lrange k 0 -1", "[1 2 3]"},
		{"blmpop 0 2 j k right count 2", "rpush k 1 2 3", "lrange k 0 -1", "[1 2 3]"},
		{"bzpopmin k 0", "zadd k 1 a 2.5 b", "zrange k 0 -1 withscores", "[a 1 b 2.5]"},
		{"bzpopmax k 0", "zadd k 1 a 2.5 b", "zrange k 0 -1 withscores", "[a 1 b 2.5]"},
		{"bzmpop 0 2 j k max count 5", "zadd k 1 a 2.5 b", "zrange k 0 -1 withscores", "[a 1 b 2.5]"},
		{"blmove k {k}2 left right 0", "rpush k 1 2", "lrange {k}2 0 -1", "[1]"},
	} {
		for _, proto := range []string{"2", "3"} {
			waiters(t, func(t *testing.T, n *node, dial func() *client) {
				gone, pusher := dial(), dial()
				id := gone.do("client id").(int64)
				gone.do("hello " + proto)
				gone.wait(c.wait)
				n.cluster.fail = func(cmd *cluster.Command) error {
					if name := string(cmd.Args[0]); strings.Contains(name, "pop") || name == "lmove" {
						n.Clients.Kill(resp.Filter{IDs: []uint64{uint64(id)}}, nil)
					}
					return nil
				}
				pusher.do(c.push)
				synctest.Wait()
				if left := n.Clients.Clients(resp.Filter{}); len(left) != 1 {
					t.Errorf("%s: %d clients", c.wait, len(left))
				}
				if got := fmt.Sprint(plain(pusher.do(c.look))); got != c.want {
					t.Errorf("%s, RESP%s: %s, want %s", c.wait, proto, got, c.want)
				}
			})
		}
	}
}

// A pause holds back who waits. What it would have taken is offered again when the pause is over.
func TestBlockedClientPaused(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go n.cluster.waiting().Run(ctx)
		a, b := dial(), dial()
		a.wait("blpop k 100")
		b.do("client pause 60000 write")
		n.cluster.push(t, "k", "x") // as from another node
		time.Sleep(10 * time.Second)
		if got := b.do("llen k"); got != int64(1) {
			t.Errorf("%v elements are left", got)
		}
		b.do("client unpause")
		a.expect("[k x]")
	})
}

// push writes what another node has pushed.
func (c *fakeCluster) push(t *testing.T, key, value string) {
	t.Helper()
	cmd := (&Request{Handler: c.handler, Session: &resp.Session{}}).Command([]byte("rpush"), []byte(key), []byte(value))
	done := make(chan struct{})
	if !c.run([]*cluster.Command{cmd}, func() { close(done) }) {
		<-done
	}
}

// Who waits does not hear that too few nodes can be reached, until it can be served; who comes then does.
func TestBlockedWithoutQuorum(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		a, b, late, pusher := dial(), dial(), dial(), dial()
		a.wait("quorum r 3 -- blpop k 0")
		b.wait("quorum r 1 -- blpop k 0")
		const (
			works = iota
			noThree
			inDoubt
		)
		var state atomic.Int32
		state.Store(noThree)
		n.cluster.fail = func(cmd *cluster.Command) error {
			name := string(cmd.Args[0])
			switch now := state.Load(); {
			case now == noThree && cmd.Quorum.R == 3 && name != "rpush":
				return cluster.ErrClusterDown
			case now == inDoubt && name == "lpop":
				return cluster.ErrNoQuorum
			}
			return nil
		}
		go n.cluster.waiting().Run(ctx)
		pusher.do("rpush k x")
		b.expect("[k x]") // although it came later
		if got := fmt.Sprint(late.do("quorum r 3 -- blpop other 0")); !strings.HasPrefix(got, "CLUSTERDOWN") {
			t.Error(got)
		}
		pusher.do("rpush k y")
		time.Sleep(10 * time.Second)
		state.Store(works)
		a.expect("[k y]")
		a.wait("blpop k 0")
		state.Store(inDoubt)
		pusher.do("rpush k z")
		a.expect("NOQUORUM " + cluster.ErrNoQuorum.Error())
	})
}

// Errors come at once, or when it is clear that the command can never do what it is to do.
func TestBlockedWrongType(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		a, b, pusher := dial(), dial(), dial()
		pusher.do("set s x")
		a.wait("blpop k 0")
		a.send("ping")
		if got := b.do("blpop k s 0"); got != replyError(ErrWrongType) {
			t.Errorf("%v", got)
		}
		// Others wait for k, and it becomes another type: who comes now is told, who waits is not.
		pusher.do("set k x")
		if got := b.do("blpop k 0"); got != replyError(ErrWrongType) {
			t.Errorf("%v", got)
		}
		pusher.do("del k")
		pusher.do("zadd k 1 m")
		pusher.do("zrem k m")
		pusher.do("rpush k 1")
		a.expect("[k 1]")
		a.expect("PONG")
		a.wait("blmove k s left left 0")
		pusher.do("rpush k 2")
		a.expect(ErrWrongType)
		if got := pusher.do("llen k"); got != int64(1) {
			t.Errorf("%v elements are left", got)
		}
		if got := fmt.Sprint(b.do("blpop " + strings.Repeat("key ", maxWaitKeys+1) + "0")); got != errManyKeys {
			t.Error(got)
		}
	})
}

// Types do not take each other's elements, and one pop wakes the next.
func TestBlockedTypes(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		a, b, c, d, pusher := dial(), dial(), dial(), dial(), dial()
		a.wait("bzpopmin k 0")
		b.wait("blmove k {k}2 left right 0")
		c.wait("blmove {k}2 elsewhere left right 0")
		d.wait("brpop elsewhere 0")
		pusher.do("rpush k 1")
		b.expect("1")
		c.expect("1")
		d.expect("[elsewhere 1]")
		pusher.do("zadd k 2 m 1 n")
		a.expect("[k n 1]")
		a.do("hello 3")
		a.wait("bzmpop 0 1 z max count 2")
		pusher.do("zadd z 2 m 1 n")
		a.expect("[z [[m ,2] [n ,1]]]")
		pusher.do("zadd r 2 m 1 n")
		a.wait("bzpopmin z 0")
		pusher.do("rename r z")
		a.expect("[z n ,1]")
	})
}

// An answer may come from another goroutine.
func TestBlockedAsynchronously(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		n.cluster.async = true
		a, pusher := dial(), dial()
		a.wait("blpop j k 0\r\nblpop j k 0\r\nblpop j k 1\r\nping")
		pusher.do("rpush k 1 2")
		a.expect("[k 1]")
		a.expect("[k 2]")
		a.expect("<nil>")
		a.expect("PONG")
	})
}

// awaitSpec is a command that waits by Await until its key is a string, and answers with that.
func awaitSpec() Spec {
	return Spec{
		Name: "t.await", Arity: 3, Flags: ReadOnly | Blocking, FirstKey: 1, LastKey: 1, Step: 1, KeyFlags: []KeyFlags{KeyRO},
		Slow: func(r *Request) {
			seconds, ok := r.waitTime(2)
			if !ok {
				return
			}
			r.Await(object.Stream, r.Args[1:2], seconds, r.Session.DB == 0, func() bool {
				get := r.Command([]byte("get"), r.Args[1])
				r.Execute(get)
				if tookNothing(get.Reply) {
					return false
				}
				r.Reply.Raw(get.Reply)
				return true
			})
		},
	}
}

func TestAwait(t *testing.T) {
	waiters(t, func(t *testing.T, n *node, dial func() *client) {
		n.table = newTable(append(families(), awaitSpec()))
		n.Handler.stats.init(len(n.table.all), time.Now())
		a, b, gone, pusher := dial(), dial(), dial(), dial()
		id := a.do("client id")
		a.wait("t.await k 0\r\nt.await k 0\r\nt.await other 2\r\nt.await other 0\r\nping")
		b.wait("t.await k 0")
		gone.wait("t.await k 0")
		gone.conn.Close()
		time.Sleep(2 * time.Second)
		if info := pusher.do("info clients").(string); !strings.Contains(info, "blocked_clients:2\r") {
			t.Error(info)
		}
		pusher.do("set k x")
		a.expect("x")
		b.expect("x")
		a.expect("x") // at once
		a.expect("<nil>")
		pusher.do(fmt.Sprint("client unblock ", id, " error"))
		a.expect(errUnblocked)
		a.expect("PONG")
	})
}
