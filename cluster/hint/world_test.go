package hint

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// world is a node that keeps hints, a Replayer of it, and the stores of the other nodes.
type world struct {
	t      *testing.T
	ids    []ring.NodeID // the holder is the last
	fs     *vfs.MemFS
	holder *engine.Store
	stores map[ring.NodeID]*engine.Store
	r      *Replayer
	stop   func()

	mu       sync.Mutex // guards the rest
	table    *ring.Table
	up       map[ring.NodeID]bool
	settings Settings
	// sent is what was sent to each node, in messages; lose drops the replies to the next few; meanwhile runs once, while a
	// message is under way.
	sent      map[ring.NodeID]int
	bytes     int
	takes     time.Duration // what a message takes
	lose      int
	meanwhile func()
}

const holds object.CellName = "\x01"

// inWorld runs a test with a ring of four nodes and N=3, and the fourth node as the holder, for keys whose fallback it is.
func inWorld(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, fs: vfs.NewCrashableMem(), stores: map[ring.NodeID]*engine.Store{}, up: map[ring.NodeID]bool{}, sent: map[ring.NodeID]int{},
			takes: time.Millisecond, settings: Settings{Rate: 1 << 30, MaxAge: 3 * time.Hour, Timeout: 2 * time.Second, W: 2},
		}
		for i := range 4 {
			w.ids = append(w.ids, ring.NodeID(fmt.Sprintf("%040d", i)))
		}
		w.ring(ring.Member, ring.Member, ring.Member, ring.Member)
		for _, id := range w.ids[:3] {
			w.stores[id] = w.open(vfs.NewMem())
		}
		w.start()
		defer func() {
			w.halt()
			time.Sleep(time.Second) // messages that are under way end
			for _, s := range w.stores {
				w.close(s)
			}
		}()
		test(w)
	})
}

func (w *world) ring(states ...ring.State) {
	var nodes []ring.Node
	for i, s := range states {
		n := ring.Node{ID: w.ids[i], State: s}
		if s == ring.Joining || s == ring.Leaving {
			n.Change = 1 // they take part in one
		}
		nodes = append(nodes, n)
	}
	w.change(func() { w.table = ring.Build(nodes, 16, 3) })
}

func (w *world) open(fs vfs.FS) *engine.Store {
	o := engine.DefaultOptions()
	o.Dir, o.FS, o.Shards, o.CacheBytes, o.Logger, o.Sync = "/data", fs, 1, 1<<20, slog.New(slog.DiscardHandler), engine.SyncAlways
	o.Random = rand.New(rand.NewPCG(rand.Uint64(), 0))
	s, err := engine.Open(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) close(s *engine.Store) {
	if err := s.Close(); err != nil {
		w.t.Error(err)
	}
}

// start runs the holder.
func (w *world) start() {
	w.holder = w.open(w.fs)
	w.r = New(Options{
		Self: w.ids[3], Store: w.holder, Peers: w, Ring: func() *ring.Table { return get(w, &w.table) },
		Settings: func() Settings { return get(w, &w.settings) }, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		w.r.Run(ctx)
		close(ended)
	}()
	w.stop = func() {
		cancel()
		<-ended
	}
}

func (w *world) halt() {
	w.stop()
	w.close(w.holder)
}

// crash ends the holder as the loss of power does, and starts it again.
func (w *world) crash() {
	left := w.fs.CrashClone(vfs.CrashCloneCfg{})
	w.halt()
	w.fs = left
	w.start()
}

// change changes what the replayer can see.
func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func get[T any](w *world, field *T) T {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *field
}

// arrive brings nodes up.
func (w *world) arrive(ids ...ring.NodeID) {
	w.change(func() {
		for _, id := range ids {
			w.up[id] = true
		}
	})
}

func (w *world) setRate(rate int64) { w.change(func() { w.settings.Rate = rate }) }

func (w *world) Up(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.up[ring.NodeID(id)]
}

// Call brings a replicate request to a node's store.
func (w *world) CallBy(id string, kind uint8, _ uint64, payload []byte, _ time.Duration, done func(transport.Reply)) {
	payload = append([]byte(nil), payload...)
	go func() {
		time.Sleep(get(w, &w.takes))
		to := ring.NodeID(id)
		if !w.Up(id) {
			done(transport.Reply{Err: transport.ErrLost})
			return
		}
		reply := transport.Reply{Payload: w.merge(w.stores[to], payload)}
		w.mu.Lock()
		w.sent[to]++
		w.bytes += len(payload)
		meanwhile := w.meanwhile
		w.meanwhile = nil
		if w.lose > 0 {
			w.lose--
			reply = transport.Reply{Err: transport.ErrTimeout}
		}
		w.mu.Unlock()
		if meanwhile != nil {
			meanwhile()
		}
		done(reply)
	}()
}

func (w *world) merge(s *engine.Store, b []byte) (reply []byte) {
	field := func() []byte {
		n, size := binary.Uvarint(b)
		out := b[size : size+int(n)]
		b = b[size+int(n):]
		return out
	}
	for len(b) > 0 {
		db := b[0]
		b = b[1:]
		key := object.Key{DB: db, Name: string(field())}
		if b[0] != 0 {
			w.t.Fatal("a hint is not sent whole")
		}
		b = b[1:]
		o, err := object.Decode(field())
		if err != nil {
			w.t.Fatal(err)
		}
		w.run(s, key, func(tx *engine.Tx) { tx.Merge(key, o) })
		reply = append(reply, 0)
	}
	return reply
}

type bodyFunc func(*engine.Tx)

func (f bodyFunc) Run(tx *engine.Tx) { f(tx) }

func (w *world) run(s *engine.Store, key object.Key, f func(*engine.Tx)) {
	task := &engine.Task{Slot: key.Slot(), Body: bodyFunc(f)}
	done := make(chan struct{})
	if !s.Do([]*engine.Task{task}, func() { close(done) }) {
		<-done
	}
	if task.Err != nil {
		w.t.Fatal(task.Err)
	}
}

// keys are n keys whose only fallback is the holder.
func (w *world) keys(n int) (keys []object.Key) {
	for i := 0; len(keys) < n; i++ {
		key := object.Key{Name: fmt.Sprint("k", i)}
		if get(w, &w.table).Preference(key.Slot())[3] == w.ids[3] {
			keys = append(keys, key)
		}
	}
	return keys
}

var lastTime causal.Time

// keep gives the holder a hint of a new write.
func (w *world) keep(key object.Key, value string, owners ...ring.NodeID) {
	lastTime++
	at := causal.Time(time.Now().Add(-time.Minute).UnixMilli())<<16 + lastTime
	e := object.NewEdit(nil, causal.Dot{Actor: causal.Actor{Node: 9, Birth: at}, Time: at})
	e.Put(holds, []byte(value))
	var names []engine.Owner
	for _, o := range owners {
		names = append(names, engine.Owner(o))
	}
	w.run(w.holder, key, func(tx *engine.Tx) {
		if !tx.KeepHint(key, names, e.Result()) {
			w.t.Fatal("not kept")
		}
	})
}

// value is the newest value that a store holds of a key; "-" for none.
func (w *world) value(id ring.NodeID, key object.Key) string {
	s := w.stores[id]
	if id == w.ids[3] {
		s = w.holder
	}
	o, err := s.Get(key)
	if err != nil {
		w.t.Fatal(err)
	}
	if o == nil || o.Cell(holds) == nil {
		return "-"
	}
	return string(o.Cell(holds).Newest().Payload)
}

// messages is how many the node has got.
func (w *world) messages(id ring.NodeID) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent[id]
}

func (w *world) left() int64 { return w.holder.HintStats().Keys }
