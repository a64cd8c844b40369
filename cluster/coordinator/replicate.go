package coordinator

import (
	"errors"
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// delivery is a replicate request to one replica: the changes of some of the batch's commands.
type delivery struct {
	b       *batch
	peer    ring.NodeID
	ring    uint64 // the version that it goes by
	message message
	items   []deliveryItem
	// answered says that there was an answer, or will be none; replaced that a fallback was asked in place of the peer.
	answered, replaced bool
}

type deliveryItem struct {
	op     *op
	change *engine.Change
	// now and coming say in which tallies the replica's confirmation counts.
	now, coming bool
	gaps        int // how often the replica has had one
}

func (d *delivery) clear() {
	clear(d.items)
	d.message.clear()
	*d = delivery{message: d.message, items: d.items[:0]}
}

func (d *delivery) brings(slots map[object.Slot]struct{}) {
	for i := range d.items {
		slots[d.items[i].op.Slot] = struct{}{}
	}
}

func (d *delivery) follows(slots map[object.Slot]struct{}) bool {
	for i := range d.items {
		if _, ok := slots[d.items[i].op.Slot]; ok && d.items[i].change.Delta != nil {
			return true
		}
	}
	return false
}

// replicate sends what the commands changed to the other replicas, and finishes those that need nobody else.
//
// Where this node has got another ring since, commands are planned anew: what its own store took before counts by the ring that it
// has now.
func (b *batch) replicate() {
	b.mu.Lock()
	var deliveries []*delivery
	var hintings []*hinting
	hedged := false
	b.begun = time.Now()
	table := b.c.Ring()
	for i := range b.ops {
		o := &b.ops[i]
		if o.finished {
			continue
		}
		if len(o.Changes) > 0 && o.table.Version() != table.Version() {
			o.place(table)
		}
		if len(o.Changes) == 0 || len(o.primaries)+len(o.future) <= 1 && o.counts(o.primaries) {
			o.finished = true
			continue
		}
		deliveries, hintings = o.spread(deliveries, hintings)
		o.decide()
		if !o.finished {
			b.open++
			hedged = hedged || o.fallbacks != nil
		}
	}
	waiting := b.open > 0
	delay := time.Duration(0)
	if hedged {
		delay = b.expectLate(deliveries)
	}
	b.mu.Unlock()
	b.ref(1 + int32(len(deliveries)))
	b.deliver(deliveries)
	b.hint(hintings)
	if delay > 0 {
		b.c.hedger.add(b, delay)
	}
	if !waiting {
		b.finish()
	}
	b.unref()
}

// spread addresses what a command changed to all who are to have it.
func (o *op) spread(deliveries []*delivery, hintings []*hinting) ([]*delivery, []*hinting) {
	o.away, o.spare, o.spent = false, 0, 0
	o.tally = quorum.NewTally(o.needNow(), 0)
	o.coming = quorum.NewTally(o.needComing(), 0)
	for j := range o.Changes {
		deliveries = o.address(deliveries, &o.Changes[j])
	}
	for _, d := range deliveries {
		last := &d.items[len(d.items)-1]
		if last.op == o && last.now {
			o.tally.Asked()
		}
		if last.op == o && last.coming {
			o.coming.Asked()
		}
	}
	if o.away && o.fallbacks != nil {
		hintings = o.replaceAway(hintings)
	}
	return deliveries, hintings
}

// deliver sends deliveries, for which references have been taken.
func (b *batch) deliver(deliveries []*delivery) {
	for _, d := range deliveries {
		if b.c.gaps.any() {
			if d = b.holdBack(d); d == nil {
				continue
			}
		}
		d.post()
	}
}

func (d *delivery) post() {
	d.b.c.outbox.post(d.peer, KindReplicate, d.ring, &d.message, len(d.items), d)
}

// expectLate says after which while replicas that have not confirmed are late; 0: never. mu is held.
func (b *batch) expectLate(deliveries []*delivery) (delay time.Duration) {
	for _, d := range deliveries {
		arrival := transport.Arrival(d.message.size())
		b.arrival = max(b.arrival, arrival)
		delay = max(delay, b.patience(d.peer)+arrival)
	}
	delay = max(delay, b.settings.HedgeDelay)
	b.lateAt = b.begun.Add(delay)
	return min(delay, b.settings.longestPatience())
}

// needNow is how many other stores that are primaries must confirm.
func (o *op) needNow() int {
	if mutant.AcknowledgesEarly {
		return 0
	}
	if o.counts(o.primaries) {
		return int(o.choice.W) - 1
	}
	return int(o.choice.W)
}

// needComing is how many other stores that will be primaries must confirm.
func (o *op) needComing() int {
	if o.future == nil {
		return 0
	}
	need := int(o.command.Quorum.Or(o.b.settings.Quorum).Within(len(o.future)).W)
	if o.counts(o.future) {
		need--
	}
	return need
}

// decide finishes the command when both tallies are met, or one of them can no longer be.
func (o *op) decide() {
	now, coming := o.tally.State(), o.coming.State()
	switch {
	case now == quorum.Missed || coming == quorum.Missed:
		o.missed()
	case now == quorum.Met && coming == quorum.Met:
		o.finished = true
	}
}

// address adds a change to the deliveries to the replicas that can be reached.
func (o *op) address(deliveries []*delivery, change *engine.Change) []*delivery {
	for _, id := range o.primaries {
		deliveries = o.addressTo(deliveries, id, deliveryItem{op: o, change: change, now: true, coming: slices.Contains(o.future, id)})
	}
	for _, id := range o.future {
		if !slices.Contains(o.primaries, id) {
			deliveries = o.addressTo(deliveries, id, deliveryItem{op: o, change: change, coming: true})
		}
	}
	return deliveries
}

func (o *op) addressTo(deliveries []*delivery, id ring.NodeID, what deliveryItem) []*delivery {
	if id == o.b.c.Self {
		return deliveries
	}
	if !o.b.isUp(id) {
		o.away = true
		return deliveries
	}
	var d *delivery
	version := o.table.Version()
	for _, have := range deliveries {
		if have.peer == id && have.ring == version {
			d = have
			break
		}
	}
	if d == nil {
		d = o.b.newDelivery(id, version)
		deliveries = append(deliveries, d)
	}
	d.message.changeOf(what.change)
	d.items = append(d.items, what)
	return deliveries
}

func (b *batch) newDelivery(peer ring.NodeID, version uint64) *delivery {
	d := b.deliveries.next()
	d.b, d.peer, d.ring = b, peer, version
	return d
}

// received takes a replica's answer, or its absence, for all the changes of the delivery.
func (d *delivery) received(r *reader, err error) {
	b := d.b
	b.mu.Lock()
	d.answered = true
	last, has := false, true
	var gaps gapsOf
	var renewed []*delivery
	var hintings []*hinting
	anew := errors.Is(err, errOtherRing) && b.mayReplace()
	for i, item := range d.items {
		o := item.op
		status := byte(replicaRefuse)
		if err == nil {
			status = r.byte()
		}
		if status == replicaGap && has && !gaps.again(d, item) {
			status = replicaRefuse
		}
		has = has && status == replicaHas
		if i+1 < len(d.items) && d.items[i+1].op == o {
			continue // a replica has a command's changes when it has all of them
		}
		counted := has
		has = true
		if o.finished || gaps.op == o || o.table.Version() != d.ring || anew && o.outdated() {
			continue
		}
		if err != nil && o.fallbacks != nil && !d.replaced && b.mayReplace() {
			hintings = o.replace(hintings, []ring.NodeID{d.peer})
		}
		if item.now {
			o.tally.Count(counted)
		}
		if item.coming {
			o.coming.Count(counted)
		}
		if o.decide(); o.finished && b.decided() {
			last = true
		}
	}
	if anew && !last {
		renewed, hintings, last = b.renew(hintings)
	}
	b.ref(int32(len(renewed)))
	b.mu.Unlock()
	if err != nil {
		d.missed()
	}
	b.hint(hintings)
	b.deliver(renewed)
	gaps.send(b)
	if last {
		b.finish()
	}
	b.unref()
}
