package transport

import "time"

// Handler serves the requests of peers.
type Handler interface {
	// ServeBatch gets the requests that one read of the connection from a peer brought, in the order of their calls; it is
	// called by the goroutine that reads, one call at a time for each connection. It must not block for long, since nothing is
	// read meanwhile. The slice is reused after it returns, the requests are not.
	ServeBatch(from string, batch []*Request)
}

// Request is one request of a peer. Small requests and payloads share allocations of a few KB with their neighbors: copy
// what is kept for long.
type Request struct {
	// Kind and Payload are what the peer gave to Call. The payload belongs to the handler and is never reused.
	Kind    uint8
	Payload []byte
	// RingVersion is the one that the sender named for it; 0 for none.
	RingVersion uint64
	// From is the id of the sender, authenticated.
	From string
	// Timeout is for how long the sender waits for the reply, from the call on.
	Timeout time.Duration
	// Delay is how long ago the request was sent when it was read: time in the sender's queue, on the way and in the buffers
	// of both systems. It is never less than the truth, and more by no more than the fastest delivery seen lately; see the
	// package documentation. For a long request that took more than half of its timeout to send it is that of the last part.
	Delay time.Duration

	conn      *incoming
	id        uint64
	stamp     int64
	responded bool // under conn.mu
}

// Age is how long ago the request was sent, as Delay but now. Once it exceeds Timeout the sender has given the request up.
func (r *Request) Age() time.Duration {
	return time.Duration(max(0, r.conn.clock.micros()-r.stamp)) * time.Microsecond
}

// Respond sends the reply, the payload's parts one after the other. It may be called by any goroutine and does not block. Only the
// first call counts, and none does when the connection is gone. A payload that is Short is copied before it returns; a longer one
// must not be changed afterwards.
func (r *Request) Respond(status uint8, payload ...[]byte) {
	size := replyHead + sizeOf(payload)
	in := r.conn
	options := &in.transport.options
	long := size-replyHead > Short

	in.mu.Lock()
	if r.responded || in.closed {
		in.mu.Unlock()
		return
	}
	r.responded = true
	if !long && in.full(lengthSize+size) {
		in.closeLocked(errSlowReader)
		in.mu.Unlock()
		return
	}
	rouse := false
	switch {
	case size > options.MaxMessage || long && !in.long.fits(size, options.MaxLongBytes):
		rouse = in.addFrame(frameFailed, r.id)
	case long:
		s := newStream(r.id, appendReplyHead(nil, r.id, status), payload)
		s.called, s.limit = in.clock.micros(), options.RequestTimeout.Microseconds()
		rouse = in.addStream(s)
	default:
		in.buf = appendReply(in.buf, r.id, status, size-replyHead, payload)
		rouse = in.appended(lengthSize+size, in.serving.Load())
	}
	in.mu.Unlock()
	if rouse {
		in.rouse()
	}
}
