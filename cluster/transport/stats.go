package transport

import (
	"sync/atomic"
	"time"
)

// counters of one peer, over all its connections.
type counters struct {
	calls, replies, timeouts, notSent, lost atomic.Uint64
}

// PeerStats is what is known about the connection to one peer.
type PeerStats struct {
	ID, Address string
	Up          bool
	Latency     time.Duration // as Transport.Latency
	InFlight    int           // calls that wait for their reply
	Queued      int           // bytes that wait to be written
	BytesOut    uint64        // of requests, on the present connection
	BytesIn     uint64        // of replies, on the present connection
	// Calls counts those made, and the rest how they ended: with a frame of the peer, in time or late, with ErrTimeout, with
	// ErrNotSent, with ErrLost.
	Calls, Replies, Timeouts, NotSent, Lost uint64
}

// Stats returns the state of each peer, in no order.
func (t *Transport) Stats() []PeerStats {
	peers := *t.peers.Load()
	stats := make([]PeerStats, 0, len(peers))
	for _, p := range peers {
		stats = append(stats, p.stats())
	}
	return stats
}

func (p *peer) stats() PeerStats {
	s := PeerStats{
		ID:       p.id,
		Address:  *p.address.Load(),
		Latency:  p.latency(),
		Calls:    p.counters.calls.Load(),
		Replies:  p.counters.replies.Load(),
		Timeouts: p.counters.timeouts.Load(),
		NotSent:  p.counters.notSent.Load(),
		Lost:     p.counters.lost.Load(),
	}
	if conn := p.conn.Load(); conn != nil {
		s.Up = true
		s.BytesOut, s.BytesIn = conn.bytesOut.Load(), conn.bytesIn.Load()
		conn.mu.Lock()
		s.InFlight, s.Queued = conn.calls.inFlight, conn.backlog()
		conn.mu.Unlock()
	}
	return s
}
