package coordinator

import (
	"slices"
	"sync"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine/object"
)

// outbox sends what batches have for other nodes. What is posted between Hold and Release goes out together, in one
// message to each node: the connections of one round of a client's event loop, and the batches that one message from a
// peer moves on. At one command per round trip a message of its own for each command was most of what the command cost.
//
// Requests of a kind are lists, and so are the replies: joining two requests gives one request, whose reply is the replies
// to both, one behind the other. Nobody waits for the others: a reply to a list is sent when the replica has looked at all,
// which it does at once.
//
// Messages that are not short may be overtaken by others on their way. That is what they are cut for, and for most of what is
// sent it does not matter: whole objects are joined in any order. It does for two things, which therefore wait until the long message
// with changes of their slot has been answered:
//
//   - deltas: one that overtakes another of its key finds a gap, and the whole object is sent in its place;
//   - digests: one that overtakes a change finds a difference that is none, and the object goes back and forth.
type outbox struct {
	c *Coordinator

	mu   sync.Mutex // guards the rest, and slots and behind of parcels
	held int
	open []*parcel
	full []*parcel // have grown too large to wait
	long []*parcel // with changes, not short, under way
	free []*parcel
}

// parcel is one request on its way, and the reply.
type parcel struct {
	box     *outbox
	peer    ring.NodeID
	kind    uint8
	ring    uint64 // the version that the request goes by
	sent    time.Time
	message message
	cut     [][]byte // the message, as it is sent
	items   int
	parts   []receiver
	done    func(transport.Reply) // p.answered, made once
	// While it is in long: the slots of its changes, and what waits for the answer, in order.
	slots  map[object.Slot]struct{}
	behind []*parcel
}

// receiver takes its part of a reply.
type receiver interface {
	// received reads exactly as many items as it has posted, or is told why there are none.
	received(r *reader, err error)
	// brings notes the slots of changes that the request brings.
	brings(slots map[object.Slot]struct{})
	// follows reports whether the request must not overtake one that brings changes of these slots.
	follows(slots map[object.Slot]struct{}) bool
}

const (
	// largeParcel is the size from which on a request does not wait for more: most stay short.
	largeParcel = transport.Short * 3 / 4
	// keptParcel and freeParcels bound what is kept for reuse.
	keptParcel  = 64 << 10
	freeParcels = 16
)

// post sends a request of some items that goes by the ring of a version, or the part of one. to is told of the reply once, maybe
// before post returns. The message is copied, but for what it refers to.
func (o *outbox) post(peer ring.NodeID, kind uint8, version uint64, m *message, items int, to receiver) {
	o.mu.Lock()
	var p *parcel
	if first := o.ahead(peer, to); first != nil {
		p = o.fresh(peer, kind, version)
		first.behind = append(first.behind, p)
	} else {
		p = o.parcel(peer, kind, version, m.size() > transport.Short)
	}
	p.message.add(m)
	p.items += items
	p.parts = append(p.parts, to)
	var send []*parcel
	if o.held == 0 {
		send = o.take()
	}
	o.mu.Unlock()
	o.send(send)
}

// ahead is a long request to the peer that this one must not overtake, nil for none. mu is held.
func (o *outbox) ahead(peer ring.NodeID, to ...receiver) *parcel {
	for _, p := range o.long {
		if p.peer != peer {
			continue
		}
		for _, r := range to {
			if r.follows(p.slots) {
				return p
			}
		}
	}
	return nil
}

// parcel is the open request to a peer, a new one for a message that is not short. It is called with mu held.
func (o *outbox) parcel(peer ring.NodeID, kind uint8, version uint64, long bool) *parcel {
	for i, p := range o.open {
		if p.kind != kind || p.peer != peer || p.ring != version {
			continue
		}
		if !long && p.message.size() < largeParcel {
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
	return o.ordered(all)
}

// ordered notes which requests are long, and leaves out those that have to wait for one. mu is held.
func (o *outbox) ordered(all []*parcel) []*parcel {
	send := all[:0]
	for _, p := range all {
		if len(o.long) > 0 {
			if first := o.ahead(p.peer, p.parts...); first != nil {
				first.behind = append(first.behind, p)
				continue
			}
		}
		if p.message.size() > transport.Short {
			p.slots = map[object.Slot]struct{}{}
			for _, r := range p.parts {
				r.brings(p.slots)
			}
			if len(p.slots) > 0 {
				o.long = append(o.long, p)
			}
		}
		send = append(send, p)
	}
	return send
}

// arrived ends the time in which others wait for a long request.
func (o *outbox) arrived(p *parcel) {
	if p.slots == nil {
		return
	}
	o.mu.Lock()
	if i := slices.Index(o.long, p); i >= 0 {
		o.long = slices.Delete(o.long, i, i+1)
	}
	behind := o.ordered(p.behind)
	p.slots, p.behind = nil, nil
	o.mu.Unlock()
	o.send(behind)
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
		p.cut = p.message.parts(p.cut[:0])
		p.send()
	}
}

func (p *parcel) send() {
	c := p.box.c
	c.Peers.CallParts(string(p.peer), p.kind, p.ring, p.cut, c.Settings().Timeout+transport.Arrival(p.message.size()), p.done)
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
	p.box.arrived(p)
	for _, to := range p.parts {
		to.received(&r, err)
	}
	c.Release()
	p.recycle()
}

func (p *parcel) recycle() {
	clear(p.parts)
	clear(p.cut)
	p.message.clear()
	p.peer, p.items, p.parts, p.cut = "", 0, p.parts[:0], p.cut[:0]
	o := p.box
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.free) < freeParcels {
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

// nobody takes replies that nobody waits for. What it stands for are whole objects, which bring nobody news.
type nobody struct{ items int }

func (nobody) brings(map[object.Slot]struct{})       {}
func (nobody) follows(map[object.Slot]struct{}) bool { return false }

func (n nobody) received(r *reader, err error) {
	for i := 0; i < n.items && err == nil; i++ {
		r.byte()
	}
}

// probe asks nothing: it is answered behind all changes that were posted before it.
type probe struct{ done func(ok bool) }

func (p probe) received(r *reader, err error) {
	if err == nil && r.byte() != digestSame {
		r.bytes()
	}
	p.done(err == nil)
}

func (probe) brings(map[object.Slot]struct{})       {}
func (probe) follows(map[object.Slot]struct{}) bool { return true }

// Probe tells when a node has in its store all changes that this one sent it before, or that it cannot be asked. done is called once,
// maybe before Probe returns.
func (c *Coordinator) Probe(peer ring.NodeID, done func(ok bool)) {
	var m message
	m.b = appendDigestItem(nil, object.Key{}, 0)
	c.outbox.post(peer, KindDigest, 0, &m, 1, probe{done})
}
