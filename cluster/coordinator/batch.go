package coordinator

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// batch is the commands of one Execute on their way through ask, run and replicate. It is used again when nobody refers to
// it any more: its Execute, messages without an answer, and the hedger.
type batch struct {
	c        *Coordinator
	settings Settings
	done     func()
	resume   func() // b.ran, made once
	refs     atomic.Int32
	parts    atomic.Int32 // refs, without the hedger's
	state    atomic.Uint32
	writes   bool // some command may change something, or runs on hints: it takes the applier

	mu sync.Mutex // guards the tallies and outcomes of the ops, merges, lags, and the rest
	// asking says that the batch is in its first step. An answer that comes later changes nothing.
	asking bool
	// open is how many ops the present step still waits for.
	open   int
	ops    []op
	view   *engine.View // of the keys that were asked for, when the batch only reads
	tasks  []*engine.Task
	merges []*merge
	lags   []lag
	// outrun says that a replica has more than view, and this store by now, too.
	outrun bool

	up         []peerState // as of when the batch was planned
	questions  pool[question]
	deliveries pool[delivery]
	hintings   []*hinting // what went to fallbacks
	// begun is when changes went out, lateAt when who has not confirmed them is late and fallbacks may be needed; zero for never.
	begun, lateAt time.Time
	arrival       time.Duration // of the largest of them
}

// peerState is whether a node can be reached, and does not answer.
type peerState struct {
	id     ring.NodeID
	up     bool
	silent bool
}

// newBatch returns a batch with one reference, for Execute.
func (c *Coordinator) newBatch(n int, done func()) *batch {
	b := c.batches.Get().(*batch)
	b.settings, b.done = c.Settings(), done
	b.refs.Store(1)
	b.parts.Store(1)
	b.state.Store(batchExecuting)
	if n > cap(b.ops) {
		b.ops = make([]op, n)
	}
	b.ops = b.ops[:n]
	return b
}

// keptOps is the largest batch that is used again.
const keptOps = 512

// ref takes references.
func (b *batch) ref(n int32) {
	b.parts.Add(n)
	b.refs.Add(n)
}

// unref gives up a reference.
func (b *batch) unref() {
	if b.parts.Add(-1) == 0 {
		b.settled()
	}
	b.release()
}

// settled notes that nothing of the batch is under way any more: all have answered, or never will.
func (b *batch) settled() {
	for i := range b.ops {
		if o := &b.ops[i]; o.writes {
			o.writes = false
			b.c.writing[o.Slot].Add(-1)
		}
	}
}

// release gives up one of refs: a reference, or the hedger's.
func (b *batch) release() {
	if b.refs.Add(-1) > 0 {
		return
	}
	b.closeView()
	if cap(b.ops) > keptOps {
		return
	}
	clear(b.ops)
	clear(b.tasks)
	clear(b.merges)
	clear(b.lags)
	b.ops, b.tasks, b.merges, b.lags, b.up = b.ops[:0], b.tasks[:0], b.merges[:0], b.lags[:0], b.up[:0]
	b.done, b.writes, b.asking, b.outrun, b.open = nil, false, false, false, 0
	b.hintings, b.begun, b.lateAt, b.arrival = nil, time.Time{}, time.Time{}, 0
	b.questions.recycle((*question).clear)
	b.deliveries.recycle((*delivery).clear)
	b.c.batches.Put(b)
}

func (b *batch) closeView() {
	if b.view != nil {
		b.view.Close()
		b.view = nil
	}
}

// pool is the messages of a batch, for reuse with it.
type pool[T any] struct {
	all  []*T
	used int
}

func (p *pool[T]) next() *T {
	if p.used == len(p.all) {
		p.all = append(p.all, new(T))
	}
	p.used++
	return p.all[p.used-1]
}

func (p *pool[T]) recycle(clean func(*T)) {
	for _, t := range p.all[:p.used] {
		clean(t)
	}
	p.used = 0
}

// A batch that finishes while Execute is still at work is reported by its result, later by done.
const (
	batchExecuting uint32 = iota
	batchWaiting
	batchFinished
)

// op is one command of a batch.
type op struct {
	engine.Task
	b       *batch
	command *Command
	choice  quorum.Choice
	// table is the ring that the command is planned by, and where the four below are from.
	table *ring.Table
	// primaries are the replicas of the slot, most often this node among them.
	primaries []ring.NodeID
	// future are the primaries that the slot will have; nil when they are the same. A write is acknowledged when W of
	// them have it too, so that it is not lost with the change.
	future []ring.NodeID
	// fallbacks may stand in for primaries, in order; nil when there are none, or the command is strict.
	fallbacks []ring.NodeID
	tally     quorum.Tally
	// coming is the tally among future.
	coming   quorum.Tally
	next     int      // the first candidate that has not been asked
	asked    int      // how many fallbacks have been
	away     bool     // some primary cannot be reached
	spare    int      // the first of fallbacks that has got no change
	spent    int      // how many have
	lacking  bool     // too few primaries for R can be reached: only hints can make up for them
	overlay  []*merge // what a stand-in has been answered, and keeps only with what it writes
	looked   int      // where the batch's view has the command's first key
	finished bool
	writes   bool // it is counted among the writes of its slot
	began    bool // it has run once, with so much in its reply before
	replied  int
}

// Run runs the command in the applier, or in a view when the whole batch only reads.
//
// It may be run again after it was stopped, and then replies anew.
func (o *op) Run(tx *engine.Tx) {
	if o.began {
		o.command.Reply = o.command.Reply[:o.replied]
	}
	o.began, o.replied = true, len(o.command.Reply)
	if tx.Alone() && o.command.Mode&Paged != 0 {
		o.runPaged(tx)
		return
	}
	for _, m := range o.overlay {
		m.Run(tx)
	}
	o.b.c.Runner.Run(tx, o.command)
}

// Keys are the command's keys.
func (o *op) Keys(yield func(object.Key) bool) { o.command.Keys(yield) }

// plan finds out who takes part in a command, and refuses it when too few of them can be reached.
func (o *op) plan(b *batch, command *Command, table *ring.Table) {
	o.b, o.command = b, command
	o.Slot, o.Body, o.Large = command.Slot, o, command.large()
	if o.writes = command.Mode&Write != 0; o.writes {
		b.c.writing[o.Slot].Add(1)
	}
	o.place(table)
	if !slices.Contains(o.primaries, b.c.Self) {
		o.standIn()
	}
	need := 1
	if command.Mode&Write != 0 {
		need = int(o.choice.W)
	}
	if command.Mode&Read != 0 {
		need = max(need, int(o.choice.R))
	}
	if need == 1 || o.finished {
		return
	}
	up := b.reachable(o.primaries)
	o.lacking = up < int(o.choice.R)
	if up < need && up+b.reachable(o.fallbacks) < need {
		b.c.Stats.ClusterDown.Add(1)
		o.fail(ErrClusterDown)
	}
}

// place plans a command by a ring.
func (o *op) place(table *ring.Table) {
	o.table, o.primaries, o.future, o.fallbacks = table, table.Primaries(o.Slot), nil, nil
	if table.Changing() {
		o.future = table.Next(o.Slot)
	}
	o.choice = o.command.Quorum.Or(o.b.settings.Quorum).Within(len(o.primaries))
	if o.choice.Strict != quorum.Strict {
		o.fallbacks = table.Fallbacks(o.Slot)
	}
}

// counts reports whether this node's own store is one of those that a quorum among some primaries is made of. It is not when the
// ring has changed since the command came, and the slot is no longer this node's.
func (o *op) counts(primaries []ring.NodeID) bool {
	self := o.b.c.Self
	return slices.Contains(primaries, self) || o.StandsFor != nil && slices.Contains(o.fallbacks, self)
}

// reachable counts the nodes that can take part, this one included.
func (b *batch) reachable(nodes []ring.NodeID) int {
	n := 0
	for _, id := range nodes {
		if id == b.c.Self || b.isUp(id) {
			n++
		}
	}
	return n
}

// isUp reports whether a node could be reached when the batch first asked.
func (b *batch) isUp(id ring.NodeID) bool { return b.peer(id).up }

func (b *batch) peer(id ring.NodeID) peerState {
	for i := range b.up {
		if b.up[i].id == id {
			return b.up[i]
		}
	}
	up, silence := b.c.Peers.Reach(string(id))
	b.up = append(b.up, peerState{id, up, silence > 0})
	return b.up[len(b.up)-1]
}

// asks reports whether other replicas must be consulted before the command runs.
func (o *op) asks() bool {
	return !o.finished && o.command.Mode&Read != 0 && o.choice.R > 1
}

func (o *op) fail(err error) {
	o.command.Err = err
	o.finished = true
}

// lacked ends a command that too few replicas could be asked for, before it ran.
func (o *op) lacked() {
	if !o.lacking {
		o.missed()
		return
	}
	o.b.c.Stats.ClusterDown.Add(1)
	o.fail(ErrClusterDown)
}

// missed ends a command that too few replicas confirmed.
func (o *op) missed() {
	o.b.c.Stats.NoQuorum.Add(1)
	o.fail(ErrNoQuorum)
}

// run runs the commands in order. A batch without writes needs no applier, but where it must merge first; and where it has
// asked, it has looked its keys up already, unless they have changed since.
func (b *batch) run() {
	for _, m := range b.merges {
		b.tasks = append(b.tasks, &m.Task)
	}
	for i := range b.ops {
		if o := &b.ops[i]; !o.finished {
			b.tasks = append(b.tasks, &o.Task)
		}
	}
	start := b.c.Store.Do
	if !b.writes && len(b.merges) == 0 {
		start = b.c.Store.Read
		if b.view != nil && !b.outrun {
			start = b.view.Read
		}
	}
	if start(b.tasks, b.resume) {
		b.ran()
	}
}

// ran goes on when the commands have run.
func (b *batch) ran() {
	for _, m := range b.merges {
		if m.Err != nil && m.op.Err == nil {
			m.op.Err = m.Err // the command ran without what it should have seen
		}
	}
	for i := range b.ops {
		if o := &b.ops[i]; !o.finished && o.Err != nil {
			o.fail(o.Err)
		}
	}
	b.repair()
	if b.writes {
		b.replicate()
		return
	}
	b.finish()
}

// finish tells the submitter that every command has its reply or error.
func (b *batch) finish() {
	mutant.Reach(mutant.BeforeAcknowledgement, uint64(b.c.Store.Node()))
	if b.state.CompareAndSwap(batchExecuting, batchFinished) {
		return // Execute has not returned yet and will say so itself
	}
	if b.done != nil {
		b.done()
		mutant.Reach(mutant.AfterAcknowledgement, uint64(b.c.Store.Node()))
	}
	b.unref()
}

// decided counts down the ops of the present step. It is called with mu held, and reports whether that was the last.
func (b *batch) decided() bool {
	b.open--
	return b.open == 0
}
