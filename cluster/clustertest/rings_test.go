package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
	"github.com/kindredkv/kindred/engine/object"
)

// cutAllBut cuts a node off from all others but one.
func (c *Cluster) cutAllBut(node, friend int) {
	for i, n := range c.Nodes {
		if i != node && i != friend {
			c.Net.CutBoth(c.Nodes[node].Host, n.Host, memnet.Silent)
		}
	}
}

// TestOldRingIsNoQuorum has a node that has not heard of two that joined, and reaches one other alone. What the two hold of a key
// that has moved is no quorum: who reads by the present ring would not see it.
func TestOldRingIsNoQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes, config.Settings.Quorum.Strict = 3, quorum.Strict
		c := newClients(t, config)
		defer c.Close()
		const behind, friend, other = 0, 1, 2
		c.Deafen(behind, true)
		c.cutAllBut(behind, friend)
		time.Sleep(4 * time.Second)
		for range 2 {
			c.Add()
			joined := c.Nodes[len(c.Nodes)-1]
			c.Net.CutBoth(c.Nodes[behind].Host, joined.Host, memnet.Silent)
			c.Await("a member", func() bool { return !joined.Joining() && !c.Nodes[other].Ring().Changing() })
		}
		key := c.keyWithout(other, behind, friend)
		if reply := c.do(other, []string{"SET", key, "old"})[0]; reply != "OK" {
			t.Fatal(reply)
		}
		seen := c.do(behind, []string{"GET", key})[0]
		if seen != "old" && !strings.HasPrefix(seen, "(error)") {
			t.Errorf("a read by a ring that is no more shows %s", seen)
		}
		written := c.do(behind, []string{"SET", key, "new"})[0]
		if got := c.do(other, []string{"GET", key})[0]; written == "OK" && got != "new" {
			t.Errorf("a write by a ring that is no more is acknowledged, and a read shows %s", got)
		}
	})
}

// keyWithout is a key of which, by the ring of one node, some others are no primaries.
func (c *clients) keyWithout(at int, others ...int) string {
	for i := 0; ; i++ {
		key := fmt.Sprint("k", i)
		primaries := c.Nodes[at].Ring().Primaries(object.SlotOf(key))
		if !slices.ContainsFunc(others, func(o int) bool { return slices.Contains(primaries, c.Nodes[o].ID) }) {
			return key
		}
	}
}

// TestWriterBehindCatchesUp keeps gossip from a node while the ring changes. It learns of the change from those that it writes
// to, and its clients notice nothing.
func TestWriterBehindCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClients(t, DefaultConfig())
		defer c.Close()
		const behind = 0
		c.Deafen(behind, true)
		c.Add()
		joined := c.Nodes[len(c.Nodes)-1]
		written := 0
		for start := time.Now(); joined.Joining(); time.Sleep(5 * time.Millisecond) {
			if time.Since(start) > awaitLimit {
				t.Fatal("the change does not come about")
			}
			if reply := c.do(behind, []string{"SET", fmt.Sprint("k", written), "v"})[0]; reply != "OK" {
				t.Fatalf("write %d: %s", written, reply)
			}
			if reply := c.do(behind, []string{"GET", fmt.Sprint("k", written)})[0]; reply != "v" {
				t.Fatalf("read %d: %s", written, reply)
			}
			written++
		}
		for i := range written {
			key := fmt.Sprint("k", i)
			held := 0
			for _, id := range joined.Ring().Primaries(object.SlotOf(key)) {
				if c.holds(slices.IndexFunc(c.Nodes, func(n *Node) bool { return n.ID == id }), key) == "v" {
					held++
				}
			}
			if held < 2 {
				t.Errorf("%s is on %d of its primaries", key, held)
			}
		}
	})
}
