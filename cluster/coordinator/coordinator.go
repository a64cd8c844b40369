// Package coordinator runs commands under their quorums.
//
// A batch, the commands that one read of a client brought, goes through three steps, each with at most one message to
// every replica, however many commands there are:
//
//  1. ask: for commands that depend on what their keys hold, R−1 other replicas are sent the digest of what this node
//     holds. A replica that holds something else answers with its object, which is merged here first.
//  2. run: the commands run against this node's store, in order. What differs now gets a dot.
//  3. replicate: the changes go to all other primaries at once. A command is answered when W stores have it.
//
// Unless a command is strict, the next fallbacks of the preference list stand in for primaries that are away, and for those
// that are late when they are needed (standin.go): they keep hints for them. A node that coordinates though it is no primary
// runs commands on its hints (Task.StandsFor).
//
// A batch of plain SETs skips the first step and one of GETs the last, so each takes one round trip. Since a read has
// first merged what R stores know, and a write is known to W of them, a read sees every write acknowledged before it
// when R+W > N.
//
// The package is also the replica's side of these messages. DeCandia et al., Dynamo (2007), sections 4.5 and 4.6.
package coordinator

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// Peers carries requests to other nodes.
type Peers interface {
	// Reach reports whether there is a connection to the node, and whether it is silent: for how long it had left calls without
	// an answer when it was last suspected, 0 when it has been heard since.
	Reach(id string) (up bool, silence time.Duration)
	// Suspect has the silence of the node noted if it is at least so long.
	Suspect(id string, after time.Duration)
	// CallParts sends a request that goes by the ring of a version, and calls done once, from any goroutine, with the reply or why
	// there is none.
	// The payload comes in parts, and must not be changed before that.
	CallParts(id string, kind uint8, ring uint64, payload [][]byte, timeout time.Duration, done func(transport.Reply))
	// Hold and Release enclose calls that are to be sent together.
	Hold()
	Release()
	// Late is after how long an answer of the node is later than nearly all have been lately; 0 when nothing is known.
	Late(id string) time.Duration
	// Sending reports whether a request that is not short is on its way to the node, and flows.
	Sending(id string) bool
}

// Settings are what a node can change while it runs.
type Settings struct {
	// Quorum is R and W where neither connection nor command says otherwise.
	Quorum quorum.Choice
	// HedgeDelay is how long a replica may keep a read waiting before the next is asked too, where nothing is known of how long
	// it takes. Patience tells the rest.
	HedgeDelay time.Duration
	// Timeout is how long a command may take. Messages that were under way for longer are refused.
	Timeout time.Duration
}

// Options are the parts a coordinator works with.
type Options struct {
	Self     ring.NodeID
	Store    *engine.Store
	Peers    Peers
	Ring     func() *ring.Table
	Runner   Runner
	Settings func() Settings
	// Missed, when set, is told of slots with changes that a replica has not confirmed. It must not block.
	Missed func(peer ring.NodeID, slots *engine.SlotSet)
	// Lacks, when set, reports whether this node's store lacks data that it should hold: it then answers no digests and
	// coordinates nothing.
	Lacks func() bool
	// Agree, when set, has this node and another tell each other what they know of the ring. It must not block; done is called
	// once, from any goroutine, with whether both have the same ring now.
	Agree  func(peer ring.NodeID, done func(same bool))
	Logger *slog.Logger
}

// Coordinator runs the commands of the slots this node coordinates, and serves other coordinators as a replica.
type Coordinator struct {
	Options
	Stats  Stats
	outbox outbox
	hedger hedger
	kept   kept
	gaps   gaps
	// batches and works are for reuse.
	batches, works sync.Pool
	// merging counts, for each peer, the changes it sent that are not yet in the store: a digest that it asks for after
	// them must see them.
	merging sync.Map      // string → *atomic.Int64
	wholes  chan struct{} // has room for those that are read at once
	pullsMu sync.Mutex    // guards pulls
	pulls   map[place][]func(error)
	// writing counts, for each slot, the writes of this coordinator that have not been answered by all, or given up.
	writing [object.Slots]atomic.Int32
}

// Stats counts what the quorum paths met since the node started.
type Stats struct {
	ReadRepairs, Hedges, NoQuorum, ClusterDown, SiblingsSeen atomic.Uint64
	// DeltaGaps counts deltas that a replica could not apply; CaughtUp those that replicas were sent later, and Refills the large objects that
	// they were sent instead.
	DeltaGaps, CaughtUp, Refills atomic.Uint64
	// HintsDropped counts changes that this node was to keep for primaries and had no room for.
	HintsDropped atomic.Uint64
	// OtherRing counts requests of coordinators that had another ring than this node.
	OtherRing atomic.Uint64
}

// New returns a coordinator of its parts.
func New(o Options) *Coordinator {
	c := &Coordinator{Options: o, wholes: make(chan struct{}, wholesAtOnce), pulls: map[place][]func(error){}}
	if c.Lacks == nil {
		c.Lacks = func() bool { return false }
	}
	if c.Agree == nil {
		c.Agree = func(_ ring.NodeID, done func(bool)) { done(false) }
	}
	c.outbox.c = c
	c.gaps.at = map[place]*gap{}
	c.batches.New = func() any {
		b := &batch{c: c}
		b.resume = b.ran
		return b
	}
	c.works.New = func() any {
		w := &served{c: c}
		w.finish = w.done
		return w
	}
	return c
}

// Hold keeps what is executed from now on from running and from being sent, until Release: whoever is about to execute
// many batches has them share commits and messages. The time between must be short.
func (c *Coordinator) Hold() {
	c.Peers.Hold()
	c.outbox.hold()
	c.Store.Hold()
}

// Release ends a Hold: what waits runs on this goroutine, and then all that is to be sent is.
func (c *Coordinator) Release() {
	c.Store.Release()
	c.outbox.release()
	c.Peers.Release()
}

// Execute runs commands whose slots this node replicates, or stands in for who does. It returns true when all are done; otherwise done is called
// once, later, from another goroutine.
func (c *Coordinator) Execute(commands []*Command, done func()) bool {
	b := c.newBatch(len(commands), done)
	table := c.Ring()
	reads := false
	for i, command := range commands {
		o := &b.ops[i]
		o.plan(b, command, table)
		reads = reads || o.asks()
		b.writes = b.writes || command.Mode&Write != 0 || o.StandsFor != nil
	}
	if reads {
		b.ask()
	} else {
		b.run()
	}
	if b.state.CompareAndSwap(batchExecuting, batchWaiting) {
		return false // from here on the batch is not ours
	}
	b.unref()
	return true
}

// Patience is how long to wait for an answer before another node is asked too: until it is later than nearly all have been, within
// a tenth of the hedge delay and ten times that. While all nodes are slow for having too much to do, asking more of them would
// only make them slower; and one that was away has a bad average when it comes back. 0: there is no hedging.
func (s *Settings) Patience(late time.Duration) time.Duration {
	if late <= 0 {
		return s.HedgeDelay
	}
	return min(max(late, s.HedgeDelay/10), s.longestPatience())
}

// longestPatience is the longest that Patience can be, and the longest that the hedger is asked to wait: who waits in it for longer holds
// up those behind.
func (s *Settings) longestPatience() time.Duration { return 10 * s.HedgeDelay }
