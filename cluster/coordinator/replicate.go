package coordinator

import (
	"slices"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
)

// delivery is a replicate request to one replica: the changes of some of the batch's commands.
type delivery struct {
	b       *batch
	peer    ring.NodeID
	payload []byte
	items   []deliveryItem
}

type deliveryItem struct {
	op     *op
	change *engine.Change
	// now and coming say in which tallies the replica's confirmation counts.
	now, coming bool
}

// replicate sends what the commands changed to the other replicas, and finishes those that need nobody else.
func (b *batch) replicate() {
	b.mu.Lock()
	var deliveries []*delivery
	var item []byte
	for i := range b.ops {
		o := &b.ops[i]
		if o.finished {
			continue
		}
		if len(o.Changes) == 0 || len(o.primaries)+len(o.future) <= 1 {
			o.finished = true
			continue
		}
		o.tally = quorum.NewTally(int(o.choice.W)-1, 0)
		o.coming = quorum.NewTally(o.needComing(), 0)
		for j := range o.Changes {
			change := &o.Changes[j]
			item = appendReplicateItem(item[:0], change.Key, change.Object, change.Delta)
			deliveries = o.address(deliveries, change, item)
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
		o.decide()
		if !o.finished {
			b.open++
		}
	}
	waiting := b.open > 0
	b.mu.Unlock()
	for _, d := range deliveries {
		b.c.Peers.Call(string(d.peer), KindReplicate, d.payload, b.settings.Timeout, d.confirmed)
	}
	if !waiting {
		b.finish()
	}
}

// needComing is how many other stores that will be primaries must confirm.
func (o *op) needComing() int {
	if o.future == nil {
		return 0
	}
	need := int(o.command.Quorum.Or(o.b.settings.Quorum).Within(len(o.future)).W)
	if slices.Contains(o.future, o.b.c.Self) {
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

// address adds an encoded change to the deliveries to the replicas that can be reached.
func (o *op) address(deliveries []*delivery, change *engine.Change, item []byte) []*delivery {
	for _, id := range o.primaries {
		deliveries = o.addressTo(deliveries, id, deliveryItem{o, change, true, slices.Contains(o.future, id)}, item)
	}
	for _, id := range o.future {
		if !slices.Contains(o.primaries, id) {
			deliveries = o.addressTo(deliveries, id, deliveryItem{o, change, false, true}, item)
		}
	}
	return deliveries
}

func (o *op) addressTo(deliveries []*delivery, id ring.NodeID, what deliveryItem, item []byte) []*delivery {
	if id == o.b.c.Self || !o.b.c.Peers.Up(string(id)) {
		return deliveries
	}
	var d *delivery
	for _, have := range deliveries {
		if have.peer == id {
			d = have
			break
		}
	}
	if d == nil {
		d = &delivery{b: o.b, peer: id}
		deliveries = append(deliveries, d)
	}
	d.payload = append(d.payload, item...)
	d.items = append(d.items, what)
	return deliveries
}

// confirmed takes a replica's answer, or its absence, for all the changes of the delivery.
func (d *delivery) confirmed(reply transport.Reply) {
	b := d.b
	failed := reply.Err != nil || reply.Status != StatusOK || len(reply.Payload) != len(d.items)
	b.mu.Lock()
	last, has := false, true
	var gaps *delivery
	for i, item := range d.items {
		o := item.op
		status := replicaRefuse
		if !failed {
			status = int(reply.Payload[i])
		}
		if status == replicaGap {
			gaps = d.again(gaps, item)
		}
		has = has && status == replicaHas
		if i+1 < len(d.items) && d.items[i+1].op == o {
			continue // a replica has a command's changes when it has all of them
		}
		counted := has
		has = true
		if o.finished || gaps.covers(o) {
			continue
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
	b.mu.Unlock()
	if failed {
		d.missed()
	}
	if gaps != nil {
		b.c.Peers.Call(string(d.peer), KindReplicate, gaps.payload, b.settings.Timeout, gaps.confirmed)
	}
	if last {
		b.finish()
	}
}

// again adds a change to the delivery of whole objects that follows when the replica had a gap.
func (d *delivery) again(gaps *delivery, item deliveryItem) *delivery {
	if gaps == nil {
		gaps = &delivery{b: d.b, peer: d.peer}
	}
	gaps.payload = appendReplicateItem(gaps.payload, item.change.Key, item.change.Object, nil)
	gaps.items = append(gaps.items, item)
	return gaps
}

// covers reports whether the delivery still has to bring a change of the op.
func (d *delivery) covers(o *op) bool {
	return d != nil && len(d.items) > 0 && d.items[len(d.items)-1].op == o
}
