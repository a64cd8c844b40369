package coordinator

import (
	"errors"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine/mutant"
)

// A quorum is one of stores that have the same ring as the coordinator at the time of their answers, and so had it since the
// request came. Else what a store confirms could be gone with the slots that it has given away meanwhile, and a read could ask
// stores that are no longer written to. cluster/DESIGN.md has the argument.
//
// Requests carry the version of the ring that they were planned by. A store that has another refuses: the two tell each other what
// they know, and either the request is sent again, for the store was behind, or the coordinator plans anew, for it was itself.

// errOtherRing says that a peer has another ring than the request was planned by.
var errOtherRing = errors.New("the peer has another ring")

// otherRing reports whether a request was planned by another ring than this node has.
func (c *Coordinator) otherRing(request *transport.Request) bool {
	if mutant.AcceptsOtherRings {
		return false
	}
	return request.RingVersion != 0 && request.RingVersion != c.Ring().Version()
}

func (c *Coordinator) refuse(request *transport.Request) {
	c.Stats.OtherRing.Add(1)
	request.Respond(StatusOtherRing)
}

// respond answers a request whose work is done, unless this node has got another ring while it was.
func (c *Coordinator) respond(request *transport.Request, status uint8, reply []byte) {
	if c.otherRing(request) {
		c.refuse(request)
		return
	}
	request.Respond(status, reply)
}

// mayRepeat reports whether a message that was made at a time may be sent again: peers refuse what is older than the timeout,
// and what remembers removed keys goes on the premise that nothing arrives that is older than one and a half.
func (c *Coordinator) mayRepeat(made time.Time) bool {
	return time.Since(made) < c.Settings().Timeout/2
}

// outdated reports whether an op was planned by a ring that this node no longer has.
func (o *op) outdated() bool { return o.table.Version() != o.b.c.Ring().Version() }

// renew addresses the changes of open ops anew, to the stores that the present ring names, and adds to hintings. mu is held. The
// answers to what was sent before count no more. It reports whether no op is open any more.
func (b *batch) renew(before []*hinting) (deliveries []*delivery, hintings []*hinting, last bool) {
	hintings = before
	for i := range b.ops {
		o := &b.ops[i]
		if o.finished || !o.outdated() {
			continue
		}
		o.place(b.c.Ring())
		deliveries, hintings = o.spread(deliveries, hintings)
		if o.decide(); o.finished && b.decided() {
			last = true
		}
	}
	return deliveries, hintings, last
}

// consultAnew has the stores asked that the present ring names. mu is held. It reports whether no op is open any more.
func (b *batch) consultAnew() (questions []*question, last bool) {
	for i := range b.ops {
		o := &b.ops[i]
		if !o.asks() || o.tally.State() != quorum.Open || !o.outdated() {
			continue
		}
		o.place(b.c.Ring())
		if questions = o.consult(questions); o.tally.State() == quorum.Open {
			continue
		}
		if o.tally.State() == quorum.Missed {
			o.lacked()
		}
		last = b.decided() || last
	}
	return questions, last
}
