package clustertest

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// registers is a runner of the least commands: SET, GET, COUNT (siblings).
type registers struct{}

func (registers) Run(tx *engine.Tx, c *cluster.Command) {
	key := object.Key{DB: c.DB, Name: string(c.Args[1])}
	switch string(c.Args[0]) {
	case "SET":
		e := tx.Edit(key)
		e.Clear()
		e.Put("\x01", append([]byte(nil), c.Args[2]...))
		c.Reply = append(c.Reply, "OK"...)
	case "GET":
		if o := tx.Object(key); o != nil {
			c.Reply = append(c.Reply, o.Cell("\x01").Newest().Payload...)
		}
	case "COUNT":
		n := 0
		if o := tx.Object(key); o != nil {
			n = len(o.Cell("\x01").Versions)
		}
		c.Reply = fmt.Append(c.Reply, n)
	case "DEL":
		if tx.Object(key) != nil {
			tx.Edit(key).Clear()
		}
	}
}

func run(n *Node, mode cluster.Mode, args ...string) (string, error) {
	c := &cluster.Command{FirstKey: 1, LastKey: 1, Step: 1, Mode: mode, Proto: 2, Slot: object.SlotOf(args[1])}
	for _, a := range args {
		c.Args = append(c.Args, []byte(a))
	}
	done := make(chan struct{})
	if !n.Execute([]*cluster.Command{c}, func() { close(done) }) {
		<-done
	}
	return string(c.Reply), c.Err
}

func set(n *Node, k, v string) error {
	_, err := run(n, cluster.Write|cluster.Idempotent, "SET", k, v)
	return err
}

func get(n *Node, k string) (string, error) { return run(n, cluster.Read|cluster.Idempotent, "GET", k) }

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Runner = func(*Node) cluster.Runner { return registers{} }
		c := New(t, config)
		defer c.Close()
		for i := range 100 {
			k, v := fmt.Sprint("k", i), fmt.Sprint("v", i)
			if err := set(c.Nodes[i%5], k, v); err != nil {
				t.Fatal(k, err)
			}
			got, err := get(c.Nodes[(i+1)%5], k)
			if got != v || err != nil {
				t.Fatalf("%s is %q, %v", k, got, err)
			}
		}
		start := time.Now()
		c.Crash(0)
		for i := range 100 {
			k := fmt.Sprint("k", i)
			if got, err := get(c.Nodes[1+i%4], k); err != nil || got != fmt.Sprint("v", i) {
				t.Fatalf("after the crash %s is %q, %v (%s)", k, got, err, time.Since(start))
			}
			if err := set(c.Nodes[1+i%4], k, "new"); err != nil {
				t.Fatalf("after the crash: %s: %v", k, err)
			}
		}
		t.Log("took", time.Since(start))
		c.Start(0)
		c.AwaitConnected()
		for i := range 100 {
			if got, err := get(c.Nodes[i%5], fmt.Sprint("k", i)); err != nil || got != "new" {
				slot := object.SlotOf(fmt.Sprint("k", i))
				for j, n := range c.Nodes {
					o, err := n.Store.Get(object.Key{Name: fmt.Sprint("k", i)})
					t.Log(j, n.ID, o, err, n.Ring().Primaries(slot))
				}
				t.Logf("%+v", c.Nodes[i%5].Stats())
				t.Fatalf("after the return k%d is %q, %v", i, got, err)
			}
		}
		n, err := c.Nodes[2].Count(t.Context(), 0, cluster.Whole, 0, quorum.Choice{})
		if n != 100 || err != nil {
			t.Fatal("count", n, err)
		}
		seen := map[string]bool{}
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			r, err := c.Nodes[3].Scan(t.Context(), cluster.ScanRequest{Cursor: cursor, Count: 10})
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range r.Keys {
				if seen[k] {
					t.Error("twice", k)
				}
				seen[k] = true
			}
			cursor = r.Next
		}
		if len(seen) != 100 {
			t.Fatal("scanned", len(seen))
		}
		if err := c.Nodes[1].Flush(t.Context(), -1); err != nil {
			t.Fatal(err)
		}
		if n, _ := c.Nodes[2].Count(t.Context(), 0, cluster.Whole, 0, quorum.Choice{}); n != 0 {
			t.Fatal("after a flush", n)
		}
	})
}
