package coordinator

import (
	"sync"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
)

// outbox sends what batches have for other nodes. What is posted between Hold and Release goes out together, in one
// message to each node: the connections of one round of a client's event loop, and the batches that one message from a
// peer moves on. At one command per round trip a message of its own for each command was most of what the command cost.
//
// Requests of a kind are lists, and so are the replies: joining two requests gives one request, whose reply is the replies
// to both, one behind the other. Nobody waits for the others: a reply to a list is sent when the replica has looked at all,
// which it does at once.
type outbox struct {
	c *Coordinator

	mu   sync.Mutex // guards the four below
	held int
	open []*parcel
	full []*parcel // have grown too large to wait
	free []*parcel
}

// parcel is one request on its way, and the reply.
type parcel struct {
	box     *outbox
	peer    ring.NodeID
	kind    uint8
	ring    uint64 // the version that the request goes by
	sent    time.Time
	payload []byte
	items   int
	parts   []receiver
	done    func(transport.Reply) // p.answered, made once
}

// receiver takes its part of a reply.
type receiver interface {
	// received reads exactly as many items as it has posted, or is told why there are none.
	received(r *reader, err error)
}

const (
	// largeParcel is the size from which on a request does not wait for more.
	largeParcel = 256 << 10
	// keptParcel and freeParcels bound what is kept for reuse.
	keptParcel  = 64 << 10
	freeParcels = 16
)

// post sends a request of some items that goes by the ring of a version, or the part of one. to is told of the reply once, maybe before post returns. The
// payload is copied.
func (o *outbox) post(peer ring.NodeID, kind uint8, version uint64, payload []byte, items int, to receiver) {
	o.mu.Lock()
	p := o.parcel(peer, kind, version)
	p.payload = append(p.payload, payload...)
	p.items += items
	p.parts = append(p.parts, to)
	var send []*parcel
	if o.held == 0 {
		send = o.take()
	}
	o.mu.Unlock()
	o.send(send)
}

// parcel is the open request to a peer. It is called with mu held.
func (o *outbox) parcel(peer ring.NodeID, kind uint8, version uint64) *parcel {
	for i, p := range o.open {
		if p.kind != kind || p.peer != peer || p.ring != version {
			continue
		}
		if len(p.payload) < largeParcel {
			return p
		}
		o.full = append(o.full, p)
		o.open[i] = o.fresh(peer, kind, version)
		return o.open[i]
	}
	p := o.fresh(peer, kind, version)
	o.open = append(o.open, p)
	return p
}

func (o *outbox) fresh(peer ring.NodeID, kind uint8, version uint64) *parcel {
	var p *parcel
	if n := len(o.free); n > 0 {
		p, o.free = o.free[n-1], o.free[:n-1]
	} else {
		p = &parcel{box: o}
		p.done = p.answered
	}
	p.peer, p.kind, p.ring = peer, kind, version
	return p
}

// take takes all that waits. It is called with mu held.
func (o *outbox) take() []*parcel {
	if len(o.open) == 0 {
		return nil
	}
	all := append(o.full, o.open...)
	o.full, o.open = nil, o.open[:0]
	return all
}

func (o *outbox) hold() {
	o.mu.Lock()
	o.held++
	o.mu.Unlock()
}

func (o *outbox) release() {
	o.mu.Lock()
	o.held--
	send := o.take()
	o.mu.Unlock()
	o.send(send)
}

func (o *outbox) send(parcels []*parcel) {
	if len(parcels) == 0 {
		return
	}
	now := time.Now()
	for _, p := range parcels {
		p.sent = now
		p.send()
	}
}

func (p *parcel) send() {
	c := p.box.c
	c.Peers.CallBy(string(p.peer), p.kind, p.ring, p.payload, c.Settings().Timeout, p.done)
}

// answered takes the reply.
//
// A peer that has another ring is told of this node's, and tells of its own. When it was the one behind it gets the request again.
func (p *parcel) answered(reply transport.Reply) {
	if reply.Err == nil && reply.Status == StatusOtherRing {
		p.box.c.Agree(p.peer, func(same bool) {
			if c := p.box.c; same && p.ring == c.Ring().Version() && c.mayRepeat(p.sent) {
				p.send()
			} else {
				p.hand(transport.Reply{Err: errOtherRing})
			}
		})
		return
	}
	p.hand(reply)
}

// hand gives every part its share of the reply. What they do next is held until all have theirs.
func (p *parcel) hand(reply transport.Reply) {
	err := reply.Err
	if err == nil && (reply.Status != StatusOK || !wellFormed(p.kind, reply.Payload, p.items)) {
		err = ErrMalformed
	}
	c := p.box.c
	r := reader{b: reply.Payload}
	c.Hold()
	for _, to := range p.parts {
		to.received(&r, err)
	}
	c.Release()
	p.recycle()
}

func (p *parcel) recycle() {
	clear(p.parts)
	p.peer, p.payload, p.items, p.parts = "", p.payload[:0], 0, p.parts[:0]
	o := p.box
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(p.payload) <= keptParcel && len(o.free) < freeParcels {
		o.free = append(o.free, p)
	}
}

// wellFormed reports whether a reply consists of just so many items.
func wellFormed(kind uint8, payload []byte, items int) bool {
	if kind == KindReplicate || kind == KindHint {
		return len(payload) == items
	}
	r := reader{b: payload}
	for range items {
		if r.byte() != digestSame {
			r.bytes()
		}
	}
	return r.err() == nil
}

// nobody takes replies that nobody waits for.
type nobody struct{ items int }

func (n nobody) received(r *reader, err error) {
	for i := 0; i < n.items && err == nil; i++ {
		r.byte()
	}
}
