package antientropy

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/kindredkv/kindred/cluster/pace"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
)

// Repairer keeps this node's replicas equal to those of its peers. Run works until its context ends; the other methods may
// be called from any goroutine, before Run too.
type Repairer struct {
	o      Options
	view   View
	pace   pace.Pace
	shared sharedSlots
	stats  counters
	paused atomic.Bool
	// returned counts the peers that came back: who has restarted may have lost what it said before.
	returned atomic.Uint64
	wake     chan struct{} // there may be something to do at once

	mu    sync.Mutex // guards the three below
	peers map[ring.NodeID]*peer
	run   *run           // the last one asked for; nil before
	held  [reasons]int64 // tombstones that the last way through them held back
}

// New returns a Repairer of its parts.
func New(o Options) (*Repairer, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	r := &Repairer{o: o, view: storeView{o.Store}, wake: make(chan struct{}, 1), peers: map[ring.NodeID]*peer{}}
	r.shared.self = o.Self
	r.pace.Rate = r.rate
	return r, nil
}

// Run repairs until ctx ends.
func (r *Repairer) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { r.exchangeLoop(ctx) })
	running.Go(func() { r.verifyLoop(ctx) })
	running.Go(func() { r.reapLoop(ctx) })
	running.Wait()
}

// Pause stops what this node begins, as a Rate of 0 does, or lets it go on. It is not kept over a restart.
func (r *Repairer) Pause(paused bool) {
	r.paused.Store(paused)
	r.notify()
}

func (r *Repairer) rate() int64 {
	if r.paused.Load() {
		return 0
	}
	return r.o.Settings().Rate
}

// Touch has slots compared with a peer soon: a fault may have made them differ.
func (r *Repairer) Touch(slots *engine.SlotSet, peer ring.NodeID) {
	r.mu.Lock()
	r.peer(peer).touch(slots)
	r.mu.Unlock()
	r.notify()
}

// Returned has all slots that are shared with a peer compared soon, for it was away, whatever has failed before.
func (r *Repairer) Returned(peer ring.NodeID) {
	r.returned.Add(1)
	r.mu.Lock()
	p := r.peer(peer)
	p.touch(nil)
	p.forgive()
	r.mu.Unlock()
	r.notify()
}

func (r *Repairer) notify() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// peer is the state of a peer. mu is held.
func (r *Repairer) peer(id ring.NodeID) *peer {
	p := r.peers[id]
	if p == nil {
		p = &peer{}
		r.peers[id] = p
	}
	return p
}
