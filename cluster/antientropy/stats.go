package antientropy

import (
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
)

// counters count since the node started.
type counters struct {
	exchanges, failed, compared, pulled, pushed, received, bytes atomic.Uint64
	verified, mended, reaped                                     atomic.Uint64
}

// Stats are what repair has done since the node started.
type Stats struct {
	// Exchanges counts those this node began and brought to an end, Failed those that broke off.
	Exchanges, Failed uint64
	// Compared counts keys that were compared leaf by leaf.
	Compared uint64
	// Pulled counts keys that this node got something of, Pushed those that it sent, Received those that peers sent.
	Pulled, Pushed, Received uint64
	// Bytes is what the exchanges took on the wire, and verification read.
	Bytes uint64
	// Verified counts slots whose tree was compared with the data, Mended the trees and counts that were wrong.
	Verified, Mended uint64
	// Peers are the nodes that this one shares slots with, by id.
	Peers []PeerStats
	// Tombstones is the number of tombstones in this store, Reaped how many this node has had all forget.
	Tombstones int64
	Reaped     uint64
	// Held is the number of tombstones that were held back when this node last looked at those of the slots it is the first
	// primary of, by Reason.
	Held [reasons]int64
}

// PeerStats is what is known of the exchanges with one peer.
type PeerStats struct {
	ID string
	Up bool
	// LastRound is when an exchange of all shared slots last ended; zero for never.
	LastRound time.Time
	// Touched is the number of slots that wait for an exchange.
	Touched int
	// Failures counts exchanges that broke off, LastError is why the last one did; empty when the one after it did not.
	Failures  uint64
	LastError string
}

// Stats are the figures of now.
func (r *Repairer) Stats() Stats {
	c := &r.stats
	s := Stats{
		Exchanges: c.exchanges.Load(), Failed: c.failed.Load(), Compared: c.compared.Load(),
		Pulled: c.pulled.Load(), Pushed: c.pushed.Load(), Received: c.received.Load(), Bytes: c.bytes.Load(),
		Verified: c.verified.Load(), Mended: c.mended.Load(),
		Reaped: c.reaped.Load(), Tombstones: r.o.Store.Tombstones(allSlots()),
	}
	table := r.o.Ring()
	shared := r.shared.with(table)
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Held = r.held
	for _, n := range table.Nodes() { // which are by id
		if set := shared[n.ID]; set != nil {
			s.Peers = append(s.Peers, r.peerStats(n.ID, set))
		}
	}
	return s
}

// peerStats are the figures of one peer. mu is held.
func (r *Repairer) peerStats(id ring.NodeID, shared *engine.SlotSet) PeerStats {
	p := r.peer(id)
	touched, _ := intersect(&p.touched, shared)
	return PeerStats{
		ID: string(id), Up: r.o.Peers.Up(string(id)), LastRound: p.lastRound,
		Touched: size(touched), Failures: p.failures, LastError: p.lastError,
	}
}

// joined is the number of objects that exchanges brought to either side.
func (c *counters) joined() uint64 { return c.pulled.Load() + c.pushed.Load() }
