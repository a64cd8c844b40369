package clustertest

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/object"
)

// A coordinator that is late by the hedge delay is overtaken by the next. A large command is given the time that its bytes
// take: sent to two coordinators, and by each to all replicas, it would be late everywhere.
func TestLargeCommandsAreNotHedgedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 3
		config.Runner = func(*Node) cluster.Runner { return registers{} }
		c := New(t, config)
		defer c.Close()
		from := c.Nodes[0]
		for _, to := range c.Nodes[1:] {
			c.Net.SetDelay(from.Host, to.Host, config.Settings.HedgeDelay+5*time.Millisecond)
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
