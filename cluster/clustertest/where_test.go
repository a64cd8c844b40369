package clustertest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/object"
)

// where is what a node finds out about key k, a word for each node of its preference list: role, type and whether it holds
// what the first does, or the error.
func (c *clients) where(node int) string {
	replicas := c.Nodes[node].Where(context.Background(), object.Key{Name: "k"})
	var words []string
	for i, p := range c.preferred("k") {
		switch r := replicas[i]; {
		case r.Node != string(c.Nodes[p].ID):
			c.t.Errorf("replica %d is %s", i, r.Node)
		case r.Err != nil:
			words = append(words, fmt.Sprintf("%s:%v", r.Role, r.Err))
		default:
			words = append(words, fmt.Sprintf("%s:%s:%v", r.Role, r.Holding.Kind, r.Holding.Context.Equal(replicas[0].Holding.Context)))
		}
	}
	return strings.Join(words, " ")
}

// TestWhere asks for a key while replicas are equal, while one is away, and while that one is back and behind. Nobody is
// repaired by being asked.
func TestWhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes = 4
		c := newClients(t, config)
		defer c.Close()
		p := c.preferred("k")
		want := func(asker int, want string) {
			t.Helper()
			if got := c.where(asker); got != want {
				t.Errorf("it is %q, want %q", got, want)
			}
		}
		want(p[3], "primary:none:true primary:none:true primary:none:true fallback:none:true")
		c.do(p[0], []string{"SET", "k", "first"})
		c.Await("equal", func() bool { return c.equal("k") })
		want(p[3], "primary:string:true primary:string:true primary:string:true fallback:none:false")

		c.Stop(p[2])
		c.Await("lost", func() bool { return strings.Contains(c.where(p[0]), string(cluster.Primary)+":request was not sent") })
		c.do(p[0], []string{"QUORUM", "STRICT", "--", "DEL", "k"})
		want(p[1], "primary:none:true primary:none:true primary:request was not sent: no connection fallback:none:false")

		c.Start(p[2])
		c.AwaitConnected()
		// Repair is paused in this cluster, and a strict write leaves no hint.
		want(p[1], "primary:none:true primary:none:true primary:string:false fallback:none:false")
		want(p[2], "primary:none:true primary:none:true primary:string:false fallback:none:false")
	})
}
