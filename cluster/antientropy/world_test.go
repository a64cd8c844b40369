package antientropy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// world is some stores, each with its Repairer, which call each other without a network. All replicate every slot. Every test
// that lets time pass runs in a synctest bubble: what sleeps here sleeps on its fake clock.
type world struct {
	t      testing.TB
	table  *ring.Table
	nodes  []*worldNode
	config Settings
	// without leaves rules of reaping out, from the next start of a node on.
	without Rule

	mu   sync.Mutex // guards the two below
	down map[ring.NodeID]bool
	// meet, when set, is called with every request before it is served; it may refuse it.
	meet func(from, to ring.NodeID, kind uint8) error
}

type worldNode struct {
	*Repairer
	id    ring.NodeID
	store *engine.Store
	fs    *vfs.MemFS
	w     *world
	hints bool
	// wall is the clock of the store.
	wall atomic.Pointer[func() time.Time]
}

const (
	testTimeout = 2 * time.Second
	testOldest  = testTimeout + 60*time.Millisecond
)

// newWorld makes n nodes with stores on disks that can crash; in memory when disks is false.
func newWorld(t testing.TB, n int, disks bool, without ...Rule) *world {
	w := &world{t: t, down: map[ring.NodeID]bool{}, config: Settings{Rate: 64 << 20, Timeout: testTimeout, Oldest: testOldest}}
	for _, rule := range without {
		w.without |= rule
	}
	var members []ring.Node
	for i := range n {
		node := &worldNode{id: ring.NodeID(fmt.Sprintf("%040x", i+1)), w: w}
		node.setClock(time.Now)
		if disks {
			node.fs = vfs.NewCrashableMem()
		}
		w.nodes = append(w.nodes, node)
		members = append(members, ring.Node{ID: node.id, Weight: 1, State: ring.Member})
	}
	w.table = ring.Build(members, 16, n)
	for _, node := range w.nodes {
		node.start()
	}
	t.Cleanup(func() {
		for _, node := range w.nodes {
			if err := node.store.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

func (n *worldNode) start() {
	o := engine.DefaultOptions()
	if n.fs != nil {
		o.Dir, o.FS = "/data", n.fs
	}
	o.Shards, o.Sync, o.CacheBytes = 1, engine.SyncNever, 8<<20
	o.Now = func() time.Time { return (*n.wall.Load())() }
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	o.Random = rand.New(rand.NewPCG(rand.Uint64(), 0))
	var err error
	if n.store, err = engine.Open(o); err != nil {
		n.w.t.Fatal(err)
	}
	n.Repairer, err = New(Options{
		Self: n.id, Store: n.store, Peers: worldPeers{n}, Ring: func() *ring.Table { return n.w.table },
		Settings: func() Settings { return n.w.config }, Now: time.Now, Logger: o.Logger,
		Hints: func(object.Slot) bool { return n.hints }, Without: n.w.without,
	})
	if err != nil {
		n.w.t.Fatal(err)
	}
}

func (n *worldNode) setClock(wall func() time.Time) { n.wall.Store(&wall) }

// crash drops what a node's store has not synced, and starts it again.
func (n *worldNode) crash() {
	left := n.fs.CrashClone(vfs.CrashCloneCfg{})
	_ = n.store.Close()
	n.fs = left
	n.start()
}

// worldPeers is the way from one node to the others.
type worldPeers struct{ from *worldNode }

func (p worldPeers) Up(id string) bool {
	w := p.from.w
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.down[ring.NodeID(id)] && !w.down[p.from.id]
}

func (p worldPeers) Call(id string, kind uint8, payload []byte, _ time.Duration, done func(transport.Reply)) {
	w := p.from.w
	w.mu.Lock()
	meet := w.meet
	w.mu.Unlock()
	go func() {
		err := error(transport.ErrNotSent)
		if p.Up(id) {
			err = nil
			if meet != nil {
				err = meet(p.from.id, ring.NodeID(id), kind)
			}
		}
		if err != nil {
			done(transport.Reply{Err: err})
			return
		}
		for _, n := range w.nodes {
			if string(n.id) != id {
				continue
			}
			out, err := n.Serve(p.from.id, kind, payload, 0)
			if err != nil {
				done(transport.Reply{Status: StatusRefused, Payload: []byte(err.Error())})
			} else {
				done(transport.Reply{Payload: out})
			}
		}
	}()
}

func (w *world) setDown(i int, down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[w.nodes[i].id] = down
}

type bodyFunc func(*engine.Tx)

func (f bodyFunc) Run(tx *engine.Tx) { f(tx) }

// change runs a body on a key at a node's store.
func (n *worldNode) change(name string, f func(*engine.Tx, object.Key)) *object.Object {
	key := object.Key{Name: name}
	task := &engine.Task{Slot: key.Slot(), Body: bodyFunc(func(tx *engine.Tx) { f(tx, key) })}
	done := make(chan struct{})
	if !n.store.Do([]*engine.Task{task}, func() { close(done) }) {
		<-done
	}
	if task.Err != nil {
		n.w.t.Fatal(task.Err)
	}
	return n.get(name)
}

const cell object.CellName = "\x01"

func (n *worldNode) set(name, value string) *object.Object {
	return n.change(name, func(tx *engine.Tx, key object.Key) { tx.Edit(key).Put(cell, []byte(value)) })
}

func (n *worldNode) del(name string) *object.Object {
	return n.change(name, func(tx *engine.Tx, key object.Key) { tx.Edit(key).Clear() })
}

func (n *worldNode) merge(name string, o *object.Object) {
	n.change(name, func(tx *engine.Tx, key object.Key) { tx.Merge(key, o) })
}

func (n *worldNode) forget(name string) {
	n.change(name, func(tx *engine.Tx, key object.Key) { tx.Forget(key) })
}

// get is what the node's store has of a key; nil when it has nothing.
func (n *worldNode) get(name string) *object.Object {
	o, err := n.store.Get(object.Key{Name: name})
	if err != nil {
		n.w.t.Fatal(err)
	}
	return o
}

// value is the newest value that the node's store has of a key, "-" for none.
func (n *worldNode) value(name string) string {
	if o := n.get(name); o != nil && o.Cell(cell) != nil {
		return string(o.Cell(cell).Newest().Payload)
	}
	return "-"
}

// everywhere merges an object into all stores.
func (w *world) everywhere(name string, o *object.Object) {
	for _, n := range w.nodes {
		n.merge(name, o)
	}
}

// exchangeWith makes one exchange of everything.
func (n *worldNode) exchangeWith(peer *worldNode) error {
	return n.do(context.Background(), &job{peer: peer.id, slots: everySlot(), whole: true})
}

// alike reports whether all stores have equal trees.
func (w *world) alike() bool {
	for slot := range object.Slot(object.Slots) {
		for _, n := range w.nodes[1:] {
			if n.store.Tree(slot) != w.nodes[0].store.Tree(slot) {
				return false
			}
		}
	}
	return true
}

// versionOf is an object of one value under an actor of no store here.
func versionOf(actor, time uint64, value string) *object.Object {
	e := object.NewEdit(nil, causal.Dot{Actor: causal.Actor{Node: causal.Node(actor), Birth: causal.Time(time)}, Time: causal.Time(time)})
	e.Put(cell, []byte(value))
	o, _ := e.Finish()
	return o
}
