package watch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine/object"
)

// world is some nodes with clients, and one list for each key, as if every replica were always the same. What happens when is
// drawn: attempts and messages take their time, messages are lost and overtake each other, and nodes change their minds about who
// coordinates a key.
type world struct {
	t     *rapid.T // draws; nil where nothing is drawn
	tb    rapid.TB
	now   time.Time
	nodes []*worldNode
	lists map[string][]int
	made  int // elements that were ever pushed
	taken map[int]bool
	// open are attempts and messages under way.
	open    []func()
	lossy   bool
	clients []*worldClient
}

type worldNode struct {
	*Service
	w       *world
	id      ring.NodeID
	watched map[object.Key]bool
	thinks  ring.NodeID // who coordinates
}

type worldClient struct {
	Waiter
	name    string
	node    *worldNode
	waiting bool
	ended   bool
	left    bool
	got     []int
}

var worldKeys = []string{"a", "b"}

func newWorld(tb rapid.TB, nodes int) *world {
	w := &world{tb: tb, now: time.Unix(1e9, 0), lists: map[string][]int{}, taken: map[int]bool{}}
	for i := range nodes {
		n := &worldNode{w: w, id: ring.NodeID(fmt.Sprint("n", i)), watched: map[object.Key]bool{}, thinks: "n0"}
		n.Service = New(Options{
			Self: n.id, Store: n, Coordinator: func(object.Key) ring.NodeID { return n.thinks }, Call: n.call,
			Timeout: func() time.Duration { return time.Second }, Now: func() time.Time { return w.now },
		})
		w.nodes = append(w.nodes, n)
	}
	return w
}

func (n *worldNode) Watch(key object.Key)   { n.watched[key] = true }
func (n *worldNode) Unwatch(key object.Key) { delete(n.watched, key) }

func (n *worldNode) Elements(key object.Key) (object.Kind, int64) {
	return object.List, int64(len(n.w.lists[key.Name]))
}

// call sends a message through its encoding, and may lose it or its reply.
func (n *worldNode) call(id ring.NodeID, kind uint8, payload []byte, _ time.Duration, done func(transport.Reply)) {
	w := n.w
	lost := func() bool { return w.lossy && rapid.IntRange(0, 5).Draw(w.t, "lost") == 0 }
	answered := func(r transport.Reply) {
		if lost() {
			r = transport.Reply{Err: transport.ErrTimeout}
		}
		w.open = append(w.open, func() { done(r) })
	}
	w.open = append(w.open, func() {
		if lost() {
			done(transport.Reply{Err: transport.ErrTimeout})
			return
		}
		other := w.nodes[slices.IndexFunc(w.nodes, func(m *worldNode) bool { return m.id == id })]
		switch kind {
		case KindWatch:
			notices, err := decodeNotices(payload)
			if err != nil {
				w.tb.Fatal(err)
			}
			other.desk.watch(n.id, notices)
			answered(transport.Reply{})
		case KindOffer:
			k, count, err := decodeOffer(payload)
			if err != nil {
				w.tb.Fatal(err)
			}
			other.offered(k, count, func(a answer) { answered(transport.Reply{Payload: appendAnswer(nil, a)}) })
		}
	})
}

// Try makes attempts after a while, all at one moment.
func (c *worldClient) Try(attempts []*Attempt, done func()) {
	w := c.node.w
	w.open = append(w.open, func() {
		for _, a := range attempts {
			a.Waiter.Client.(*worldClient).take(a)
		}
		done()
	})
}

func (c *worldClient) take(a *Attempt) {
	w, key := c.node.w, a.Waiter.Keys[a.Key]
	if c.ended {
		w.tb.Fatalf("%s attempts after its end", c.name)
	}
	list := w.lists[key.Name]
	if a.Check || len(list) == 0 {
		return
	}
	for _, other := range w.clients {
		if other == c {
			break
		}
		if other.node == c.node && !other.ended && len(other.got) == 0 && slices.Contains(other.Keys, key) {
			w.tb.Fatalf("%s takes from %s ahead of %s", c.name, key.Name, other.name)
		}
	}
	c.got = append(c.got, list[0])
	if len(c.got) > 1 || w.taken[list[0]] {
		w.tb.Fatalf("%s has taken %d", c.name, c.got)
	}
	w.taken[list[0]] = true
	w.lists[key.Name] = list[1:]
	w.changed(key.Key)
	a.Outcome = Settled
}

func (c *worldClient) Waiting() { c.waiting = true }

func (c *worldClient) Done(left bool) {
	if c.ended || left == (len(c.got) > 0) {
		c.node.w.tb.Fatalf("%s is done, left %v, with %d", c.name, left, c.got)
	}
	c.ended, c.left = true, left
}

// changed has the watcher of the node told that wrote a key: any that thinks it coordinates it.
func (w *world) changed(key object.Key) {
	for _, n := range w.nodes {
		if n.watched[key] {
			n.Changed([]object.Key{key})
		}
	}
}

func (w *world) push(name string, elements int) {
	for range elements {
		w.made++
		w.lists[name] = append(w.lists[name], w.made)
	}
	w.changed(object.Key{Name: name})
}

func (w *world) come(n *worldNode, names ...string) *worldClient {
	c := &worldClient{node: n, name: fmt.Sprintf("client %d of %s", len(w.clients), n.id)}
	c.Client = c
	for _, name := range names {
		c.Keys = append(c.Keys, Key{object.Key{Name: name}, object.List})
	}
	w.clients = append(w.clients, c)
	n.Wait(&c.Waiter)
	return c
}

func (w *world) leave() {
	if len(w.clients) > 0 {
		c := rapid.SampledFrom(w.clients).Draw(w.t, "client")
		c.node.Leave(&c.Waiter)
	}
}

// step lets one attempt or message arrive.
func (w *world) step() {
	if len(w.open) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.open)-1).Draw(w.t, "next")
	f := w.open[i]
	w.open = slices.Delete(w.open, i, i+1)
	f()
}

// settle lets everything arrive, in order.
func (w *world) settle() {
	for steps := 0; len(w.open) > 0; steps++ {
		if steps > 10_000 {
			w.tb.Fatal("messages without end")
		}
		f := w.open[0]
		w.open = w.open[1:]
		f()
	}
}

func (w *world) pass() {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 2000).Draw(w.t, "ms")) * time.Millisecond)
	for _, n := range w.nodes {
		n.renew()
		n.desk.sweep()
	}
}

func (w *world) doubt() {
	n := rapid.SampledFrom(w.nodes).Draw(w.t, "node")
	n.thinks = rapid.SampledFrom(w.nodes).Draw(w.t, "coordinator").id
}

// TestWorld: however messages are lost and overtake each other, each element is taken once, clients of one node in their
// order, and in the end nobody waits for what is there.
func TestWorld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, 3)
		w.t, w.lossy = t, true
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				w.push(rapid.SampledFrom(worldKeys).Draw(t, "key"), rapid.IntRange(1, 3).Draw(t, "elements"))
			},
			"come": func(t *rapid.T) {
				w.come(rapid.SampledFrom(w.nodes).Draw(t, "node"), rapid.SliceOfN(rapid.SampledFrom(worldKeys), 1, 3).Draw(t, "keys")...)
			},
			"leave": func(*rapid.T) { w.leave() },
			"step":  func(*rapid.T) { w.step() }, "step again": func(*rapid.T) { w.step() }, "step once more": func(*rapid.T) { w.step() },
			"pass": func(*rapid.T) { w.pass() }, "doubt": func(*rapid.T) { w.doubt() },
		})
		w.lossy = false
		for range 6 {
			w.settle()
			w.now = w.now.Add(renewal)
			for _, n := range w.nodes {
				n.renew()
				n.desk.sweep()
			}
		}
		for _, c := range w.clients {
			for _, k := range c.Keys {
				if !c.ended && len(w.lists[k.Name]) > 0 {
					t.Fatalf("%s waits for %s, which has %d", c.name, k.Name, w.lists[k.Name])
				}
			}
			c.node.Leave(&c.Waiter)
		}
		for _, n := range w.nodes {
			if n.Keys() != 0 {
				t.Fatalf("%s keeps %d queues of nobody", n.id, n.Keys())
			}
		}
		w.now = w.now.Add(2 * lease)
		for _, n := range w.nodes {
			if n.desk.sweep(); n.desk.size() != 0 || len(n.watched) != 0 {
				t.Fatalf("%s watches %d keys for nobody", n.id, n.desk.size())
			}
		}
	})
}
