package coordinator

import (
	"sync"
	"sync/atomic"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// batch is the commands of one Execute on their way through ask, run and replicate.
type batch struct {
	c        *Coordinator
	settings Settings
	done     func()
	state    atomic.Uint32
	writes   bool // some command may change something

	mu sync.Mutex // guards the tallies and outcomes of the ops, merges, and the two below
	// asking says that the batch is in its first step. An answer that comes later changes nothing.
	asking bool
	// open is how many ops the present step still waits for.
	open int
	ops  []op

	tasks  []*engine.Task
	merges []*merge
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
	// primaries are the replicas of the slot, this node included; none of them changes during the command.
	primaries []ring.NodeID
	// future are the primaries that the slot will have; nil when they are the same. A write is acknowledged when W of
	// them have it too, so that it is not lost with the change.
	future []ring.NodeID
	tally  quorum.Tally
	// coming is the tally among future.
	coming   quorum.Tally
	next     int // the first of primaries that has not been asked
	finished bool
}

// Run runs the command in the applier, or in a view when the whole batch only reads.
func (o *op) Run(tx *engine.Tx) { o.b.c.Runner.Run(tx, o.command) }

// Keys are the command's keys.
func (o *op) Keys(yield func(object.Key) bool) { o.command.Keys(yield) }

// plan finds out who takes part in a command, and refuses it when too few of them can be reached.
func (o *op) plan(b *batch, command *Command, table *ring.Table) {
	o.b, o.command = b, command
	o.Slot, o.Body = command.Slot, o
	o.primaries = table.Primaries(command.Slot)
	if table.Changing() {
		o.future = table.Next(command.Slot)
	}
	o.choice = command.Quorum.Or(b.settings.Quorum).Within(len(o.primaries))
	need := 1
	if command.Mode&Write != 0 {
		need = int(o.choice.W)
	}
	if command.Mode&Read != 0 {
		need = max(need, int(o.choice.R))
	}
	if need > 1 && b.c.reachable(o.primaries) < need {
		b.c.Stats.ClusterDown.Add(1)
		o.fail(ErrClusterDown)
	}
}

// reachable counts the nodes that can take part, this one included.
func (c *Coordinator) reachable(nodes []ring.NodeID) int {
	n := 0
	for _, id := range nodes {
		if id == c.Self || c.Peers.Up(string(id)) {
			n++
		}
	}
	return n
}

// asks reports whether other replicas must be consulted before the command runs.
func (o *op) asks() bool {
	return !o.finished && o.command.Mode&Read != 0 && o.choice.R > 1
}

func (o *op) fail(err error) {
	o.command.Err = err
	o.finished = true
}

// missed ends a command that too few replicas confirmed.
func (o *op) missed() {
	o.b.c.Stats.NoQuorum.Add(1)
	o.fail(ErrNoQuorum)
}

// run runs the commands in order. A batch without writes needs no applier, but where it must merge first.
func (b *batch) run() {
	b.tasks = make([]*engine.Task, 0, len(b.merges)+len(b.ops))
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
	}
	if start(b.tasks, b.ran) {
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
}

// decided counts down the ops of the present step. It is called with mu held, and reports whether that was the last.
func (b *batch) decided() bool {
	b.open--
	return b.open == 0
}
