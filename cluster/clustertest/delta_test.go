package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/engine/object"
)

// A change of a large collection takes the network as little as one of a small: what is sent is what changed. That holds for DEL, too.
func TestChangesOfLargeCollectionsAreSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 3
		c := newClients(t, config)
		defer c.Close()
		first := slices.IndexFunc(c.Nodes, func(node *Node) bool {
			return node.ID == node.Ring().Primaries(object.SlotOf("{k}h"))[0]
		})
		const fields, size = 2_500, 4_000 // 10 MB
		value := strings.Repeat("v", size)
		for i := 0; i < fields; {
			hset, rpush, zadd := []string{"HSET", "{k}h"}, []string{"RPUSH", "{k}l"}, []string{"ZADD", "{k}z"}
			for range 500 {
				hset = append(hset, fmt.Sprint("field", i), value)
				rpush, zadd = append(rpush, value), append(zadd, fmt.Sprint(i), fmt.Sprint("member", i))
				i++
			}
			c.pipeline(first, [][]string{hset, rpush, zadd})
		}
		time.Sleep(time.Second) // of the bubble's fake clock: all has arrived
		for _, step := range []struct{ command, reply string }{
			{"HSET {k}h field77 new", "(integer) 0"},
			{"HSET {k}h another new", "(integer) 1"},
			{"HDEL {k}h field78", "(integer) 1"},
			{"HINCRBY {k}h counter 5", "(integer) 5"},
			{"LPUSH {k}l new", "(integer) 2501"},
			{"LSET {k}l 1250 new", "OK"},
			{"ZINCRBY {k}z 1 member1250", "1251"},
			{"EXPIRE {k}h 100", "(integer) 1"},
			{"DEL {k}h", "(integer) 1"},
			{"DEL {k}z", "(integer) 1"},
		} {
			before := c.Net.Sent()
			if got := c.do(first, strings.Fields(step.command)); !slices.Equal(got, []string{step.reply}) {
				t.Errorf("%s: %q", step.command, got)
			}
			synctest.Wait()
			// To each of two other replicas, and back.
			if sent := c.Net.Sent() - before; sent >= 2*1024 {
				t.Errorf("%s: %d bytes were sent", step.command, sent)
			} else {
				t.Logf("%s: %d bytes", step.command, sent)
			}
		}
	})
}
