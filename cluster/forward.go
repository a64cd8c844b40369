package cluster

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine/object"
)

// Execute runs each command at the coordinator of its slot: the first node of its preference list that can be
// reached. It returns true when all are done; otherwise done is called once, later, from another goroutine.
func (n *Node) Execute(batch []*Command, done func()) bool {
	table, bear := n.Ring(), n.bearable(batch)
	for _, c := range batch {
		if id, _ := n.coordinatorOf(table, c, nil, bear); id != n.self {
			g := &gathering{node: n, done: done, bear: bear, errands: make([]errand, len(batch))}
			for i := range g.errands {
				g.errands[i].command = batch[i]
			}
			return g.start(table)
		}
	}
	return n.coordinator.Execute(batch, done)
}

// primaryOf is the first primary of a slot that can be reached and is not among those tried; empty when there is none.
func (n *Node) primaryOf(table *ring.Table, slot object.Slot, tried []ring.NodeID) ring.NodeID {
	return n.firstOf(table.Primaries(slot), tried, math.MaxInt64)
}

// firstOf is the first of some nodes that can be reached and is not among those tried; one that is silent for longer than is to be
// borne comes after the others. Who lacks data is passed by.
func (n *Node) firstOf(nodes, tried []ring.NodeID, bear time.Duration) (first ring.NodeID) {
	lacking := n.lacking.Load()
	for _, id := range nodes {
		if lacking != nil && (*lacking)[id] || slices.Contains(tried, id) {
			continue
		}
		up, silence := true, time.Duration(0)
		if id != n.self {
			up, silence = n.transport.Reach(string(id))
		}
		if !up {
			continue
		}
		if silence == 0 || silence <= n.borne(id, bear) {
			return id
		}
		if first == "" {
			first = id
		}
	}
	return first
}

// borne is for how long a node may be silent and still be asked first: no longer than it would be waited for, by how late its answers
// usually are. bear is 0 for never, or the most.
func (n *Node) borne(id ring.NodeID, bear time.Duration) time.Duration {
	if bear == 0 || bear == math.MaxInt64 {
		return bear
	}
	settings := n.settings()
	usual := settings.Patience(n.transport.Late(string(id)))
	return min(bear, max(settings.HedgeDelay, (writePatience-1)*usual))
}

// bearable is for how long at most a node may be silent to be still the first that is asked to coordinate commands. Reads may go to any
// replica. Writes go elsewhere only when others have been late by nearly all their patience: a slot with two coordinators can get
// siblings.
func (n *Node) bearable(batch []*Command) time.Duration {
	for _, c := range batch {
		if c.Mode&Write != 0 {
			return (writePatience - 1) * n.settings().HedgeDelay
		}
	}
	return 0
}

// coordinatorOf is the first node of the preference list of the command's slot that can be reached and is not among those tried;
// empty when there is none, or as many have been tried as is enough. A fallback stands in only when no primary is left, and
// the command is not strict.
func (n *Node) coordinatorOf(table *ring.Table, c *Command, tried []ring.NodeID, bear time.Duration) (id ring.NodeID, standIn bool) {
	primaries := table.Primaries(c.Slot)
	if id = n.firstOf(primaries, tried, bear); id != "" {
		return id, false
	}
	if c.Quorum.Or(n.settings().Quorum).Strict == quorum.Strict || len(tried) >= 2*len(primaries) {
		return "", false
	}
	id = n.firstOf(table.Fallbacks(c.Slot), tried, bear)
	return id, id != ""
}

// gathering is a batch whose commands go to several coordinators.
//
// A coordinator that is late is overtaken by the next in the preference list, for those commands that may run twice: the
// first outcome counts. The others move on only when the coordinator provably never received them.
//
// A client sees its commands on a slot run in their order, so those of one slot are overtaken all or none: a SET that is sent
// to another node, and not the INCR between it and the GET behind it, gives the GET a reply of its own. And a write is late only
// after writePatience times as long: run again, it is a newer write, which hides what the client writes next if that is ordered
// before it. Reads do no harm however often they run.
type gathering struct {
	node  *Node
	done  func()
	state atomic.Uint32
	timer *time.Timer
	bear  time.Duration // as Node.bearable has it

	mu      sync.Mutex // guards the fields below, and the commands of unsettled errands
	errands []errand
	open    int           // errands without an outcome
	patient bool          // large commands were given time to arrive
	flowed  time.Duration // for how long they did
	delay   time.Duration
	begun   time.Time
}

// writePatience is how many times longer than a read a write waits for its coordinator.
const writePatience = 5

const (
	gatherStarting uint32 = iota
	gatherWaiting
	gatherFinished
)

// errand is one command on its way to a coordinator.
type errand struct {
	command *Command
	settled bool
	here    bool          // this node runs the command itself, not a copy of it
	away    int           // attempts without an answer
	doubt   bool          // a node may have run it that gave no reply
	tried   []ring.NodeID // nodes that got it, or could not be reached
}

// attempt is some errands at one node.
type attempt struct {
	g        *gathering
	peer     ring.NodeID
	errands  []*errand
	commands []*Command // what runs, the errands' own commands or copies
	mode     Mode       // what is said of the commands besides: StandIn when the peer may be none of their primaries
}

func (g *gathering) start(table *ring.Table) bool {
	g.mu.Lock()
	all := make([]*errand, len(g.errands))
	for i := range g.errands {
		all[i] = &g.errands[i]
	}
	g.open = len(all)
	attempts := g.route(table, all)
	hedged := false
	for _, a := range attempts {
		hedged = hedged || a.peer != g.node.self
		for i := 0; a.mode != 0 && i < len(a.commands); i++ {
			a.commands[i].Mode |= a.mode
		}
		for _, e := range a.errands {
			e.here = a.peer == g.node.self
		}
	}
	if g.delay = g.patience(attempts); hedged && g.delay > 0 {
		g.begun = time.Now()
		g.timer = time.AfterFunc(g.delay, g.hedge)
	}
	finished := g.open == 0
	g.mu.Unlock()
	g.send(attempts)
	if finished {
		g.finish()
	}
	return !g.state.CompareAndSwap(gatherStarting, gatherWaiting)
}

// patience is how long to wait for the first answers.
func (g *gathering) patience(attempts []*attempt) (delay time.Duration) {
	settings := g.node.settings()
	for _, a := range attempts {
		if a.peer != g.node.self {
			delay = max(delay, settings.Patience(g.node.transport.Late(string(a.peer))))
		}
	}
	return delay
}

// writesAfter is how long a write waits for its coordinator: several times what nearly all answers take, and a hedge delay at least, which
// is longer than a process is held up by itself. mu is held.
func (g *gathering) writesAfter() time.Duration {
	return max(writePatience*g.delay, g.node.settings().HedgeDelay)
}

// suspect has the nodes looked at that have not answered for so long. mu is held.
func (g *gathering) suspect(waited time.Duration) {
	var last ring.NodeID
	for i := range g.errands {
		e := &g.errands[i]
		if e.settled || e.away == 0 {
			continue
		}
		if peer := e.tried[len(e.tried)-1]; peer != g.node.self && peer != last {
			g.node.transport.Suspect(string(peer), waited)
			last = peer
		}
	}
}

// route groups errands by the next coordinator to try. Those without one are settled.
func (g *gathering) route(table *ring.Table, errands []*errand) []*attempt {
	var attempts []*attempt
	for _, e := range errands {
		peer, standIn := g.node.coordinatorOf(table, e.command, e.tried, g.bear)
		if peer == "" {
			switch {
			case e.away > 0:
			case e.doubt:
				g.settle(e, ErrNoQuorum)
			default:
				g.settle(e, ErrClusterDown)
			}
			continue
		}
		e.tried = append(e.tried, peer)
		e.away++
		i := slices.IndexFunc(attempts, func(a *attempt) bool { return a.peer == peer })
		if i < 0 {
			i = len(attempts)
			attempts = append(attempts, &attempt{g: g, peer: peer})
		}
		if standIn {
			attempts[i].mode = coordinator.StandIn
		}
		attempts[i].errands = append(attempts[i].errands, e)
		attempts[i].commands = append(attempts[i].commands, e.command)
	}
	return attempts
}

// settle gives an errand its outcome when that is an error, or nil when the command has its reply.
func (g *gathering) settle(e *errand, err error) {
	if err != nil {
		e.command.Err = err
	}
	e.settled = true
	g.open--
}

func (g *gathering) send(attempts []*attempt) {
	// Remote attempts first: they are under way while this node works on its own.
	for _, a := range attempts {
		if a.peer != g.node.self {
			g.node.stats.forwarded.Add(uint64(len(a.commands)))
			payload, timeout := coordinator.RunParts(a.commands), g.node.settings().Timeout
			// The coordinator has to write what is large, and to send it on.
			timeout += 2 * arrival(a.commands)
			g.node.transport.CallParts(string(a.peer), coordinator.KindRun, 0, payload, timeout, a.answered)
		}
	}
	for _, a := range attempts {
		if a.peer == g.node.self && g.node.coordinator.Execute(a.commands, a.ran) {
			a.ran()
		}
	}
}

// ran takes the outcomes of commands that this node ran itself.
func (a *attempt) ran() { a.settle(nil) }

// answered takes the outcomes of commands that another node ran.
func (a *attempt) answered(reply transport.Reply) {
	err := reply.Err
	if err == nil && reply.Status != coordinator.StatusOK {
		err = transport.ErrNotSent // refused unread
	}
	var outcomes []*Command
	if err == nil {
		outcomes = make([]*Command, len(a.errands))
		for i := range outcomes {
			outcomes[i] = &Command{}
		}
		err = coordinator.DecodeOutcomes(reply.Payload, outcomes, a.g.node.transport, string(a.peer))
		for i := 0; err != nil && i < len(outcomes); i++ {
			outcomes[i].Drop()
		}
	}
	a.commands = outcomes
	a.settle(err)
}

// settle ends the attempt. With err it brought no outcome for any of its errands.
func (a *attempt) settle(err error) {
	g := a.g
	g.mu.Lock()
	for _, e := range a.errands {
		e.here = false
	}
	var again []*errand
	before := g.open
	for i, e := range a.errands {
		e.away--
		if e.settled {
			if err == nil {
				a.commands[i].Drop()
			}
			continue
		}
		result := err
		if err == nil {
			result = a.commands[i].Err
		}
		e.doubt = e.doubt || result != nil && !neverRan(result)
		switch {
		case result == nil:
			if a.commands[i] != e.command {
				e.command.Reply = append(e.command.Reply, a.commands[i].Reply...)
				e.command.Rest = a.commands[i].Rest
			}
			g.settle(e, nil)
		case movesOn(e.command, result):
			again = append(again, e)
		case e.away == 0:
			g.settle(e, indeterminate(result))
		}
	}
	attempts := g.route(g.node.Ring(), again)
	for _, retry := range attempts {
		retry.copyCommands()
	}
	finished := before > 0 && g.open == 0
	g.mu.Unlock()
	g.send(attempts)
	if finished {
		g.finish()
	}
}

// movesOn reports whether a command that met this error may be tried at the next node.
func movesOn(c *Command, err error) bool {
	switch {
	case neverRan(err):
		return true
	case errors.Is(err, transport.ErrLost), errors.Is(err, transport.ErrTimeout):
		return c.Mode&Idempotent != 0
	default:
		return false
	}
}

// neverRan reports whether a command that met this error was provably not run there.
func neverRan(err error) bool {
	return errors.Is(err, transport.ErrNotSent) || errors.Is(err, coordinator.ErrNotReplica) ||
		errors.Is(err, ErrClusterDown) || errors.Is(err, ErrClosed)
}

// indeterminate is the error for a command whose coordinator was lost.
func indeterminate(err error) error {
	switch {
	case errors.Is(err, transport.ErrLost):
		return ErrIndeterminate
	case errors.Is(err, transport.ErrTimeout):
		return ErrNoQuorum
	default:
		return err
	}
}

// hedge brings commands that still wait, and may run twice, to the next node of their lists. One that runs here is not
// among them: it works on the client's own buffers, which are reused as soon as it is settled.
func (g *gathering) hedge() {
	g.mu.Lock()
	waited := time.Since(g.begun)
	g.suspect(waited / 2) // the last was sent a little later
	late, later := g.late(waited)
	if wait := arrivalOf(late); !g.patient && wait > g.delay {
		g.patient = true
		g.timer.Reset(wait)
		g.mu.Unlock()
		return
	}
	if wait := g.flows(late, waited); wait > 0 {
		g.timer.Reset(wait)
		g.mu.Unlock()
		return
	}
	attempts := g.route(g.node.Ring(), late)
	for _, a := range attempts {
		a.copyCommands()
		g.node.stats.failovers.Add(uint64(len(a.commands)))
	}
	switch {
	case len(attempts) > 0:
		g.timer.Reset(g.delay)
	case later:
		g.timer.Reset(max(g.delay, g.writesAfter()-waited))
	}
	g.mu.Unlock()
	g.send(attempts)
}

// flows is how long to wait before large commands are looked at again, 0 when they are late: their coordinator has as long to send on
// what it has got as that took. It is called with mu held.
func (g *gathering) flows(late []*errand, waited time.Duration) time.Duration {
	wait := arrivalOf(late)
	if wait == 0 {
		return 0
	}
	if slices.ContainsFunc(late, func(e *errand) bool { return g.node.transport.Sending(string(e.tried[len(e.tried)-1])) }) {
		g.flowed = waited
		return max(g.delay, g.node.settings().HedgeDelay)
	}
	return max(0, 3*max(g.flowed, wait)-waited)
}

// late are the errands that are to be sent to the next node after a while without an answer, in their order; later says that
// there will be more. It is called with mu held.
func (g *gathering) late(waited time.Duration) (late []*errand, later bool) {
	bound, writing := map[object.Slot]bool{}, map[object.Slot]bool{}
	for i := range g.errands {
		if e := &g.errands[i]; !e.settled {
			slot := e.command.Slot
			bound[slot] = bound[slot] || e.here || e.command.Mode&Idempotent == 0
			writing[slot] = writing[slot] || e.command.Mode&Write != 0
		}
	}
	for i := range g.errands {
		e := &g.errands[i]
		switch {
		case e.settled || e.away == 0:
		case bound[e.command.Slot]:
			later = later || waited < g.writesAfter() // to suspect the node once more
		case writing[e.command.Slot] && waited < g.writesAfter():
			later = true
		default:
			late = append(late, e)
		}
	}
	return late, later
}

// arrival is how long commands may be on their way. Sending large ones again while they still are would make it longer.
func arrival(commands []*Command) time.Duration {
	bytes := 0
	for _, c := range commands {
		for _, arg := range c.Args {
			bytes += len(arg)
		}
	}
	return transport.Arrival(bytes)
}

// arrivalOf is arrival of the commands of errands. The lock is held: they are the client's, and gone when they are settled.
func arrivalOf(errands []*errand) time.Duration {
	commands := make([]*Command, len(errands))
	for i, e := range errands {
		commands[i] = e.command
	}
	return arrival(commands)
}

// copyCommands gives the attempt commands of its own. An earlier attempt may still settle the errand, and the
// client's buffers are reused as soon as it is.
func (a *attempt) copyCommands() {
	for i, c := range a.commands {
		own := Command{
			FirstKey: c.FirstKey, LastKey: c.LastKey, Step: c.Step, Slot: c.Slot,
			DB: c.DB, Proto: c.Proto, Mode: c.Mode | a.mode, Quorum: c.Quorum, Args: make([][]byte, len(c.Args)),
		}
		for j, arg := range c.Args {
			if len(arg) < coordinator.StableArg {
				arg = bytes.Clone(arg)
			}
			own.Args[j] = arg
		}
		a.commands[i] = &own
	}
}

func (g *gathering) finish() {
	if g.timer != nil {
		g.timer.Stop()
	}
	if g.state.CompareAndSwap(gatherStarting, gatherFinished) {
		return // Execute has not returned yet and will say so itself
	}
	g.done()
}
