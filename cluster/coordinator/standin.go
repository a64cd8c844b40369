package coordinator

import (
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Sloppy quorums. Every change has as many stores as the slot has primaries: for each that cannot be reached, the next
// fallback that can keeps a hint, at once. While a command waits for its quorum, those that are late or were lost are
// replaced too. A fallback counts as the store that it is, whoever it stands in for, and only when it has kept the change.

// hinting is a request to one fallback: to keep the changes of some of the batch's commands.
type hinting struct {
	b       *batch
	peer    ring.NodeID
	payload []byte
	items   []hintingItem
	changes int // in all items
	// answered and replaced are as in a delivery.
	answered, replaced bool
}

type hintingItem struct {
	op      *op
	owners  []ring.NodeID
	changes int
	// now and coming say in which tallies the fallback counts: those of its owners.
	now, coming bool
}

// standIn makes the op one of a node that is no primary of the slot: it runs on hints, which all primaries are owed.
func (o *op) standIn() {
	if !slices.Contains(o.fallbacks, o.b.c.Self) {
		o.fail(ErrNotReplica)
		return
	}
	for _, id := range o.owners() {
		o.StandsFor = append(o.StandsFor, engine.Owner(id))
	}
}

// owners are the present and the coming primaries.
func (o *op) owners() []ring.NodeID {
	out := slices.Clone(o.primaries)
	for _, id := range o.future {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// candidate is the i-th node that can be asked for what it holds: primaries, then fallbacks.
func (o *op) candidate(i int) (id ring.NodeID, standIn bool) {
	if i < len(o.primaries) {
		return o.primaries[i], false
	}
	return o.fallbacks[i-len(o.primaries)], true
}

// canAsk reports whether there may be more nodes to ask. No more fallbacks are asked than there are primaries.
func (o *op) canAsk() bool {
	return o.next < len(o.primaries) || o.next < len(o.primaries)+len(o.fallbacks) && o.asked < len(o.primaries)
}

// keepsHints reports whether this node keeps hints of all keys of a command.
func (b *batch) keepsHints(o *op) bool {
	for key := range o.command.Keys {
		if b.hintDigest(key) == 0 {
			return false
		}
	}
	return true
}

// hintDigest is that of the hint that this node keeps of a key, 0 when it keeps none.
func (b *batch) hintDigest(key object.Key) causal.Digest {
	own, _ := b.c.Store.Hint(key) // a failure shows again when the command runs
	if own == nil {
		return 0
	}
	return own.Context.Digest()
}

// replaceAway has fallbacks keep the changes of an op for the owners that cannot be reached. Where there are too few
// fallbacks the last keeps them for several.
func (o *op) replaceAway(hintings []*hinting) []*hinting {
	var chosen []ring.NodeID
	var owed [][]ring.NodeID
	covered := o.StandsFor == nil // this node itself stands in for the first
	for _, owner := range o.owners() {
		if owner == o.b.c.Self || o.b.isUp(owner) {
			continue
		}
		if !covered {
			covered = true
			continue
		}
		if id := o.nextSpare(); id != "" {
			chosen, owed = append(chosen, id), append(owed, []ring.NodeID{owner})
		} else if last := len(owed) - 1; last >= 0 {
			owed[last] = append(owed[last], owner)
		}
	}
	for i, id := range chosen {
		hintings = o.addHint(hintings, id, owed[i])
	}
	return hintings
}

// replace has the next fallback keep the changes of an op for owners. mu is held.
func (o *op) replace(hintings []*hinting, owners []ring.NodeID) []*hinting {
	if id := o.nextSpare(); id != "" {
		return o.addHint(hintings, id, owners)
	}
	return hintings
}

// nextSpare is the next fallback that can be reached, empty when there is none or enough have been used.
func (o *op) nextSpare() ring.NodeID {
	for o.spare < len(o.fallbacks) && o.spent < 2*len(o.primaries) {
		id := o.fallbacks[o.spare]
		o.spare++
		if id != o.b.c.Self && o.b.isUp(id) && !slices.Contains(o.future, id) {
			o.spent++
			return id
		}
	}
	return ""
}

// addHint adds the changes of an op to the request to a fallback.
func (o *op) addHint(hintings []*hinting, id ring.NodeID, owners []ring.NodeID) []*hinting {
	i := slices.IndexFunc(hintings, func(h *hinting) bool { return h.peer == id })
	if i < 0 {
		i = len(hintings)
		hintings = append(hintings, &hinting{b: o.b, peer: id})
		o.b.hintings = append(o.b.hintings, hintings[i])
	}
	h := hintings[i]
	item := hintingItem{op: o, owners: owners, changes: len(o.Changes)}
	for _, owner := range owners {
		item.now = item.now || slices.Contains(o.primaries, owner)
		item.coming = item.coming || slices.Contains(o.future, owner)
	}
	for j := range o.Changes {
		h.payload = appendHintItem(h.payload, o.Changes[j].Key, owners, o.Changes[j].Encoding())
	}
	h.items = append(h.items, item)
	h.changes += item.changes
	if item.now {
		o.tally.Asked()
	}
	if item.coming {
		o.coming.Asked()
	}
	return hintings
}

// hint sends hintings.
func (b *batch) hint(hintings []*hinting) {
	b.refs.Add(int32(len(hintings)))
	for _, h := range hintings {
		b.c.outbox.post(h.peer, KindHint, h.payload, h.changes, h)
	}
}

// received takes a fallback's answer, or its absence.
func (h *hinting) received(r *reader, err error) {
	b := h.b
	b.mu.Lock()
	h.answered = true
	last := false
	var hintings []*hinting
	for _, item := range h.items {
		kept := err == nil
		for i := 0; i < item.changes && err == nil; i++ {
			kept = r.byte() == replicaHas && kept
		}
		o := item.op
		if o.finished {
			continue
		}
		if !kept && !h.replaced && b.mayReplace() {
			hintings = o.replace(hintings, item.owners)
		}
		if item.now {
			o.tally.Count(kept)
		}
		if item.coming {
			o.coming.Count(kept)
		}
		if o.decide(); o.finished && b.decided() {
			last = true
		}
	}
	b.mu.Unlock()
	b.hint(hintings)
	if last {
		b.finish()
	}
	b.unref()
}

// mayReplace reports whether there is still time for a fallback to confirm. It bounds how old what arrives there can be.
func (b *batch) mayReplace() bool {
	return !b.begun.IsZero() && time.Since(b.begun) < b.settings.Timeout/2
}

// replaceLate has the next fallbacks keep what nodes have not confirmed that open commands wait for. mu is held.
func (b *batch) replaceLate() (hintings []*hinting) {
	if !b.mayReplace() || time.Now().Before(b.lateAt) {
		return nil
	}
	for _, h := range slices.Clone(b.hintings) {
		if h.answered || h.replaced {
			continue
		}
		h.replaced = true
		for _, item := range h.items {
			if !item.op.finished {
				hintings = item.op.replace(hintings, item.owners)
			}
		}
	}
	for _, d := range b.deliveries.all[:b.deliveries.used] {
		if d.answered || d.replaced {
			continue
		}
		d.replaced = true
		for i, item := range d.items {
			if i+1 < len(d.items) && d.items[i+1].op == item.op {
				continue
			}
			if !item.op.finished {
				hintings = item.op.replace(hintings, []ring.NodeID{d.peer})
			}
		}
	}
	return hintings
}
