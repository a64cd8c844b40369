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
	frames := newFrameReader(in.conn, in.transport.options.MaxFrame, &in.heard, &in.bytesIn)
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
	body, err := frames.fill()
	now := in.clock.micros()
	if body != nil {
		err = in.take(body, now, true)
	} else if err == nil {
		for body, err = frames.next(); body != nil && err == nil; body, err = frames.next() {
			if err = in.take(body, now, false); err != nil {
				break
			}
		}
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

// take adds one frame to the batch. The body of a large frame is owned.
func (in *incoming) take(body []byte, now int64, owned bool) error {
	switch body[0] {
	case frameRequest:
		h, payload, err := parseRequest(body)
		if err != nil {
			return err
		}
		var r *Request
		if owned {
			r = new(Request) // alone, so that no small neighbor keeps a large payload
		} else {
			r, payload = in.newRequest(), in.slab.copy(payload)
		}
		*r = Request{
			Kind: h.kind, Payload: payload, RingVersion: h.ring, From: in.from,
			Timeout: time.Duration(h.timeout) * time.Microsecond,
			Delay:   time.Duration(max(0, now-h.stamp)) * time.Microsecond,
			conn:    in, id: h.id, stamp: h.stamp,
		}
		in.batch = append(in.batch, r)
		return nil
	case frameBeat:
		_, err := parseNumber(body)
		return err
	case frameWall:
		told, err := parseNumber(body)
		if err != nil {
			return err
		}
		return in.walls.check(in.from, int64(told))
	default:
		return unexpectedFrame(body)
	}
}

func (in *incoming) newRequest() *Request {
	if len(in.chunk) == 0 {
		in.chunk = make([]Request, requestChunk)
	}
	r := &in.chunk[0]
	in.chunk = in.chunk[1:]
	return r
}

func newIncoming(t *Transport, conn net.Conn, from string, clock stopwatch) *incoming {
	in := &incoming{transport: t, from: from}
	in.open(conn, clock, t)
	return in
}
