package coordinator

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// A replica has a gap when it has not seen what a delta builds on. A small object is then sent whole. Of a large one the delta is sent again
// after a moment: most often what is missing is another coordinator's delta, on its way on another connection. Only when that does not help
// the replica gets what it lacks, once for however many deltas (catchup.go). What is written to the key meanwhile waits and follows in order:
// each delta builds on the one before, so one that went ahead would have a gap as well.

// maxGaps is how often a change is sent again that a replica could not apply. Who loses again what it was given is down, or nearly.
const maxGaps = 4

// errGap says that there is no time left to send a replica what it needs for a delta.
var errGap = errors.New("the replica lacks what the change builds on")

// gapsOf is what a replica needs again of one delivery.
type gapsOf struct {
	op    *op // the last command concerned, and what it is in
	last  *delivery
	small *delivery // of whole objects
	large []*delivery
}

// again has a change sent to the replica once more. It reports false when there is no time left for that. b.mu is held. The changes of
// one command stay together, for they are confirmed together.
func (g *gapsOf) again(d *delivery, item deliveryItem) bool {
	b := d.b
	b.c.Stats.DeltaGaps.Add(1)
	_, small := item.change.Encoding()
	var to *delivery
	switch {
	case g.op == item.op:
		to = g.last
	case small:
		if g.small == nil {
			g.small = b.newDelivery(d.peer, d.ring)
		}
		to = g.small
	case !b.mayReplace() || item.gaps == maxGaps:
		b.c.touch(d.peer, item.change.Key)
		return false
	default:
		to = b.newDelivery(d.peer, d.ring)
		g.large = append(g.large, to)
	}
	to.message.wholeOf(item.change)
	to.items = append(to.items, item)
	g.op, g.last = item.op, to
	return true
}

// wholeOf appends the object of a change, or the delta of a large one.
func (m *message) wholeOf(c *engine.Change) {
	if encoding, ok := c.Encoding(); ok {
		m.object(c.Key, encoding)
		return
	}
	m.changeOf(c)
}

// send sends it, or has it wait.
func (g *gapsOf) send(b *batch) {
	if g.small != nil {
		b.ref(1)
		b.deliver([]*delivery{g.small})
	}
	for _, d := range g.large {
		b.ref(1)
		again := false
		for i := range d.items {
			again = again || d.items[i].gaps > 0
			d.items[i].gaps++
		}
		b.c.stall(place{d.peer, d.items[0].change.Key}, d, again)
	}
}

// place is a key at a replica.
type place struct {
	peer ring.NodeID
	key  object.Key
}

// gaps are the places where replicas have one, with what waits to be sent there.
type gaps struct {
	open atomic.Int32

	mu sync.Mutex // guards at
	at map[place]*gap
}

type gap struct {
	waiting []*delivery // in the order of their changes
	filling bool        // what is missing is on its way
}

func (g *gaps) any() bool { return g.open.Load() > 0 }

// here is the gap at a place, a fresh one where there is none. mu is held.
func (g *gaps) here(at place) (here *gap, fresh bool) {
	if here = g.at[at]; here != nil {
		return here, false
	}
	here = &gap{}
	g.at[at] = here
	g.open.Add(1)
	return here, true
}

// stall has a delivery wait at a place until what is missing there may have arrived, or was sent.
func (c *Coordinator) stall(at place, d *delivery, fill bool) {
	g := &c.gaps
	g.mu.Lock()
	here, fresh := g.here(at)
	here.waiting = append(here.waiting, d)
	fill = fill && !here.filling
	here.filling = here.filling || fill
	g.mu.Unlock()
	switch {
	case fill:
		go c.fill(at)
	case fresh:
		settings := c.Settings()
		pause := max(settings.Patience(c.Peers.Late(string(at.peer))), time.Millisecond)
		time.AfterFunc(pause, func() { c.resume(at, false, nil) })
	}
}

// refill sends a replica that lacks some of a large object what it lacks, unless that is being done.
func (c *Coordinator) refill(at place) {
	g := &c.gaps
	g.mu.Lock()
	here, _ := g.here(at)
	fill := !here.filling
	here.filling = true
	g.mu.Unlock()
	if fill {
		go c.fill(at)
	}
}

// fill sends a replica what it lacks, and then what has waited for that.
func (c *Coordinator) fill(at place) {
	c.push(at, func(err error) {
		if err != nil {
			c.Logger.Warn("a replica lacks some of an object, and was not given it", "peer", at.peer, "error", err)
			c.touch(at.peer, at.key)
		}
		c.resume(at, true, err)
	})
}

// resume sends what waits at a place, in one message. What has become too old counts as not confirmed, and so does all when the replica could
// not be given what it lacks.
func (c *Coordinator) resume(at place, filled bool, err error) {
	g := &c.gaps
	var late []*delivery
	c.Hold()
	g.mu.Lock()
	if here := g.at[at]; here != nil && (filled || !here.filling) {
		delete(g.at, at)
		g.open.Add(-1)
		for _, d := range here.waiting {
			if err != nil || !c.mayRepeat(d.b.begun) {
				late = append(late, d)
				continue
			}
			d.post() // held, so nothing is sent and nobody answers before Release
		}
	}
	g.mu.Unlock()
	for _, d := range late {
		d.received(nil, errGap)
	}
	c.Release()
}

// holdBack takes the commands out of a delivery whose changes must wait for others of their keys, and returns the rest; nil for nothing.
func (b *batch) holdBack(d *delivery) *delivery {
	g := &b.c.gaps
	b.mu.Lock()
	defer b.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	var rest *delivery
	held := false
	for from := 0; from < len(d.items); {
		to := from + 1
		here := g.at[place{d.peer, d.items[from].change.Key}]
		for ; to < len(d.items) && d.items[to].op == d.items[from].op; to++ {
			if here == nil {
				here = g.at[place{d.peer, d.items[to].change.Key}]
			}
		}
		part := rest
		if here != nil {
			held = true
			part = b.newDelivery(d.peer, d.ring)
			here.waiting = append(here.waiting, part)
			b.ref(1)
		} else if part == nil {
			rest = b.newDelivery(d.peer, d.ring)
			part = rest
		}
		for _, item := range d.items[from:to] {
			part.message.changeOf(item.change)
			part.items = append(part.items, item)
		}
		from = to
	}
	if !held {
		return d
	}
	d.answered = true // others have taken its place
	if rest != nil {
		b.ref(1)
	}
	b.ref(-1)
	return rest
}
