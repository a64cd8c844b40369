package transport

import (
	"encoding/binary"
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

// send queues a request, whose payload is head and what follows it. It reports why not, as a kind of ErrNotSent; then done is
// the caller's to call.
func (o *outgoing) send(kind uint8, ring uint64, head []byte, rest [][]byte, timeout time.Duration, done func(Reply)) error {
	size := requestHead + len(head) + sizeOf(rest)
	options := &o.peer.transport.options
	if size > options.MaxMessage {
		return errTooLong
	}
	h := requestHeader{kind: kind, ring: ring, timeout: saturateMicros(timeout)}
	now := o.clock.micros()
	h.stamp = now + o.acceptor.ahead.Load()
	c := call{done: done, start: now, timeout: timeout.Microseconds(), deadline: now + timeout.Microseconds()}
	long := size-requestHead > Short

	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return errNoConnection
	}
	if o.calls.inFlight >= options.MaxCalls || !long && o.full(lengthSize+size) || long && !o.long.fits(size, options.MaxLongBytes) {
		o.mu.Unlock()
		return errQueueFull
	}
	rouse := false
	if long {
		c.long, c.end = true, math.MaxUint64
		h.id = o.calls.add(c)
		s := newStream(h.id, appendRequestHead(nil, h), append([][]byte{head}, rest...))
		s.called, s.stamp, s.limit = now, h.stamp, min(timeout, options.RequestTimeout).Microseconds()
		rouse = o.addStream(s)
	} else {
		c.end = o.queued + uint64(lengthSize+size)
		h.id = o.calls.add(c)
		if len(rest) == 0 {
			o.buf = appendRequest(o.buf, h, head)
		} else {
			o.buf = appendRequest(o.buf, h, append([][]byte{head}, rest...)...)
		}
		rouse = o.appended(lengthSize+size, o.peer.transport.held.Load() > 0)
	}
	if c.deadline < o.sweepAt {
		o.sweepIn(now, c.deadline)
	}
	o.mu.Unlock()
	if rouse {
		o.rouse()
	}
	return nil
}

// stampPart stamps the next part of a long request. mu is held.
//
// Objects in a message may be older than a timeout when it has taken long to send, so the receiver goes by the last part: when that
// was sent the caller still wanted it. What relies on the age of messages has to ask for Lingering, too. A message that takes
// no longer than half of its timeout is as old as its call, like a short one.
func (o *outgoing) stampPart(s *stream) {
	if now := o.clock.micros(); s.lingers(now) {
		s.stamp = now + o.acceptor.ahead.Load()
		o.peer.transport.noteLingering()
	}
}

func (t *Transport) noteLingering() { t.lingered.Store(time.Since(t.begun).Microseconds()) }

// sentPart notes that a part of a long request was sent: a request whose bytes flow is not late. mu is held.
func (o *outgoing) sentPart(s *stream) {
	c := o.calls.find(s.id)
	if c == nil {
		return
	}
	if !s.waits {
		c.progress(o.clock.micros())
	}
	if s.left == 0 {
		c.end = o.queued
	}
}

// receivedPart notes that a part of a long reply has come, and reports whether anybody waits for it.
func (o *outgoing) receivedPart(id uint64) bool {
	now := o.clock.micros()
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.calls.find(id)
	if c == nil {
		return false
	}
	c.long = true
	c.progress(now)
	return true
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
	late, earliest := o.calls.expire(now)
	o.sweepAt = math.MaxInt64
	if earliest != math.MaxInt64 && !o.closed {
		o.sweepIn(now, max(earliest, now+sweepPause.Microseconds()))
	}
	rouse := false
	for _, l := range late {
		if l.end == math.MaxUint64 {
			o.peer.transport.noteLingering()
			rouse = o.dropStream(l.id) || rouse
		}
	}
	o.mu.Unlock()
	if rouse {
		o.rouse()
	}
	for _, l := range late {
		if l.end == math.MaxUint64 {
			o.peer.counters.notSent.Add(1)
			l.done(Reply{Err: errStalled})
			continue
		}
		o.peer.counters.timeouts.Add(1)
		l.done(Reply{Err: ErrTimeout})
	}
}

// serve reads replies until the connection breaks, and closes it.
func (o *outgoing) serve() {
	defer o.coming.close()
	frames := newFrameReader(o.conn, &o.heard, &o.bytesIn)
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
	err := frames.fill()
	for err == nil {
		var body []byte
		if body, err = frames.next(); body == nil {
			break
		}
		err = o.take(body)
	}
	o.finish()
	return err
}

// take takes one frame. Replies are kept until the end of the present read.
func (o *outgoing) take(body []byte) error {
	switch body[0] {
	case frameReply:
		id, status, payload, err := parseReply(body)
		if err != nil {
			return err
		}
		o.ended = append(o.ended, ending{id: id, reply: Reply{Status: status, Payload: o.slab.copy(payload)}})
	case frameBegin, framePart, frameCancel, frameGrant, frameStop:
		return o.takeReplyPart(body)
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

// takeReplyPart takes a frame about long messages.
func (o *outgoing) takeReplyPart(body []byte) error {
	if len(body) >= numberSize && body[0] == framePart {
		if id := binary.LittleEndian.Uint64(body[1:]); !o.receivedPart(id) && o.coming.find(id) != nil {
			o.coming.end(id)
			o.tell(frameStop, id)
		}
	}
	whole, _, err := o.takeLong(body, o.receivedPart)
	if whole == nil || err != nil {
		return err
	}
	id, status, payload, err := parseReply(whole)
	if err == nil {
		o.ended = append(o.ended, ending{id: id, reply: Reply{Status: status, Payload: payload}})
	}
	return err
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
			if c.long {
				continue // how long that took says nothing about others
			}
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
	if o.forgetStreams() > 0 {
		o.peer.transport.noteLingering()
	}
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
	o.sending, o.sent = o.stampPart, o.sentPart
	return o
}
