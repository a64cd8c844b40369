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
