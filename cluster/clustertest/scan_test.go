package clustertest

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/kindredkv/kindred/cluster"
)

// A node that was away coordinates its slots again as soon as it is back, and lacks what was written meanwhile. An iteration
// still returns each key that exists, once, and none that was removed before it began.
func TestScanSeesWhatCoordinatorsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 3
		c := newClients(t, config)
		defer c.Close()
		const kept, removed, added = 300, 300, 300
		write := func(node int, command, prefix string, count int) {
			t.Helper()
			for i := range count {
				args := []string{command, fmt.Sprint(prefix, i)}
				if command == "SET" {
					args = append(args, "v")
				}
				if got := c.do(node, args); got[0] != "OK" && got[0] != "(integer) 1" {
					t.Fatalf("%q answers %q", args, got)
				}
			}
		}
		write(0, "SET", "kept", kept)
		write(0, "SET", "removed", removed)
		c.Stop(2)
		c.Await("a cluster of two", func() bool { return c.do(0, []string{"SET", "kept0", "v"})[0] == "OK" })
		write(0, "DEL", "removed", removed)
		write(1, "SET", "added", added)
		c.Start(2)
		c.AwaitConnected()
		for i, n := range c.Nodes {
			seen := map[string]int{}
			for cursor, first := uint64(0), true; first || cursor != 0; first = false {
				r, err := n.Scan(t.Context(), cluster.ScanRequest{Cursor: cursor, Count: 50})
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range r.Keys {
					seen[name]++
				}
				cursor = r.Next
			}
			if len(seen) != kept+added {
				t.Errorf("node %d finds %d keys, want %d", i, len(seen), kept+added)
			}
			for name, times := range seen {
				if times != 1 || name[0] == 'r' {
					t.Errorf("node %d finds %s %d times", i, name, times)
				}
			}
		}
	})
}

// What is there during a whole iteration is given, while others write and remove at every node, each step is asked of another node, and one
// of them is away for a while.
func TestScanWhileOthersWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 3
		c := newClients(t, config)
		defer c.Close()
		const stays, comes = 100, 40
		for i := range stays {
			c.do(i%3, []string{"SET", fmt.Sprint("stays", i), "v"})
		}
		seen, there := map[string]bool{}, map[string]bool{}
		step := 0
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			switch step++; step {
			case 5:
				c.Stop(2)
				c.Await("a cluster of two", func() bool { return c.do(0, []string{"SET", "stays0", "v"})[0] == "OK" })
			case 10:
				c.Start(2)
				c.AwaitConnected()
			}
			r, err := c.Nodes[step%2].Scan(t.Context(), cluster.ScanRequest{Cursor: cursor, Count: 7})
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range r.Keys {
				if seen[name] = true; name[0] == 'c' && !there[name] {
					t.Errorf("step %d gives %s, which is not there", step, name)
				}
			}
			cursor = r.Next
			for i := range 10 {
				name := fmt.Sprint("comes", (step*10+i*7)%comes)
				command := []string{"SET", name, "v"}
				if there[name] {
					command = []string{"DEL", name}
				}
				if got := c.do(i%2, command); got[0] != "OK" && got[0] != "(integer) 1" {
					t.Fatalf("%q answers %q", command, got)
				}
				there[name] = !there[name]
			}
		}
		for i := range stays {
			if name := fmt.Sprint("stays", i); !seen[name] {
				t.Errorf("%s was there all the time, and was not given", name)
			}
		}
		if step < 12 {
			t.Errorf("the iteration was over after %d steps", step)
		}
	})
}
