package transport

import (
	"math"
	"net"
	"sync/atomic"
	"time"
)

// sweepPause is the least time between two looks at the deadlines of the calls of a connection.
const sweepPause = 5 * time.Millisecond

// outgoing is the dialing end of a connection: requests out, replies in. Three things run: serve, which reads; write; and
// the timers of beats and of deadlines.
type outgoing struct {
	wire
	peer     *peer
	acceptor peerClock

	// Under mu.
	calls    callTable
	sweepAt  int64 // when the sweep timer fires, by clock; math.MaxInt64 when it is stopped
	answered int64 // when replies came last, by clock
	sweep    *time.Timer

	silence atomic.Int64 // microseconds, as Suspect found; 0 after anything came

	ended []ending // of the reader goroutine: what the present read brought
	slab  slab
}

// ending is a reply on its way to the call it ends.
type ending struct {
	id    uint64
	done  func(Reply)
	reply Reply
}

// send queues a request. It reports why not, as a kind of ErrNotSent; then done is the caller's to call.
func (o *outgoing) send(kind uint8, ring uint64, payload []byte, timeout time.Duration, done func(Reply)) error {
	size := lengthSize + requestHead + len(payload)
	options := &o.peer.transport.options
	if size > options.MaxFrame {
		return errFrameSize
	}
	h := requestHeader{kind: kind, ring: ring, timeout: saturateMicros(timeout)}
	now := o.clock.micros()
	h.stamp = now + o.acceptor.ahead.Load()
	deadline := now + timeout.Microseconds()

	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return errNoConnection
	}
	if o.full(size) || o.calls.inFlight >= options.MaxCalls {
		o.mu.Unlock()
		return errQueueFull
	}
	h.id = o.calls.add(call{done: done, start: now, deadline: deadline, end: o.queued + uint64(size)})
	o.buf = appendRequest(o.buf, h, payload)
	rouse := o.appended(size, o.peer.transport.held.Load() > 0)
	if deadline < o.sweepAt {
		o.sweepIn(now, deadline)
	}
	o.mu.Unlock()
	if rouse {
		o.rouse()
	}
	return nil
}

// sweepIn sets the sweep timer. mu is held.
func (o *outgoing) sweepIn(now, at int64) {
	o.sweepAt = at
	pause := time.Duration(at-now) * time.Microsecond
	if o.sweep == nil {
		o.sweep = time.AfterFunc(pause, o.onSweep)
	} else {
		o.sweep.Reset(pause)
	}
}

// onSweep ends the calls that are past their deadline. The timer is set for the earliest deadline known when it was set
// and not moved when that call ends, so a busy connection sweeps about once per timeout, an idle one never.
func (o *outgoing) onSweep() {
	now := o.clock.micros()
	o.mu.Lock()
	late, earliest := o.calls.expire(now, nil)
	o.sweepAt = math.MaxInt64
	if earliest != math.MaxInt64 && !o.closed {
		o.sweepIn(now, max(earliest, now+sweepPause.Microseconds()))
	}
	o.mu.Unlock()
	o.peer.counters.timeouts.Add(uint64(len(late)))
	for _, done := range late {
		done(Reply{Err: ErrTimeout})
	}
}

// serve reads replies until the connection breaks, and closes it.
func (o *outgoing) serve() {
	frames := newFrameReader(o.conn, o.peer.transport.options.MaxFrame, &o.heard, &o.bytesIn)
	for {
		err := o.serveRead(frames)
		if err != nil {
			o.close(err)
			return
		}
	}
}

// serveRead takes what one read brings and ends the calls whose replies are in it.
func (o *outgoing) serveRead(frames *frameReader) error {
	body, err := frames.fill()
	if body != nil {
		err = o.take(body, true)
	} else if err == nil {
		for body, err = frames.next(); body != nil && err == nil; body, err = frames.next() {
			if err = o.take(body, false); err != nil {
				break
			}
		}
	}
	o.finish()
	return err
}

// take adds one frame to what the present read brought. The body of a large frame is owned.
func (o *outgoing) take(body []byte, owned bool) error {
	switch body[0] {
	case frameReply:
		id, status, payload, err := parseReply(body)
		if err != nil {
			return err
		}
		if !owned {
			payload = o.slab.copy(payload)
		}
		o.ended = append(o.ended, ending{id: id, reply: Reply{Status: status, Payload: payload}})
	case frameFailed:
		id, err := parseNumber(body)
		if err != nil {
			return err
		}
		o.ended = append(o.ended, ending{id: id, reply: Reply{Err: ErrReplyTooLarge}})
	case frameBeat:
		clock, err := parseNumber(body)
		if err != nil {
			return err
		}
		o.acceptor.observe(int64(clock), o.clock.micros())
		o.silence.Store(0)
	case frameWall:
		told, err := parseNumber(body)
		if err != nil {
			return err
		}
		return o.walls.check(o.peer.id, int64(told))
	default:
		return unexpectedFrame(body)
	}
	return nil
}

// finish ends the calls whose replies the present read brought, with one look at the clock and one lock for all.
func (o *outgoing) finish() {
	if len(o.ended) == 0 {
		return
	}
	now := o.clock.micros()
	latency, deviation := o.peer.latency(), time.Duration(o.peer.deviation.Load())
	o.mu.Lock()
	o.answered = now
	if o.silence.Load() != 0 {
		o.silence.Store(0)
	}
	for i := range o.ended {
		e := &o.ended[i]
		if c, ok := o.calls.take(e.id); ok {
			e.done = c.done
			latency, deviation = moveLatency(latency, deviation, time.Duration(max(1, now-c.start))*time.Microsecond)
		}
	}
	o.mu.Unlock()
	o.peer.roundTrip.Store(int64(latency))
	o.peer.deviation.Store(int64(deviation))
	o.peer.counters.replies.Add(uint64(len(o.ended)))
	o.serving.Store(true)
	for i := range o.ended {
		if e := &o.ended[i]; e.done != nil {
			e.done(e.reply)
		}
	}
	o.serving.Store(false)
	clear(o.ended)
	o.ended = o.ended[:0]
}

// fail ends the calls that are left. The connection is closed and its writer has returned, so how much was written is
// final: a request whose last byte was never accepted by Write cannot have been received whole.
func (o *outgoing) fail() {
	o.mu.Lock()
	if o.sweep != nil {
		o.sweep.Stop()
	}
	left := o.calls.drain()
	written := o.written
	o.mu.Unlock()
	for _, c := range left {
		if c.end > written {
			o.peer.counters.notSent.Add(1)
			c.done(Reply{Err: errNoConnection})
		} else {
			o.peer.counters.lost.Add(1)
			c.done(Reply{Err: ErrLost})
		}
	}
}

func newOutgoing(p *peer, conn net.Conn, clock stopwatch) *outgoing {
	o := &outgoing{peer: p, sweepAt: math.MaxInt64}
	o.open(conn, clock, p.transport)
	return o
}
