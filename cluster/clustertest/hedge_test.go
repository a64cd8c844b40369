package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/object"
)

// A coordinator that is late with a write, by several hedge delays, is overtaken by the next. A large command is given the time that its bytes
// take: sent to two coordinators, and by each to all replicas, it would be late everywhere.
func TestLargeCommandsAreNotHedgedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 3
		config.Settings.HedgeDelay = 4 * time.Millisecond
		config.Runner = func(*Node) cluster.Runner { return registers{} }
		c := New(t, config)
		defer c.Close()
		from := c.Nodes[0]
		for _, to := range c.Nodes[1:] {
			c.Net.SetDelay(from.Host, to.Host, 5*config.Settings.HedgeDelay+5*time.Millisecond)
		}
		for size, hedged := range map[int]bool{10: true, 768 << 10: false} {
			before := from.Stats().Failovers
			for i := range 6 {
				key := fmt.Sprint("k", size, "-", i)
				if from.Ring().Primaries(object.SlotOf(key))[0] == from.ID {
					continue
				}
				if err := set(from, key, strings.Repeat("x", size)); err != nil {
					t.Fatalf("%d bytes: %v", size, err)
				}
				time.Sleep(time.Second)
			}
			if got := from.Stats().Failovers > before; got != hedged {
				t.Errorf("commands of %d bytes were hedged: %t", size, got)
			}
		}
	})
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
