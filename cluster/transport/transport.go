package transport

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Peer is a node to keep a connection to.
type Peer struct {
	ID      string // as in its Options
	Address string // host:port
}

// Transport is the peer connections of one node. All methods may be called by any goroutine.
type Transport struct {
	options  Options
	listener net.Listener
	refusals *refusalLog
	walls    *wallClocks
	peers    atomic.Pointer[map[string]*peer] // replaced, never changed
	held     atomic.Int32                     // Hold without Release
	room     *room
	begun    time.Time
	longs    atomic.Int64 // long messages that are not sent yet
	lingered atomic.Int64 // when a message was last seen to linger, in microseconds since begun; 0 for never

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // of all goroutines

	// mu guards what follows and the replacing of peers.
	mu       sync.Mutex
	closed   bool
	leaving  map[string]*peer // removed peers whose goroutine may not have returned
	pending  []net.Conn       // accepted and not authenticated, oldest first
	incoming map[string]*incoming
}

// New listens at the address of the options and begins to accept peers.
func New(options Options) (*Transport, error) {
	options = options.withDefaults()
	if err := options.validate(); err != nil {
		return nil, err
	}
	listener, err := options.Network.Listen(options.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for peers: %w", err)
	}
	t := &Transport{
		options:  options,
		listener: listener,
		refusals: newRefusalLog(options.Logger),
		walls:    &wallClocks{now: options.Now, limit: options.MaxClockDrift, ahead: map[string]int64{}},
		room:     &room{limit: int64(options.MaxAssembly), each: int64(options.MaxAssembly / 2)},
		begun:    time.Now(),
		leaving:  make(map[string]*peer),
		incoming: make(map[string]*incoming),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.peers.Store(&map[string]*peer{})
	t.work.Go(t.accept)
	return t, nil
}

// Addr is the address that peers are accepted at.
func (t *Transport) Addr() net.Addr { return t.listener.Addr() }

// SetPeers replaces the set of peers. An outgoing connection is kept to each, and dialed again for ever when it breaks;
// one to a node that is a peer no longer is closed, and one whose address changed is dialed anew. This node itself is
// left out.
func (t *Transport) SetPeers(peers []Peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	old := *t.peers.Load()
	next := make(map[string]*peer, len(peers))
	for _, want := range peers {
		if want.ID == t.options.ID || next[want.ID] != nil {
			continue
		}
		p := old[want.ID]
		if p == nil {
			p = t.newPeer(want)
		} else if *p.address.Load() != want.Address {
			p.redial(want.Address)
		}
		next[want.ID] = p
	}
	t.peers.Store(&next)
	for id, in := range t.incoming {
		if t.options.Refuses(id) {
			in.close(errRefused)
		}
	}
	t.walls.follow(next)
	for id, p := range old {
		if next[id] == nil {
			t.leaving[id] = p
			p.cancel()
		}
	}
}

// newPeer starts a peer. mu is held.
func (t *Transport) newPeer(want Peer) *peer {
	p := &peer{transport: t, id: want.ID, kick: make(chan struct{}, 1), ended: make(chan struct{})}
	p.address.Store(&want.Address)
	p.ctx, p.cancel = context.WithCancel(t.ctx)
	var before <-chan struct{}
	if last := t.leaving[want.ID]; last != nil {
		before = last.ended
		delete(t.leaving, want.ID)
	}
	t.work.Go(func() {
		p.run(before)
		p.cancel()
		t.mu.Lock()
		if t.leaving[p.id] == p {
			delete(t.leaving, p.id)
		}
		t.mu.Unlock()
	})
	return p
}

// Kick ends the pause before the next attempt to connect to a peer that is down.
func (t *Transport) Kick(id string) {
	if p := (*t.peers.Load())[id]; p != nil && p.conn.Load() == nil {
		p.dialNow()
	}
}

// Up reports whether there is an authenticated connection to the peer. It costs a map look-up.
func (t *Transport) Up(id string) bool {
	p := (*t.peers.Load())[id]
	return p != nil && p.conn.Load() != nil
}

// Latency is the moving average of the round trips of calls to the peer, the time its handler took included. It is 0 when
// nothing is known.
func (t *Transport) Latency(id string) time.Duration {
	if p := (*t.peers.Load())[id]; p != nil {
		return p.latency()
	}
	return 0
}

// Call sends a request. A payload that is Short is copied before it returns; a longer one must not be changed before done is
// called. done is called exactly once: before Call returns, when the request is not sent, or by another goroutine. It must not
// block; the replies behind it wait. A timeout of 0 or less stands for Options.RequestTimeout; a late call ends up to 5 ms after
// its timeout.
// The timeout of a call begins anew whenever a part of a long request is sent, or one of a long reply comes.
//
// Short requests arrive at one peer in the order of their calls as long as the connection lasts. A longer one, of which
// parts are sent in turn with others, may be overtaken.
func (t *Transport) Call(id string, kind uint8, payload []byte, timeout time.Duration, done func(Reply)) {
	t.call(id, kind, 0, payload, nil, timeout, done)
}

// CallBy is Call with a request that goes by the ring of a version, which the peer is told.
func (t *Transport) CallBy(id string, kind uint8, ring uint64, payload []byte, timeout time.Duration, done func(Reply)) {
	t.call(id, kind, ring, payload, nil, timeout, done)
}

// CallParts is CallBy with a payload in parts, which the peer gets as one.
func (t *Transport) CallParts(id string, kind uint8, ring uint64, parts [][]byte, timeout time.Duration, done func(Reply)) {
	if len(parts) == 0 {
		t.call(id, kind, ring, nil, nil, timeout, done)
		return
	}
	t.call(id, kind, ring, parts[0], parts[1:], timeout, done)
}

// call is CallParts, with the first part by itself so that a payload of one part takes no slice.
func (t *Transport) call(id string, kind uint8, ring uint64, head []byte, rest [][]byte, timeout time.Duration, done func(Reply)) {
	p := (*t.peers.Load())[id]
	if p == nil {
		done(Reply{Err: errNoPeer})
		return
	}
	p.call(kind, ring, head, rest, timeout, done)
}

// Lingering reports whether a message is being sent, or was lately, for longer than half of what short ones may take: the
// objects in it may be older when they arrive than those in other messages.
func (t *Transport) Lingering(lately time.Duration) bool {
	if at := t.lingered.Load(); at > 0 && time.Since(t.begun)-time.Duration(at)*time.Microsecond < lately {
		return true
	}
	if t.longs.Load() == 0 {
		return false
	}
	for _, p := range *t.peers.Load() {
		if conn := p.conn.Load(); conn != nil && conn.lingering() {
			return true
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, in := range t.incoming {
		if in.lingering() {
			return true
		}
	}
	return false
}

// Hold lets the calls from now on wait until Release, which writes them: whoever makes many calls has those to one peer
// written together, by itself. The time between must be short, for the calls of others wait too.
func (t *Transport) Hold() { t.held.Add(1) }

// Release writes what waits, as far as that goes without waiting for a peer. Every Hold is followed by one Release.
//
// A call looks at held under the lock of its connection's buffer. So one that saw the hold is in the buffer before Release
// looks there.
func (t *Transport) Release() {
	t.held.Add(-1)
	for _, p := range *t.peers.Load() {
		if conn := p.conn.Load(); conn != nil {
			conn.push()
		}
	}
}

// call is CallParts for one peer.
func (p *peer) call(kind uint8, ring uint64, head []byte, rest [][]byte, timeout time.Duration, done func(Reply)) {
	if timeout <= 0 {
		timeout = p.transport.options.RequestTimeout
	}
	p.counters.calls.Add(1)
	err := error(errNoConnection)
	if conn := p.conn.Load(); conn != nil {
		err = conn.send(kind, ring, head, rest, timeout, done)
	}
	if err != nil {
		p.counters.notSent.Add(1)
		done(Reply{Err: err})
	}
}

// Close closes all connections, ends the calls in flight and returns when no goroutine is left. It must not be called by
// a handler, an event or a done function.
func (t *Transport) Close() {
	t.mu.Lock()
	t.closed = true
	t.cancel()
	t.listener.Close()
	for _, conn := range t.pending {
		conn.Close()
	}
	for _, in := range t.incoming {
		in.close(errClosed)
	}
	t.mu.Unlock()
	t.work.Wait()
}
