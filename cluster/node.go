package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster/antientropy"
	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/hint"
	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/cluster/watch"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/usage"
)

// Options are the parts and settings of a cluster node.
type Options struct {
	// Store is the local store. It outlives the node.
	Store *engine.Store
	// Runner runs the commands that this node coordinates.
	Runner Runner
	// Settings are read for every batch.
	Settings func() coordinator.Settings
	// RepairRate is how many bytes a second repair may take; 0 pauses it.
	RepairRate func() int64
	// Hints bound the replay of hints.
	Hints func() HintSettings
	// HandoffRate is how many bytes a second of data this node may take or give when the ring changes; 0 pauses that. nil:
	// no bound.
	HandoffRate func() int64
	// Backlog bounds, to begin with, the memory for the latest changes of large collections, in bytes.
	Backlog int64
	// ReapPause is the mean pause between two attempts to reap tombstones; 0: 5 s.
	ReapPause time.Duration
	// Transport has all but the handler, the events and the clock.
	Transport transport.Options
	// Membership has all but the events.
	Membership membership.Options
	// Founder lets this node begin the cluster when none of the nodes that join is a member yet: it was named a seed
	// itself. A node whose record says member at the start needs no leave.
	Founder bool
	// Standby has a node that joins wait until it is told to take part in the ring.
	Standby bool
	// Eviction is what happens when a store in memory holds too much; nil: nothing.
	Eviction func() Eviction
	// Usage is what is known of the uses of keys; nil: nothing.
	Usage *usage.Tracker
	// Now is the wall clock.
	Now    func() time.Time
	Logger *slog.Logger
}

// Node is a member of the cluster, as the protocol layer sees it. Its methods may be called from any goroutine.
type Node struct {
	self        ring.NodeID
	store       *engine.Store
	settings    func() coordinator.Settings
	eviction    func() Eviction
	usage       *usage.Tracker
	repairRate  func() int64
	handoffRate func() int64
	reapPause   time.Duration
	maxDrift    time.Duration
	now         func() time.Time
	logger      *slog.Logger
	transport   *transport.Transport
	membership  *membership.Membership
	coordinator *coordinator.Coordinator
	repair      *antientropy.Repairer
	hints       *hint.Replayer
	waiting     *watch.Service
	handoff     *antientropy.Repairer // compares at handoffRate; it does nothing on its own
	stats       nodeStats
	transfers   transfers
	agreements  agreements
	lineages    lineages
	backlog     atomic.Int64
	alone       atomic.Bool // no other node is known

	staging  sync.Mutex // guards staged
	staged   []RingChange
	started  atomic.Bool // there is a membership
	lacks    atomic.Bool // the store has yet to get what it should hold, see refill.go
	evicting atomic.Bool // keys were evicted, and there is not room enough yet
	// yielded is the version of the ring of a settling change in which this node leaves, once others cover all that it holds.
	yielded atomic.Uint64

	// table is the ring of the member records, replaced as a whole.
	table atomic.Pointer[ring.Table]
	// removed are the nodes that are no longer part of the cluster, replaced as a whole.
	removed atomic.Pointer[map[ring.NodeID]bool]
	// generation changes whenever the table does or a peer comes or goes.
	generation atomic.Uint64
	assigned   atomic.Pointer[assignment]
	// lacking are the nodes whose records say that they lack data; nil when none do.
	lacking atomic.Pointer[map[ring.NodeID]bool]

	mu       sync.Mutex // guards the five below
	records  []membership.Record
	placed   []ring.Node   // what the table was built of
	since    time.Time     // when the table came into force here
	changing time.Time     // when the two placements of the table did
	told     chan struct{} // closed and replaced when records change

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup // background work
}

type nodeStats struct {
	forwarded, failovers, expired, evicted, dropped atomic.Uint64
}

// Start makes this node a member: alone, or of the cluster that its membership options name.
func Start(o Options) (*Node, error) {
	n := &Node{
		self:        o.Membership.Self.ID,
		store:       o.Store,
		settings:    o.Settings,
		handoffRate: o.HandoffRate,
		repairRate:  o.RepairRate,
		reapPause:   o.ReapPause,
		maxDrift:    o.Transport.MaxClockDrift,
		eviction:    o.Eviction,
		usage:       o.Usage,
		now:         o.Now,
		logger:      o.Logger,
		told:        make(chan struct{}),
	}
	if n.eviction == nil {
		n.eviction = func() Eviction { return Eviction{} }
	}
	if n.handoffRate == nil {
		n.handoffRate = func() int64 { return math.MaxInt64 }
	}
	if n.usage == nil {
		n.usage = &usage.Tracker{}
	}
	if err := n.findLacking(&o.Membership.Self); err != nil {
		return nil, err
	}
	n.backlog.Store(o.Backlog)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if self := &o.Membership.Self; self.State == ring.Joining && self.Change == 0 && !o.Standby {
		self.Change = n.stamp()
	}
	n.changed([]membership.Record{o.Membership.Self})
	n.coordinator = coordinator.New(coordinator.Options{
		Self: n.self, Store: o.Store, Peers: peers{n}, Ring: n.Ring, Runner: o.Runner, Settings: o.Settings, Logger: o.Logger,
		Lacks:  n.lacks.Load,
		Agree:  n.agree,
		Missed: func(peer ring.NodeID, slots *engine.SlotSet) { n.repair.Touch(slots, peer) },
	})
	var err error
	if n.repair, err = n.newRepairer(n.repairRate, n.coordinator.CatchUp); err != nil {
		return nil, err
	}
	if n.handoff, err = n.newRepairer(n.handoffRate, nil); err != nil {
		return nil, err
	}
	n.hints = n.newReplayer(o.Hints)
	n.waiting = n.newWaiting()
	o.Transport.Handler, o.Transport.Now = n, o.Now
	o.Transport.Refuses = func(id string) bool { return (*n.removed.Load())[ring.NodeID(id)] }
	o.Transport.Events = transport.Events{Up: n.peerUp, Down: n.peerDown}
	if n.transport, err = transport.New(o.Transport); err != nil {
		return nil, fmt.Errorf("peer port: %w", err)
	}
	o.Membership.Events = membership.Events{
		Changed: n.changed,
		Up:      func(id ring.NodeID) { n.transport.Kick(string(id)) },
		Down:    func(ring.NodeID) {},
	}
	if n.membership, err = membership.Start(o.Membership); err != nil {
		n.transport.Close()
		return nil, fmt.Errorf("membership: %w", err)
	}
	n.started.Store(true)
	n.membership.Tell()
	n.running.Go(n.expire)
	n.running.Go(n.watchClock)
	n.running.Go(n.watchLineages)
	n.running.Go(n.evict)
	n.running.Go(func() { n.repair.Run(n.ctx) })
	n.running.Go(func() { n.hints.Run(n.ctx) })
	n.running.Go(func() { n.waiting.Run(n.ctx) })
	n.running.Go(n.dropLoop)
	n.running.Go(func() { n.fillLoop(o.Founder) })
	n.running.Go(n.stewardLoop)
	if n.lacks.Load() {
		n.running.Go(n.refill)
	}
	return n, nil
}

// Hold keeps what is executed from now on waiting until Release, so that it runs, and is sent, together. Every Hold is
// followed by one Release, soon.
func (n *Node) Hold() { n.coordinator.Hold() }

// Release ends a Hold.
func (n *Node) Release() { n.coordinator.Release() }

// Close leaves the peers' connections and stops. Commands must have ended.
func (n *Node) Close() error {
	n.cancel()
	err := n.membership.Close()
	n.transport.Close()
	n.running.Wait()
	if err != nil {
		return fmt.Errorf("membership: %w", err)
	}
	return nil
}

// Ring is the placement of slots in force.
func (n *Node) Ring() *ring.Table { return n.table.Load() }

// changed takes the member records: they alone determine the ring, whoever is alive.
func (n *Node) changed(records []membership.Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.records = records
	var members []ring.Node
	var remote []transport.Peer
	var lacking map[ring.NodeID]bool
	removed := map[ring.NodeID]bool{}
	vnodes, replicas := 1, 1
	for i := range records {
		r := &records[i]
		members = append(members, r.Node())
		removed[r.ID] = r.State == ring.Removed
		if r.Lacks && r.State != ring.Removed {
			if lacking == nil {
				lacking = map[ring.NodeID]bool{}
			}
			lacking[r.ID] = true
		}
		if r.ID == n.self {
			vnodes, replicas = int(r.Vnodes), int(r.Replicas)
		} else if r.State != ring.Removed {
			remote = append(remote, transport.Peer{ID: string(r.ID), Address: r.PeerAddress()})
		}
	}
	if lacking == nil {
		n.lacking.Store(nil)
	} else {
		n.lacking.Store(&lacking)
	}
	// Most news, as that of a restart, is of no account to the ring, whose building takes 40 ms of processor time at 500 nodes.
	if before := n.table.Load(); before == nil || !slices.Equal(n.placed, members) {
		table := ring.Build(members, vnodes, replicas)
		n.placed, n.since = members, time.Now()
		if before == nil || before.ChangeID() != table.ChangeID() || before.Settling() != table.Settling() {
			n.changing = n.since
		}
		n.table.Store(table)
	}
	n.removed.Store(&removed)
	n.alone.Store(len(remote) == 0)
	n.fitBacklog()
	close(n.told)
	n.told = make(chan struct{})
	n.generation.Add(1)
	if n.transport != nil {
		n.transport.SetPeers(remote)
		n.waiting.Kick()
	}
}

// SetBacklog bounds the memory for the latest changes of large collections, in bytes. A node that has no others keeps none.
func (n *Node) SetBacklog(bytes int64) {
	n.backlog.Store(bytes)
	n.fitBacklog()
}

func (n *Node) fitBacklog() {
	if n.alone.Load() {
		n.store.SetBacklog(0)
	} else {
		n.store.SetBacklog(n.backlog.Load())
	}
}

// news is closed when records change.
func (n *Node) news() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.told
}

// record is what is known of a node.
func (n *Node) record(id ring.NodeID) (membership.Record, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.records {
		if r.ID == id {
			return r, true
		}
	}
	return membership.Record{}, false
}

func (n *Node) peerUp(id string) {
	n.askLineage(ring.NodeID(id)) // before anything else is asked
	n.generation.Add(1)
	n.repair.Returned(ring.NodeID(id))
	n.hints.Returned(ring.NodeID(id))
	n.waiting.Kick()
	n.logger.Info("peer connected", "peer", id)
}

func (n *Node) peerDown(id string) {
	n.generation.Add(1)
	n.waiting.Kick()
	n.logger.Warn("peer lost", "peer", id)
}

// peers is the transport as coordinators see it. The transport is made after the coordinator, which serves it.
type peers struct{ n *Node }

func (p peers) Up(id string) bool { return p.n.transport.Up(id) }

func (p peers) Hold()                        { p.n.transport.Hold() }
func (p peers) Release()                     { p.n.transport.Release() }
func (p peers) Late(id string) time.Duration { return p.n.transport.Late(id) }
func (p peers) Sending(id string) bool       { return p.n.transport.Sending(id) }

func (p peers) Reach(id string) (bool, time.Duration)  { return p.n.transport.Reach(id) }
func (p peers) Suspect(id string, after time.Duration) { p.n.transport.Suspect(id, after) }

func (p peers) Call(id string, kind uint8, payload []byte, timeout time.Duration, done func(transport.Reply)) {
	p.n.transport.Call(id, kind, payload, timeout, done)
}

func (p peers) CallBy(id string, kind uint8, ring uint64, payload []byte, timeout time.Duration, done func(transport.Reply)) {
	p.n.transport.CallBy(id, kind, ring, payload, timeout, done)
}

func (p peers) CallParts(id string, kind uint8, ring uint64, payload [][]byte, timeout time.Duration, done func(transport.Reply)) {
	p.n.transport.CallParts(id, kind, ring, payload, timeout, done)
}

// ServeBatch serves the requests of a peer. It is the transport's handler.
func (n *Node) ServeBatch(from string, batch []*transport.Request) {
	start := 0
	for i, r := range batch {
		if r.Kind < kindManyKeys && !watch.Handles(r.Kind) {
			continue
		}
		if start < i {
			n.coordinator.ServeBatch(from, batch[start:i])
		}
		start = i + 1
		if watch.Handles(r.Kind) {
			n.waiting.Serve(ring.NodeID(from), r)
			continue
		}
		if r.Kind == kindLineage {
			n.serveLineage(r)
			continue
		}
		n.running.Go(func() { n.serveManyKeys(r) })
	}
	if start < len(batch) {
		n.coordinator.ServeBatch(from, batch[start:])
	}
}
