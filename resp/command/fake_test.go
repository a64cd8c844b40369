package command

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/antientropy"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/watch"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// fakeCluster is one node over a store in memory, which tests can make slow, failing or asynchronous.
type fakeCluster struct {
	store   *engine.Store
	handler *Handler
	status  cluster.Status
	// async finishes batches on another goroutine.
	async bool
	// fail is the error of a command, when not nil.
	fail func(*cluster.Command) error
	// flushed are the databases that were flushed; waited the replicas that were waited for.
	flushed []int
	repair  cluster.RepairStatus
	plan    cluster.RingPlan
	ring    cluster.RingStatus
	// committed are the changes of the ring that were begun.
	committed []cluster.RingChange
	transfers []cluster.Transfer
	hints     cluster.HintStatus
	// replicas are what Where finds.
	replicas []cluster.Replica
	// acked is how many other nodes confirm.
	acked int
	// waiting is made when the first client waits.
	waiting func() *watch.Service

	mu      sync.Mutex // guards the fields below
	batches [][]string // the commands of each Execute
	quorums []string
}

func (c *fakeCluster) Execute(batch []*cluster.Command, done func()) bool {
	c.note(batch)
	if c.async {
		go func() {
			finished := make(chan struct{})
			if !c.run(batch, func() { close(finished) }) {
				<-finished
			}
			done()
		}()
		return false
	}
	return c.run(batch, done)
}

// newWaiting is the waiting of a cluster that is this node alone.
func (c *fakeCluster) newWaiting() *watch.Service {
	s := watch.New(watch.Options{
		Self: "self", Store: c, Coordinator: func(object.Key) ring.NodeID { return "self" }, Timeout: func() time.Duration { return time.Second },
	})
	c.store.SetWatcher(s.Changed)
	return s
}

func (c *fakeCluster) Wait(w *cluster.Waiter)  { c.waiting().Wait(w) }
func (c *fakeCluster) Leave(w *cluster.Waiter) { c.waiting().Leave(w) }
func (c *fakeCluster) WaitedKeys() int         { return c.waiting().Keys() }

func (c *fakeCluster) Watch(key object.Key)   { c.store.Watch(key) }
func (c *fakeCluster) Unwatch(key object.Key) { c.store.Unwatch(key) }

func (c *fakeCluster) Elements(key object.Key) (object.Kind, int64) {
	o, err := c.store.Get(key)
	if o == nil || err != nil {
		return object.None, 0
	}
	return o.Kind(), o.Count(o.Kind())
}

func (c *fakeCluster) note(batch []*cluster.Command) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, cmd := range batch {
		var words []string
		for _, arg := range cmd.Args {
			words = append(words, string(arg))
		}
		names = append(names, strings.Join(words, " "))
		q := cmd.Quorum
		c.quorums = append(c.quorums, strconv.Itoa(int(q.R))+"/"+strconv.Itoa(int(q.W))+"/"+strconv.Itoa(int(q.Strict)))
	}
	c.batches = append(c.batches, names)
}

// fakeTask is a command as the store's task.
type fakeTask struct {
	h *Handler
	c *cluster.Command
}

func (t fakeTask) Run(tx *engine.Tx) { t.h.Run(tx, t.c) }

// run is a coordinator without replicas: a batch that only reads needs no applier.
func (c *fakeCluster) run(batch []*cluster.Command, done func()) bool {
	var tasks []*engine.Task
	var commands []*cluster.Command
	writes := false
	for _, cmd := range batch {
		if c.fail != nil {
			if cmd.Err = c.fail(cmd); cmd.Err != nil {
				continue
			}
		}
		writes = writes || cmd.Mode&cluster.Write != 0
		tasks = append(tasks, &engine.Task{Slot: cmd.Slot, Body: fakeTask{c.handler, cmd}})
		commands = append(commands, cmd)
	}
	if !writes {
		for i, cmd := range commands {
			cmd.Err = c.store.View(tasks[i].Body)
		}
		return true
	}
	ran := func() {
		for i, cmd := range commands {
			cmd.Err = tasks[i].Err
		}
	}
	if !c.store.Do(tasks, func() { ran(); done() }) {
		return false
	}
	ran()
	return true
}

func (c *fakeCluster) slots(scope cluster.Scope, slot object.Slot) *engine.SlotSet {
	set := &engine.SlotSet{}
	for s := range object.Slot(object.Slots) {
		if scope != cluster.OneSlot || s == slot {
			set.Add(s)
		}
	}
	return set
}

func (c *fakeCluster) Scan(_ context.Context, r cluster.ScanRequest) (out cluster.ScanResult, err error) {
	err = c.store.Scan(c.slots(r.Scope, r.Slot), engine.Place{}, func(_ engine.Place, key object.Key, o *object.Object) bool {
		if key.DB == r.DB && !o.Tombstone() {
			out.Keys = append(out.Keys, key.Name)
		}
		return true
	})
	slices.Sort(out.Keys)
	return out, err
}

func (c *fakeCluster) Count(_ context.Context, db uint8, scope cluster.Scope, slot object.Slot, _ quorum.Choice) (int64, error) {
	return c.store.Count(c.slots(scope, slot), db), nil
}

func (c *fakeCluster) RandomKey(context.Context, uint8, quorum.Choice) (string, bool, error) {
	return "", false, nil
}

func (c *fakeCluster) Flush(_ context.Context, db int) error {
	c.flushed = append(c.flushed, db)
	return c.store.Clear()
}

func (c *fakeCluster) Status() cluster.Status { return c.status }

func (c *fakeCluster) LeadsSlot(object.Slot) bool { return true }

func (c *fakeCluster) Preference(object.Slot) (primaries, fallbacks []string) {
	return []string{"a"}, []string{"b"}
}

func (c *fakeCluster) Where(context.Context, object.Key) []cluster.Replica { return c.replicas }

func (c *fakeCluster) Tokens(string) []uint64 { return []uint64{1, 0xabc} }

func (c *fakeCluster) RingStage(change cluster.RingChange) error {
	if change.Node == "nobody" {
		return cluster.ErrUnknownNode
	}
	c.plan.Staged = append(c.plan.Staged, change)
	return nil
}

func (c *fakeCluster) RingPlan() (cluster.RingPlan, error) { return c.plan, nil }
func (c *fakeCluster) RingClear()                          { c.plan.Staged = nil }
func (c *fakeCluster) RingStatus() cluster.RingStatus      { return c.ring }

func (c *fakeCluster) RingCommit(changes ...cluster.RingChange) error {
	switch {
	case len(changes) > 0 && len(c.plan.Staged) > 0:
		return cluster.ErrStaged
	case len(changes) == 0 && len(c.plan.Staged) == 0:
		return cluster.ErrNothingStaged
	}
	c.committed = append(append(c.committed, changes...), c.plan.Staged...)
	c.plan.Staged = nil
	return nil
}

func (c *fakeCluster) Transfers() (list []cluster.Transfer, keys, bytes int64) {
	return c.transfers, 1, 2
}

func (c *fakeCluster) RepairStart(full bool, first, last object.Slot) error {
	if c.repair.Run != nil {
		return antientropy.ErrRunning
	}
	c.repair.Run = &antientropy.RunState{Full: full, First: first, Last: last, Started: time.UnixMilli(1000)}
	return nil
}

func (c *fakeCluster) RepairPause(paused bool) { c.repair.Paused = paused }

func (c *fakeCluster) HintStatus() cluster.HintStatus { return c.hints }

func (c *fakeCluster) RepairStatus() cluster.RepairStatus { return c.repair }

func (c *fakeCluster) WaitReplicas(context.Context, int) (int, error) { return c.acked, nil }

func (c *fakeCluster) Sync(context.Context) error { return nil }

// fakeClients are connections without a server.
type fakeClients struct {
	sessions []*resp.Session
	filters  []resp.Filter
	mode     atomic.Uint32
	ended    chan struct{}
	pausedBy time.Duration
}

func (f *fakeClients) Clients(filter resp.Filter) []*resp.Session {
	f.filters = append(f.filters, filter)
	return f.sessions
}

func (f *fakeClients) Kill(filter resp.Filter, _ *resp.Session) int {
	f.filters = append(f.filters, filter)
	return len(f.sessions)
}

func (f *fakeClients) Pause(mode resp.PauseMode, d time.Duration) {
	f.ended, f.pausedBy = make(chan struct{}), d
	f.mode.Store(uint32(mode))
}

func (f *fakeClients) Unpause() {
	if f.mode.Swap(uint32(resp.NotPaused)) != uint32(resp.NotPaused) {
		close(f.ended)
	}
}

func (f *fakeClients) Paused() resp.PauseMode      { return resp.PauseMode(f.mode.Load()) }
func (f *fakeClients) PauseEnded() <-chan struct{} { return f.ended }
func (f *fakeClients) Stats() resp.Stats           { return resp.Stats{ConnectedClients: 3} }
func (f *fakeClients) ResetStats()                 {}
func (f *fakeClients) Limits() resp.Limits         { return resp.DefaultLimits() }

// fakeConfig is a configuration of one directive.
type fakeConfig struct{ value string }

func (f *fakeConfig) Get(...string) []string { return []string{"maxmemory", f.value} }

func (f *fakeConfig) Set(pairs ...string) error {
	if pairs[0] != "maxmemory" {
		return errors.New("ERR Unknown option or number of arguments for CONFIG SET - '" + pairs[0] + "'")
	}
	f.value = pairs[1]
	return nil
}

func (f *fakeConfig) Rewrite() error {
	return errors.New("ERR The server is running without a config file")
}

// node is a handler with its fakes.
type node struct {
	*Handler
	cluster  *fakeCluster
	clients  *fakeClients
	settings *Settings
	stopped  []ShutdownMode
	failing  bool // SHUTDOWN fails, but by force
	stopping bool // ABORT finds a stop
}

func (n *node) Shutdown(_ context.Context, _ *resp.Session, m ShutdownMode) error {
	if n.failing && !m.Force {
		return errors.New("failing")
	}
	n.stopped = append(n.stopped, m)
	return nil
}

func (n *node) AbortShutdown() bool { return n.stopping }

// cell is where the commands of testSpecs keep their value.
const cell object.CellName = "\x01"

// testSpecs are keyed commands that do as little as can be.
func testSpecs() []Spec {
	row := func(s Spec) Spec {
		s.FirstKey, s.LastKey, s.Step = 1, max(1, s.LastKey), 1
		s.KeyFlags = []KeyFlags{KeyRW}
		if s.Arity < 0 {
			s.LastKey = -1
		}
		return s
	}
	get := func(c *Call, i int) {
		if o := c.Lookup(c.Key(i)); o != nil {
			c.Reply.Bulk(o.Cell(cell).Newest().Payload)
			return
		}
		c.Reply.Null()
	}
	each := func(c *Call, f func(i int)) {
		for i := 1; i < len(c.Args); i++ {
			f(i)
		}
	}
	set := func(c *Call) {
		c.Tx.Edit(c.Key(1)).Put(cell, slices.Clone(c.Args[len(c.Args)-1]))
		c.Reply.SimpleString("OK")
	}
	specs := []Spec{
		row(Spec{Name: "t.get", Arity: 2, Flags: ReadOnly, Mode: cluster.Read, Run: func(c *Call) { get(c, 1) }}),
		row(Spec{Name: "t.set", Arity: 3, Flags: WriteFlag, Mode: cluster.Write, Run: set}),
		row(Spec{Name: "t.mget", Arity: -2, Flags: ReadOnly, Mode: cluster.Read, Merge: MergeArrays, Run: func(c *Call) {
			c.Reply.Array(len(c.Args) - 1)
			each(c, func(i int) { get(c, i) })
		}}),
		row(Spec{Name: "t.count", Arity: -2, Flags: ReadOnly, Mode: cluster.Read, Merge: MergeSum, Run: func(c *Call) {
			n := int64(0)
			each(c, func(i int) {
				if c.Tx.Object(c.Key(i)) != nil {
					n++
				}
			})
			c.Reply.Int(n)
		}}),
		row(Spec{Name: "t.same", Arity: 3, LastKey: 2, Mode: cluster.Write, Run: set}),
		row(Spec{Name: "t.fail", Arity: 2, Mode: cluster.Read, Run: func(c *Call) { c.Fail(ErrWrongType) }}),
	}
	mset := row(Spec{Name: "t.mset", Arity: -3, Flags: WriteFlag, Mode: cluster.Write, Merge: MergeOK, Run: func(c *Call) {
		for i := 1; i < len(c.Args); i += 2 {
			c.Tx.Edit(c.Key(i)).Put(cell, slices.Clone(c.Args[i+1]))
		}
		c.Reply.SimpleString("OK")
	}})
	mset.Step = 2
	return append(specs, mset)
}

func newNode(t testing.TB) *node { return newNodeOver(t, engine.DefaultOptions()) }

// newNodeOver is newNode with a store of some options.
func newNodeOver(t testing.TB, o engine.Options) *node {
	t.Helper()
	o.Logger, o.CacheBytes = slog.New(slog.DiscardHandler), 4<<20
	store, err := engine.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	n := &node{
		cluster: &fakeCluster{store: store},
		clients: &fakeClients{},
		settings: &Settings{
			Databases: 16, Replicas: 3, ReadQuorum: 2, WriteQuorum: 2, SlowlogSlowerThan: -1, SlowlogMaxLen: 128,
			LatencyTracking: true, LatencyPercentiles: []float64{50, 99, 99.9}, EnableDebugCommand: "local",
		},
	}
	n.cluster.waiting = sync.OnceValue(n.cluster.newWaiting)
	n.cluster.status = cluster.Status{
		Self: 0, Replicas: 3, RingVersion: 7,
		Nodes: []cluster.NodeStatus{
			{ID: strings.Repeat("a", 40), Host: "127.0.0.1", Port: 6379, ClusterPort: 7379, GossipPort: 17379, State: "member", Alive: true,
				Slots: []cluster.SlotRange{{First: 0, Last: 99}, {First: 101, Last: 16383}}},
			{ID: strings.Repeat("b", 40), Host: "127.0.0.2", Port: 6379, ClusterPort: 7379, GossipPort: 17379, State: "member", Alive: true,
				Slots: []cluster.SlotRange{{First: 100, Last: 100}}},
			{ID: strings.Repeat("c", 40), Host: "127.0.0.3", Port: 6379, ClusterPort: 7379, GossipPort: 17379, State: "member"},
		},
	}
	n.Handler = New(Options{
		Cluster: n.cluster, Config: &fakeConfig{}, Settings: func() *Settings { return n.settings }, Clients: n.clients,
		Stopper: n,
		Process: Process{Version: "test", RunID: strings.Repeat("f", 40), Port: 6379, ClusterPort: 7379, Started: time.Now()},
		Store:   func() StoreFacts { return StoreFacts{InMemory: true, Policy: "noeviction", AppendFsync: "everysec"} },
		Now:     time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	n.table = newTable(append(families(), testSpecs()...))
	n.Handler.stats.init(len(n.table.all), time.Now())
	n.cluster.handler = n.Handler
	return n
}

// session is a new connection.
func (n *node) session() *resp.Session {
	s := &resp.Session{ID: 5, RemoteAddr: "127.0.0.1:5000", LocalAddr: "127.0.0.1:6379", Created: time.Now()}
	s.SetProto(2)
	n.Opened(s)
	return s
}

// batchOf splits lines at blanks; a quoted argument may have blanks.
func batchOf(lines ...string) [][][]byte {
	var batch [][][]byte
	for _, line := range lines {
		var args [][]byte
		for i, part := range strings.Split(line, "'") {
			if i%2 == 1 {
				args = append(args, []byte(part))
				continue
			}
			for _, word := range strings.Fields(part) {
				args = append(args, []byte(word))
			}
		}
		batch = append(batch, args)
	}
	return batch
}

// serve runs a batch and returns the bytes of its replies.
func (n *node) serve(s *resp.Session, batch [][][]byte) string {
	done := make(chan struct{})
	if !n.Serve(s, batch, func() { close(done) }) {
		<-done
	}
	out := string(s.Out.Buf)
	s.Out.Buf = s.Out.Buf[:0]
	return out
}

// run runs lines as one batch.
func (n *node) run(s *resp.Session, lines ...string) string { return n.serve(s, batchOf(lines...)) }
