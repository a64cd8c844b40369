package clustertest

import (
	"fmt"
	"slices"
	"strings"
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

// Of slots without a primary the fallbacks tell what they keep, where one store is enough to read a key; where it is not, nobody can
// tell which keys there are, and the client hears so.
func TestKeysOfSlotsThatHaveOnlyFallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClients(t, DefaultConfig())
		defer c.Close()
		const old, written, removed = 60, 200, 50
		for i := range old {
			c.do(0, []string{"SET", fmt.Sprint("old", i), "v"})
		}
		const last = 4
		for i := range last {
			c.Stop(i)
		}
		alone := []string{"QUORUM", "R", "1", "W", "1", "--"}
		ask := func(args ...string) []string { return c.do(last, append(slices.Clone(alone), args...)) }
		c.Await("alone", func() bool { return ask("SET", "new0", "v")[0] == "OK" })
		for i := range written {
			ask("SET", fmt.Sprint("new", i), "v")
		}
		for i := range removed {
			ask("DEL", fmt.Sprint("new", i))
		}
		want := map[string]bool{} // what the node's own copies and its hints hold
		for i := range old {
			if name := fmt.Sprint("old", i); ask("EXISTS", name)[0] == "(integer) 1" {
				want[name] = true
			}
		}
		if len(want) == 0 || len(want) == old {
			t.Fatalf("the last node is primary of %d of %d keys", len(want), old)
		}
		for i := removed; i < written; i++ {
			want[fmt.Sprint("new", i)] = true
		}
		same := func(how string, names []string) {
			t.Helper()
			seen := map[string]bool{}
			for _, name := range names {
				name = strings.TrimSpace(name) // lists in lists are indented
				if seen[name] || !want[name] {
					t.Fatalf("%s gives %s, which is not there or was given before", how, name)
				}
				seen[name] = true
			}
			if len(seen) != len(want) {
				t.Errorf("%s gives %d keys, want %d", how, len(seen), len(want))
			}
		}
		same("KEYS", ask("KEYS", "*"))
		var names []string
		for cursor, first := "0", true; first || cursor != "0"; first = false {
			step := ask("SCAN", cursor, "COUNT", "7")
			cursor, names = step[0], append(names, step[1:]...)
		}
		same("SCAN", names)
		if got := ask("DBSIZE"); got[0] != fmt.Sprintf("(integer) %d", len(want)) {
			t.Errorf("DBSIZE is %s, want %d", got, len(want))
		}
		hinted := false // RANDOMKEY finds some of the keys that only hints have
		for range 50 {
			name := ask("RANDOMKEY")[0]
			if !want[name] {
				t.Fatalf("RANDOMKEY is %s", name)
			}
			hinted = hinted || c.holds(last, name) == "-"
		}
		if !hinted {
			t.Error("RANDOMKEY finds no key of a hint")
		}
		for _, args := range [][]string{{"SCAN", "0"}, {"KEYS", "*"}, {"DBSIZE"}, {"RANDOMKEY"}} {
			strict := append([]string{"QUORUM", "R", "1", "STRICT", "--"}, args...)
			for _, command := range [][]string{args, strict, {"FLUSHALL"}} {
				if got := c.do(last, command); !strings.HasPrefix(got[0], "(error) CLUSTERDOWN") {
					t.Errorf("%v answers %v", command, got)
				}
			}
		}
	})
}
