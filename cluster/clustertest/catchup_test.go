package clustertest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
)

// collection is a cluster of three with a list of a megabyte, and the numbers of the list's primaries in their order.
func collection(t *testing.T, config Config) (c *clients, primaries []int) {
	config.Nodes = 3
	c = newClients(t, config)
	primaries = c.preferred("l")
	push := []string{"RPUSH", "l"}
	for range 1000 {
		push = append(push, strings.Repeat("x", 1000))
	}
	c.do(primaries[0], push)
	time.Sleep(time.Second) // of the bubble's fake clock: all has arrived
	return c, primaries
}

// push has clients of the nodes push elements, all at the same time.
func (c *clients) push(t *testing.T, each int, nodes ...int) {
	var running sync.WaitGroup
	for client := range 8 * len(nodes) {
		running.Go(func() {
			for i := range each {
				reply := c.do(nodes[client%len(nodes)], []string{"LPUSH", "l", fmt.Sprint(client, "-", i)})
				if !strings.HasPrefix(reply[0], "(integer)") {
					t.Errorf("push %d of client %d: %q", i, client, reply)
				}
			}
		})
	}
	running.Wait()
}

func (c *clients) sum(of func(cluster.Stats) uint64) (n uint64) {
	for _, node := range c.Nodes {
		n += of(node.Stats())
	}
	return n
}

// part cuts a node off others, until they know that it is away.
func (c *clients) part(node int, others ...int) {
	for _, i := range others {
		c.Net.CutBoth(c.Nodes[i].Host, c.Nodes[node].Host, memnet.Reset)
	}
	time.Sleep(time.Second) // of the bubble's fake clock: all know that it is away
}

// A replica that was away while a large collection was written to gets what it missed, and meanwhile what is written goes on. The
// whole collection is sent only where what was missed is no longer known.
func TestMissedDeltasAreSent(t *testing.T) {
	for name, backlog := range map[string]int64{"backlog": 4 << 20, "none": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := DefaultConfig()
				config.Backlog = backlog
				c, primaries := collection(t, config)
				defer c.Close()
				c.slowLinks(time.Millisecond)
				c.part(primaries[2], primaries[:2]...)
				c.push(t, 20, primaries[0])
				c.Net.HealAll()
				c.AwaitConnected()
				before := c.Net.Sent()
				c.push(t, 20, primaries[0])
				c.Await("equal", func() bool { return c.equal("l") })
				sent := c.Net.Sent() - before
				caughtUp := c.sum(func(s cluster.Stats) uint64 { return s.CaughtUp })
				refills := c.sum(func(s cluster.Stats) uint64 { return s.Refills })
				if backlog > 0 && (caughtUp < 160 || refills > 0 || sent > 400_000) {
					t.Errorf("%d deltas and %d objects were sent later; in all %d bytes", caughtUp, refills, sent)
				}
				if backlog == 0 && (caughtUp > 0 || refills != 1 || sent > 2_000_000) {
					t.Errorf("%d deltas and %d objects were sent later; in all %d bytes", caughtUp, refills, sent)
				}
			})
		})
	}
}

// A coordinator that was away gets what it missed of a large collection before it answers for it, once for all clients that wait.
func TestCoordinatorCatchesUp(t *testing.T) {
	for name, backlog := range map[string]int64{"backlog": 4 << 20, "none": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := DefaultConfig()
				config.Backlog = backlog
				c, primaries := collection(t, config)
				defer c.Close()
				c.slowLinks(time.Millisecond)
				c.part(primaries[0], primaries[1:]...)
				c.push(t, 20, primaries[1])
				c.Net.HealAll()
				c.AwaitConnected()
				before := c.Net.Sent()
				var running sync.WaitGroup
				for range 20 {
					running.Go(func() {
						if got := c.do(primaries[0], []string{"LLEN", "l"}); got[0] != "(integer) 1160" {
							t.Errorf("the list has %v elements, of 1160", got)
						}
					})
				}
				running.Wait()
				sent := c.Net.Sent() - before
				if backlog > 0 && sent > 400_000 || backlog == 0 && sent > 2_500_000 {
					t.Errorf("%d bytes were sent", sent)
				}
			})
		})
	}
}

// A replica whose store is lost answers for nothing until it is filled again, and takes what is written meanwhile: first the whole
// collection, then its changes.
func TestCollectionsOfAStoreThatIsFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, primaries := collection(t, DefaultConfig())
		defer c.Close()
		c.handoffRate.Store(0) // filling is paused
		c.Crash(primaries[2])
		c.Wipe(primaries[2])
		c.Start(primaries[2])
		c.AwaitConnected()
		c.push(t, 10, primaries[0])
		for i := range 5 {
			reply := c.do(primaries[0], []string{"QUORUM", "W", "3", "--", "LPUSH", "l", fmt.Sprint(i)})
			if !strings.HasPrefix(reply[0], "(integer)") {
				t.Errorf("a push that all are to confirm: %q", reply)
			}
		}
		// Filling may have brought it first: it asks for one page before it minds the rate.
		if n := c.sum(func(s cluster.Stats) uint64 { return s.Refills }); n > 1 {
			t.Errorf("the collection was sent %d times", n)
		}
	})
}
