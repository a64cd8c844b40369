package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowLinks gives the links between all nodes a delay of 50 ms, which carries about 5 MB a second.
func (c *clients) slowLinks(by time.Duration) {
	for _, from := range c.Nodes {
		for _, to := range c.Nodes {
			if from != to {
				c.Net.SetDelay(from.Host, to.Host, by)
			}
		}
	}
}

// A write that takes several timeouts to get to its replicas, for so long are its bytes, is acknowledged as long as they flow. It is sent to
// each replica once, and small commands meanwhile take no longer than on an idle network.
func TestLargeWritesAreNotLate(t *testing.T) {
	for from := range 3 {
		t.Run(fmt.Sprint("through primary ", from+1), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := DefaultConfig()
				config.Nodes = 5
				c := newClients(t, config)
				defer c.Close()
				const size = 24 << 20
				list := c.preferred("large")
				c.slowLinks(50 * time.Millisecond)
				time.Sleep(5 * time.Second) // of the bubble's fake clock: what is slow is known
				for i := range 50 {
					c.do(list[0], []string{"SET", fmt.Sprint("small", i), "v"})
				}
				value := strings.Repeat("0123456789abcdef", size/16)
				done := make(chan string, 1)
				begun, before := time.Now(), c.Net.Sent()
				go func() { done <- c.do(list[from], []string{"SET", "large", value})[0] }()
				var slowest time.Duration
				for i := 0; len(done) == 0; i++ {
					key, at := fmt.Sprint("small", i%50), time.Now()
					for _, args := range [][]string{{"SET", key, "v"}, {"GET", key}} {
						if reply := c.do(i%5, args); strings.HasPrefix(reply[0], "(error)") {
							t.Errorf("%s after %v: %s", args, time.Since(begun), reply)
						}
					}
					slowest = max(slowest, time.Since(at))
				}
				took := time.Since(begun)
				if reply := <-done; reply != "OK" || took < 2*config.Settings.Timeout {
					t.Errorf("SET of %d bytes: %s after %v", size, reply, took)
				}
				time.Sleep(30 * time.Second) // of the bubble's fake clock: the other replica has it, too
				copies := uint64(2)
				if from > 0 {
					copies++ // to the coordinator
				}
				if sent := uint64(c.Net.Sent() - before); sent > copies*size+size/2 {
					t.Errorf("%d bytes were sent for a value of %d, %d times to be sent", sent, size, copies)
				}
				if slowest > 2*time.Second {
					t.Errorf("a small SET and GET took %v", slowest)
				}
				for _, i := range list[:3] {
					if c.holds(i, "large") != value {
						t.Errorf("node %d does not hold the value", i)
					}
				}
			})
		})
	}
}

// Changes of a collection come behind a large one that is on its way, and a digest too: overtaking it they would have the whole
// collection sent.
func TestLargeChangesAreNotOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 3
		c := newClients(t, config)
		defer c.Close()
		const size = 2 << 20
		first := c.preferred("h")[0]
		value := strings.Repeat("v", size)
		for i := range 4 {
			c.do(first, []string{"HSET", "h", fmt.Sprint("field", i), value})
		}
		time.Sleep(time.Second) // of the bubble's fake clock: all has arrived
		c.slowLinks(50 * time.Millisecond)
		before := c.Net.Sent()
		done := make(chan []string, 3)
		for i, args := range [][]string{{"HSET", "h", "large", value}, {"HSET", "h", "small", "w"}, {"HGET", "h", "small"}} {
			time.Sleep(time.Duration(i) * 50 * time.Millisecond) // of the bubble's fake clock: the one before is on its way
			go func() { done <- c.do(first, args) }()
		}
		got := []string{(<-done)[0], (<-done)[0], (<-done)[0]}
		if slices.Sort(got); !slices.Equal(got, []string{"(integer) 1", "(integer) 1", "w"}) {
			t.Errorf("%.100q", got)
		}
		time.Sleep(10 * time.Second) // of the bubble's fake clock
		if sent := c.Net.Sent() - before; sent > 2*size+size/2 {
			t.Errorf("%d bytes were sent for two copies of %d", sent, size)
		}
	})
}

// A value of 5 MB that is written while one of its primaries is down reaches it as a hint when it is back.
func TestLargeValuesAreHinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClients(t, DefaultConfig())
		defer c.Close()
		list := c.preferred("k")
		value := strings.Repeat("v", 5<<20)
		c.Crash(list[1])
		time.Sleep(5 * time.Second) // of the bubble's fake clock: the others know
		if got := c.do(list[3], []string{"SET", "k", value}); got[0] != "OK" {
			t.Fatal(got)
		}
		c.Start(list[1])
		c.Await("the hint's delivery", func() bool { return c.holds(list[1], "k") == value })
		for i, n := range c.Nodes {
			c.Await(fmt.Sprint("the end of the hints of node ", i), func() bool { return n.Store.HintStats().Keys == 0 })
		}
	})
}
