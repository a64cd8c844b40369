package transport

import (
	"sync/atomic"
	"time"
)

// stopwatch counts microseconds since the handshake of a connection.
type stopwatch struct{ start time.Time }

func (s stopwatch) micros() int64 { return time.Since(s.start).Microseconds() }

// beatsPerWindow is how many beats an estimate of the peer's clock stays in force for: at 450 ms, up to 14 s, in which
// two clocks that differ by 100 millionths drift apart by 1.4 ms.
const beatsPerWindow = 16

// peerClock bounds from below what the acceptor's stopwatch reads, so that the dialer can stamp its requests in the
// acceptor's own time. The age that the acceptor computes, its time less the stamp, is then never less than the truth:
//
//  1. The acceptor starts its stopwatch and sends the challenge.
//  2. The dialer receives the challenge and starts its own. From here on acceptor − dialer ≥ 0.
//  3. Each beat of the acceptor carries its reading a; received when the dialer's reads d, it shows acceptor − dialer ≥ a − d.
//
// The greatest bound of the last two windows is used: the error is the fastest delivery among them, not that of the
// handshake, and drift does not add up.
type peerClock struct {
	ahead atomic.Int64 // the bound in force; the rest belongs to the reader goroutine

	current, previous int64
	beats             int
}

// observe takes a beat: the acceptor's clock as it was sent, and the dialer's when it came.
func (p *peerClock) observe(acceptor, dialer int64) {
	bound := acceptor - dialer
	if p.beats == 0 || bound > p.current {
		p.current = bound
	}
	p.ahead.Store(max(p.current, p.previous))
	if p.beats++; p.beats == beatsPerWindow {
		p.previous, p.beats = p.current, 0
	}
}
