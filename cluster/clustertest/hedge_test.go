package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
	"github.com/kindredkv/kindred/engine/object"
)

// A coordinator that is late with a write, much later than it usually is, is overtaken by the next. A large command is given the time that its bytes
// take: sent to two coordinators, and by each to all replicas, it would be late everywhere.
//
// Each size has a cluster of its own, for what a node usually takes is learned.
func TestLargeCommandsAreNotHedgedAtOnce(t *testing.T) {
	for size, hedged := range map[int]bool{10: true, 768 << 10: false} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := DefaultConfig()
				config.Nodes = 3
				config.Settings.HedgeDelay = 4 * time.Millisecond
				config.Runner = func(*Node) cluster.Runner { return registers{} }
				c := New(t, config)
				defer c.Close()
				from := c.Nodes[0]
				for _, to := range c.Nodes[1:] {
					c.Net.SetDelay(from.Host, to.Host, config.Settings.HedgeDelay+5*time.Millisecond)
				}
				for i := range 6 {
					key := fmt.Sprint("k", size, "-", i)
					if from.Ring().Primaries(object.SlotOf(key))[0] == from.ID {
						continue
					}
					if err := set(from, key, strings.Repeat("x", size)); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second) // of the bubble's fake clock: the next command begins at rest
				}
				if got := from.Stats().Failovers > 0; got != hedged {
					t.Errorf("hedged: %t", got)
				}
			})
		})
	}
}

// A client's commands on a slot run in their order, however late their coordinator is: not one of them is sent to another node
// without the others.
func TestHedgingKeepsTheOrderOfAPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 3
		c := newClients(t, config)
		defer c.Close()
		for _, to := range c.Nodes[1:] {
			c.Net.SetDelay(to.Host, c.Nodes[0].Host, 15*config.Settings.HedgeDelay) // answers come late, commands do not
		}
		var pipeline [][]string
		var want []string
		for i := range 60 {
			key := fmt.Sprint("p", i%10)
			pipeline = append(pipeline, []string{"SET", key, fmt.Sprint(i)}, []string{"GET", key}, []string{"INCR", key}, []string{"GET", key})
			want = append(want, "OK", fmt.Sprint(i), fmt.Sprintf("(integer) %d", i+1), fmt.Sprint(i+1))
		}
		if got := c.pipeline(0, pipeline); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// A node that stops is noticed by its beats after seconds. Until then it costs the clients of the others little: reads wait for it
// as long as answers usually take, the first write several times that and a hedge delay at least, and who comes after that asks others.
func TestAPausedNodeDoesNotSlowTheClientsOfOthers(t *testing.T) {
	for paused := range 3 {
		t.Run(fmt.Sprint("primary ", paused+1), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := DefaultConfig()
				config.Nodes = 3
				c := newClients(t, config)
				defer c.Close()
				list := c.preferred("k")
				from := list[(paused+1)%3]
				for i := range 50 {
					c.do(from, []string{"SET", "k", fmt.Sprint(i)})
					c.do(from, []string{"GET", "k"})
				}
				var others []string
				for i, n := range c.Nodes {
					if i != list[paused] {
						others = append(others, n.Host)
					}
				}
				c.Net.Partition(memnet.Silent, []string{c.Nodes[list[paused]].Host}, others)
				var slow []time.Duration
				for i, begun := 0, time.Now(); time.Since(begun) < time.Second; i++ {
					for _, args := range [][]string{{"GET", "k"}, {"SET", "k", fmt.Sprint("v", i)}, {"GET", "k"}, {"INCR", "{k}n"}} {
						if args[0] == "INCR" && i == 0 {
							continue // its outcome would be open
						}
						at := time.Now()
						reply := c.do(from, args)
						if strings.HasPrefix(reply[0], "(error)") {
							t.Fatalf("%s: %s", args, reply)
						}
						if took := time.Since(at); took > 0 {
							slow = append(slow, took)
						}
					}
					time.Sleep(5 * time.Millisecond)
				}
				// A beat that was on its way, or one answer, ends a silence, so it may be noticed a few times.
				if len(slow) > 8 || len(slow) > 0 && slices.Max(slow) > 2*config.Settings.HedgeDelay {
					t.Errorf("these commands had to wait: %v", slow)
				}
			})
		})
	}
}
