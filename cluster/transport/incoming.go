package transport

import (
	"net"
	"time"
)

// requestChunk is how many requests are allocated together.
const requestChunk = 16

// incoming is the accepting end of a connection: requests in, replies out.
type incoming struct {
	wire
	transport *Transport
	from      string

	// Of the reader goroutine.
	batch []*Request
	chunk []Request // free requests
	slab  slab
}

// serve reads requests until the connection breaks, and closes it.
func (in *incoming) serve() {
	defer in.forgetStreams()
	defer in.coming.close()
	frames := newFrameReader(in.conn, &in.heard, &in.bytesIn)
	for {
		// A peer that sends requests and does not read the replies is not read from either.
		in.await(in.limit / 4)
		if err := in.serveRead(frames); err != nil {
			in.close(err)
			return
		}
	}
}

// serveRead hands what one read brings to the handler.
func (in *incoming) serveRead(frames *frameReader) error {
	err := frames.fill()
	now := in.clock.micros()
	for err == nil {
		var body []byte
		if body, err = frames.next(); body == nil {
			break
		}
		err = in.take(body, now)
	}
	if len(in.batch) > 0 {
		in.serving.Store(true)
		in.transport.options.Handler.ServeBatch(in.from, in.batch)
		in.serving.Store(false)
		in.push() // what was answered at once
		clear(in.batch)
		in.batch = in.batch[:0]
	}
	return err
}

// take takes one frame. Requests join the batch.
func (in *incoming) take(body []byte, now int64) error {
	switch body[0] {
	case frameRequest:
		h, payload, err := parseRequest(body)
		if err == nil {
			in.join(in.newRequest(), h, in.slab.copy(payload), now)
		}
		return err
	case frameBeat:
		_, err := parseNumber(body)
		return err
	case frameWall:
		told, err := parseNumber(body)
		if err != nil {
			return err
		}
		return in.walls.check(in.from, int64(told))
	case frameBegin, framePart, frameCancel, frameGrant, frameStop:
		whole, stamp, err := in.takeLong(body, nil)
		if whole == nil || err != nil {
			return err
		}
		h, payload, err := parseRequest(whole)
		h.stamp = stamp
		if err == nil {
			in.join(new(Request), h, payload, now) // alone, so that no small neighbor keeps a large payload
		}
		return err
	default:
		return unexpectedFrame(body)
	}
}

// join adds a request to the batch.
func (in *incoming) join(r *Request, h requestHeader, payload []byte, now int64) {
	*r = Request{
		Kind: h.kind, Payload: payload, RingVersion: h.ring, From: in.from,
		Timeout: time.Duration(h.timeout) * time.Microsecond,
		Delay:   time.Duration(max(0, now-h.stamp)) * time.Microsecond,
		conn:    in, id: h.id, stamp: h.stamp,
	}
	in.batch = append(in.batch, r)
}

func (in *incoming) newRequest() *Request {
	if len(in.chunk) == 0 {
		in.chunk = make([]Request, requestChunk)
	}
	r := &in.chunk[0]
	in.chunk = in.chunk[1:]
	return r
}

// notePart notes that a part of a long reply is sent. mu is held.
func (in *incoming) notePart(s *stream) {
	if s.lingers(in.clock.micros()) {
		in.transport.noteLingering()
	}
}

func newIncoming(t *Transport, conn net.Conn, from string, clock stopwatch) *incoming {
	in := &incoming{transport: t, from: from}
	in.open(conn, clock, t)
	in.sending = in.notePart
	return in
}
