package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/kindredkv/kindred/engine/object"
)

// Replies of walks over many elements come in pages, and are whole, whichever node is asked: the one that coordinates the key, or another
// that fetches them page by page.
func TestLongRepliesAreWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 3
		c := newClients(t, config)
		defer c.Close()
		const n = 8_000
		name := func(i int) string { return fmt.Sprintf("element-%032d", i) }
		for i := 0; i < n; {
			hset, sadd, rpush, zadd := []string{"HSET", "{k}h"}, []string{"SADD", "{k}s"}, []string{"RPUSH", "{k}l"}, []string{"ZADD", "{k}z"}
			var stream [][]string
			for range 500 {
				e := name(i)
				hset, sadd, rpush, zadd = append(hset, e, "v"+e), append(sadd, e), append(rpush, e), append(zadd, fmt.Sprint(i), e)
				stream = append(stream, []string{"XADD", "{k}x", fmt.Sprint(i+1, "-1"), "f", e})
				i++
			}
			c.pipeline(0, append(stream, hset, sadd, rpush, zadd))
		}
		want := map[string][]string{"LRANGE {k}l 0 -1": nil, "ZRANGE {k}z 0 -1": nil, "LRANGE {k}l 1000 -1001": nil}
		for i := range n {
			want["LRANGE {k}l 0 -1"] = append(want["LRANGE {k}l 0 -1"], name(i))
			want["ZRANGE {k}z 0 -1"] = append(want["ZRANGE {k}z 0 -1"], name(i))
		}
		want["LRANGE {k}l 1000 -1001"] = want["LRANGE {k}l 0 -1"][1000 : n-1000]
		first := slices.IndexFunc(c.Nodes, func(node *Node) bool {
			return node.ID == node.Ring().Primaries(object.SlotOf("{k}h"))[0]
		})
		for _, command := range [][]string{
			{"HGETALL", "{k}h"}, {"HKEYS", "{k}h"}, {"HVALS", "{k}h"}, {"SMEMBERS", "{k}s"}, {"SUNION", "{k}s", "{k}none"},
			{"LRANGE", "{k}l", "0", "-1"}, {"LRANGE", "{k}l", "1000", "-1001"}, {"ZRANGE", "{k}z", "0", "-1"},
			{"ZRANGE", "{k}z", "0", "-1", "REV", "WITHSCORES"}, {"XRANGE", "{k}x", "-", "+"},
		} {
			at := func(node int) []string {
				return c.pipeline(node, [][]string{{"ECHO", "before"}, command, {"GET", "{k}none"}, command, {"ECHO", "behind"}})
			}
			got := at(first)
			if len(got) < n/2 {
				t.Fatalf("%v: %d values", command, len(got))
			}
			if w := want[strings.Join(command, " ")]; w != nil && !slices.Equal(got[1:1+len(w)], w) {
				t.Errorf("%v is not in order: %q … instead of %q …", command, got[:3], w[:2])
			}
			for node := range c.Nodes {
				if other := at(node); !slices.Equal(other, got) {
					t.Errorf("%v: node %d replies with %d values, the coordinator with %d", command, node, len(other), len(got))
				}
			}
		}
	})
}

// A large string comes in pages from where it is, to the clients of any node, and leaves nothing behind at its coordinator.
func TestLargeStringsAreWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 3
		c := newClients(t, config)
		defer c.Close()
		value := strings.Repeat("0123456789abcdef", 3<<20/16)
		c.do(0, []string{"SET", "k", value})
		for node := range c.Nodes {
			got := c.pipeline(node, [][]string{{"GET", "k"}, {"GETRANGE", "k", "5", "-6"}, {"STRLEN", "k"}, {"MGET", "k", "none"}})
			if want := []string{value, value[5 : len(value)-5], fmt.Sprint("(integer) ", len(value)), value, "(nil)"}; !slices.Equal(got, want) {
				t.Errorf("node %d: %d replies, the first of %d bytes", node, len(got), len(got[0]))
			}
		}
	})
}
