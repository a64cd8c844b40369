package sim

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/clustertest"
	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
	"github.com/kindredkv/kindred/resp/command"
)

// world is one simulation under way.
type world struct {
	t       testing.TB
	plan    *plan
	c       *clustertest.Cluster
	members []*member
	witness *witness
	began   time.Time
	verbose bool

	striking sync.WaitGroup // faults and repairs
	runs     atomic.Int64
	ops      atomic.Int64

	queues queueTally // at the end

	mu       sync.Mutex // guards the two below
	recorded []*op
	broken   []violation // what was seen to be wrong before the end
}

// member is one node through all its runs.
type member struct {
	index   int
	held    chan struct{} // has an element while something is done to the node
	current atomic.Pointer[run]
	damaged atomic.Bool // bits of its disk have flipped, or it was put back to an old copy
	gone    bool        // it is no part of the cluster any more and is not started again; under held
}

// hold does something to the node when nobody else does.
func (m *member) hold(f func(*member)) {
	m.held <- struct{}{}
	defer func() { <-m.held }()
	f(m)
}

func (m *member) running() *run { return m.current.Load() }

// run is one run of a node's process.
type run struct {
	number int
	node   *cluster.Node
	store  *engine.Store
	died   chan struct{}
	atWork atomic.Int64 // clients' commands
}

// execute runs commands and reports whether the node lived to see their ends.
func (r *run) execute(commands []*cluster.Command) bool {
	r.atWork.Add(1)
	defer r.atWork.Add(-1)
	done := make(chan struct{})
	if r.node.Execute(commands, func() { close(done) }) {
		close(done)
	}
	select {
	case <-done:
	case <-r.died:
		return false
	}
	select {
	case <-r.died: // an acknowledgement that nobody heard
		return false
	default:
		return true
	}
}

func newWorld(t testing.TB, p *plan, verbose bool) *world {
	w := &world{t: t, plan: p, witness: newWitness(), verbose: verbose, began: time.Now()}
	config := clustertest.DefaultConfig()
	config.Nodes, config.Replicas, config.Seed, config.Sync, config.MaxSiblings = p.nodes, replicas, p.seed, p.sync, 0
	config.RepairRate, config.ReapPause, config.InlineBytes = p.repairRate, p.reapPause, p.inline
	config.Backlog = p.backlog
	config.Settings = coordinator.Settings{
		Quorum: quorum.Choice{R: uint8(p.r), W: uint8(p.w)}, HedgeDelay: p.hedge, Timeout: p.timeout,
	}
	for i := range p.all() {
		w.members = append(w.members, &member{index: i, held: make(chan struct{}, 1)})
	}
	config.Runner = w.runner
	config.Failed = func(n *clustertest.Node, err error) {
		w.striking.Add(1) // a simulation that is over is not waited for
		go func() {
			defer w.striking.Done()
			w.failed(n, err)
		}()
	}
	w.c = clustertest.New(t, config)
	for range p.all() - p.nodes {
		w.c.Reserve()
	}
	for _, d := range p.partings {
		if d.by > 0 {
			w.c.Standby(d.by)
		}
	}
	for i := range p.nodes {
		w.began = time.Now()
		w.members[i].current.Store(w.newRun(i))
	}
	w.witness.start = w.began
	w.crashAtPoints()
	return w
}

// runner is the product's runner of a node about to run, with the witness around it.
func (w *world) runner(n *clustertest.Node) cluster.Runner {
	settings := &command.Settings{
		Databases: 16, ProtoMaxBulkLen: 512 << 20, Replicas: replicas, ReadQuorum: w.plan.r, WriteQuorum: w.plan.w,
		SlowlogSlowerThan: -1,
	}
	product := command.New(command.Options{
		Cluster: n, Settings: func() *command.Settings { return settings }, Now: time.Now,
		Clients: resp.NewServer(resp.Options{Limits: resp.DefaultLimits()}), Logger: slog.New(slog.DiscardHandler),
	})
	return runner{w: w.witness, run: int(w.runs.Add(1)), product: product}
}

func (w *world) newRun(i int) *run {
	n := w.c.Nodes[i]
	return &run{number: int(w.runs.Load()), node: n.Node, store: n.Store, died: make(chan struct{})}
}

func (w *world) now() time.Duration { return time.Since(w.began) }

func (w *world) nextOp() int { return int(w.ops.Add(1)) }

func (w *world) log(format string, args ...any) {
	if w.verbose {
		fmt.Printf("  %9s %s\n", w.now(), fmt.Sprintf(format, args...))
	}
}

func (w *world) record(o *op) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recorded = append(w.recorded, o)
}

func (w *world) wrong(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = append(w.broken, violation{"cluster", fmt.Sprintf(format, args...)})
}

// running is the run of a node, or of the next one that runs.
func (w *world) running(node *int) *run {
	for range w.members {
		if r := w.members[*node].running(); r != nil {
			return r
		}
		*node = (*node + 1) % len(w.members)
	}
	return nil
}

// start starts a node that is held. The node sets a store that is broken aside, which must be one that may be lost.
func (w *world) start(m *member) {
	if err := w.c.TryStart(m.index); err != nil {
		if m.gone = errors.Is(err, membership.ErrRemoved) && w.plan.parts(m.index) != nil; m.gone {
			return
		}
		w.wrong("node %d does not start: %v", m.index, err)
		return
	}
	if aside := w.c.Nodes[m.index].Aside(); aside != "" {
		w.log("node %d has set its store aside", m.index)
		if !m.damaged.Swap(false) {
			w.wrong("node %d has set its store aside, though nothing damaged its disk", m.index)
		}
	}
	w.log("node %d runs", m.index)
	m.current.Store(w.newRun(m.index))
}

// kill ends a node that is held.
func (w *world) kill(m *member, percent int) bool {
	r := m.running()
	if r == nil {
		return false
	}
	m.current.Store(nil)
	close(r.died)
	w.c.Kill(m.index, percent)
	w.log("node %d is down", m.index)
	return true
}

// down kills a node, does something to it, and starts it again.
func (w *world) down(e event, percent int, meanwhile func(*member)) {
	w.members[e.nodes[0]].hold(func(m *member) {
		if w.kill(m, percent) {
			meanwhile(m)
			time.Sleep(e.lasts)
			w.start(m)
		}
	})
}

// stop stops a node in good order: no new commands come, and those under way end.
func (w *world) stop(m *member) bool {
	r := m.running()
	if r == nil {
		return false
	}
	m.current.Store(nil)
	for range 100 {
		if r.atWork.Load() == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	close(r.died)
	w.c.Stop(m.index)
	w.log("node %d has stopped", m.index)
	return true
}

// failDisk makes a node's disk fail for a while. The store gives up when it notices, see failed.
func (w *world) failDisk(e event, err error) {
	i := e.nodes[0]
	w.members[i].hold(func(m *member) {
		if m.running() != nil {
			w.c.FailDisk(i, &clustertest.DiskFault{Err: err, After: int(e.seed % 200)})
		}
	})
	time.Sleep(e.lasts)
	w.members[i].hold(func(m *member) { w.c.FailDisk(i, nil) })
}

// failed takes down a node whose store has failed, mends its disk, and starts it again.
func (w *world) failed(n *clustertest.Node, err error) {
	i := slices.Index(w.c.Nodes, n)
	w.log("the store of node %d has failed: %v", i, err)
	w.members[i].hold(func(m *member) {
		r := m.running()
		if !n.Failed() || !w.kill(m, 100) {
			return
		}
		go func() { _ = r.store.Close() }() // it may be at a compaction that never succeeds
		time.Sleep(300 * time.Millisecond)
		w.start(m)
	})
}

// forget drops half of what a node holds without a trace.
func (w *world) forget(m *member, rng *rand.Rand) {
	r := m.running()
	if r == nil {
		return
	}
	var tasks []*engine.Task
	for _, key := range w.keys() {
		if rng.IntN(2) == 0 {
			k := object.Key{Name: key}
			tasks = append(tasks, &engine.Task{Slot: k.Slot(), Body: forgetting{k}})
		}
	}
	done := make(chan struct{})
	if r.store.Do(tasks, func() { close(done) }) {
		return
	}
	select {
	case <-done:
	case <-r.died:
	}
}

type forgetting struct{ key object.Key }

func (f forgetting) Run(tx *engine.Tx) { tx.Forget(f.key) }

// keys are all keys that clients use.
func (w *world) keys() []string {
	var out []string
	for _, class := range classes {
		for n := range w.plan.keys {
			out = append(out, fmt.Sprint(class, n))
		}
	}
	return out
}
