package clustertest

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster"
)

// TestJoiningNodesLoseNothing lets two nodes join one that holds data, while clients write. Afterwards every quorum of
// two must show every acknowledged write.
func TestJoiningNodesLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 1
		config.Runner = func(*Node) cluster.Runner { return registers{} }
		c := New(t, config)
		defer c.Close()
		const before = 500
		for i := range before {
			if err := set(c.Nodes[0], fmt.Sprint("k", i), "v"); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		stop := make(chan struct{})
		written := before
		first := c.Nodes[0] // Add changes the list
		wg.Go(func() {
			for ; ; written++ {
				select {
				case <-stop:
					return
				case <-time.After(3 * time.Millisecond):
				}
				if err := set(first, fmt.Sprint("k", written), "v"); err != nil {
					t.Errorf("a write failed while nodes join: %v", err)
					return
				}
			}
		})
		c.Add()
		c.Add()
		for _, n := range c.Nodes[1:] {
			c.Await("a member", func() bool { return !n.Joining() })
		}
		c.AwaitConnected()
		close(stop)
		wg.Wait()
		if written < before+100 {
			t.Fatalf("only %d writes were made while nodes joined", written-before)
		}
		// The first node, which alone had everything, is away: the two that joined must show it all.
		c.Crash(0)
		for i := range written {
			if got, err := get(c.Nodes[1+i%2], fmt.Sprint("k", i)); got != "v" || err != nil {
				t.Fatalf("k%d of %d is %q, %v", i, written, got, err)
			}
		}
	})
}

// TestRestartedNodeIsStillAMember restarts a node that has joined: it must not be filled again.
func TestRestartedNodeIsStillAMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 1
		config.Runner = func(*Node) cluster.Runner { return registers{} }
		c := New(t, config)
		defer c.Close()
		c.Add()
		c.Await("a member", func() bool { return !c.Nodes[1].Joining() })
		if err := set(c.Nodes[0], "k", "v"); err != nil {
			t.Fatal(err)
		}
		c.Stop(1)
		c.Start(1)
		if c.Nodes[1].Joining() {
			t.Fatal("a member came back as a joining node")
		}
		c.AwaitConnected()
		if got, err := get(c.Nodes[1], "k"); got != "v" || err != nil {
			t.Fatalf("k is %q, %v", got, err)
		}
	})
}
