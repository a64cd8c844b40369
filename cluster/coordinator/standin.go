package coordinator

import (
	"errors"
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
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
	ring    uint64 // the version that it goes by
	message message
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

// candidate is the i-th node that can be asked for what it holds: first the primaries that answer, then the others, then
// fallbacks. ok is false when it is none: this node itself, one that cannot be reached, or one whose turn is another.
func (o *op) candidate(i int) (id ring.NodeID, standIn, ok bool) {
	n := len(o.primaries)
	if i < 2*n {
		id = o.primaries[i%n]
	} else {
		id, standIn = o.fallbacks[i-2*n], true
	}
	if id == o.b.c.Self {
		return id, standIn, false
	}
	peer := o.b.peer(id)
	return id, standIn, peer.up && (standIn || peer.silent == (i >= n))
}

// canAsk reports whether there may be more nodes to ask. No more fallbacks are asked than there are primaries.
func (o *op) canAsk() bool {
	n := len(o.primaries)
	return o.next < 2*n || o.next < 2*n+len(o.fallbacks) && o.asked < n
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
	wholes := make([][]byte, len(o.Changes))
	for j := range o.Changes {
		if wholes[j] = o.b.c.hintOf(&o.Changes[j]); wholes[j] == nil {
			return hintings
		}
	}
	version := o.table.Version()
	i := slices.IndexFunc(hintings, func(h *hinting) bool { return h.peer == id && h.ring == version })
	if i < 0 {
		i = len(hintings)
		hintings = append(hintings, &hinting{b: o.b, peer: id, ring: version})
		o.b.hintings = append(o.b.hintings, hintings[i])
	}
	h := hintings[i]
	item := hintingItem{op: o, owners: owners, changes: len(o.Changes)}
	for _, owner := range owners {
		item.now = item.now || slices.Contains(o.primaries, owner)
		item.coming = item.coming || slices.Contains(o.future, owner)
	}
	for j := range o.Changes {
		h.message.hint(o.Changes[j].Key, owners, wholes[j])
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

// maxHinted bounds the cells, in bytes, of a collection in rows of which there are hints. A hint is a whole object, and each
// write of a large one would move all of it.
const maxHinted = 1 << 20

// hintOf is the object that a hint of a change holds, nil for one that is too large.
func (c *Coordinator) hintOf(change *engine.Change) []byte {
	encoding, ok := change.Encoding()
	if !ok {
		var err error
		if encoding, err = c.Store.WholeEncodingWithin(change.Key, maxHinted); err != nil {
			return nil
		}
	}
	return encoding
}

// hint sends hintings.
func (b *batch) hint(hintings []*hinting) {
	b.ref(int32(len(hintings)))
	for _, h := range hintings {
		b.c.outbox.post(h.peer, KindHint, h.ring, &h.message, h.changes, h)
	}
}

// received takes a fallback's answer, or its absence.
func (h *hinting) received(r *reader, err error) {
	b := h.b
	b.mu.Lock()
	h.answered = true
	last := false
	var hintings []*hinting
	var renewed []*delivery
	anew := errors.Is(err, errOtherRing) && b.mayReplace()
	for _, item := range h.items {
		kept := err == nil
		for i := 0; i < item.changes && err == nil; i++ {
			kept = r.byte() == replicaHas && kept
		}
		o := item.op
		if o.finished || o.table.Version() != h.ring || anew && o.outdated() {
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
	if anew && !last {
		renewed, hintings, last = b.renew(hintings)
	}
	b.ref(int32(len(renewed)))
	b.mu.Unlock()
	b.hint(hintings)
	b.deliver(renewed)
	if last {
		b.finish()
	}
	b.unref()
}

// flows reports whether large changes are still on their way to some store. None of them is late then, nor before as much time has
// passed again. mu is held.
func (b *batch) flows() bool {
	if b.arrival == 0 {
		return false
	}
	peers := b.c.Peers
	flows := slices.ContainsFunc(b.deliveries.all[:b.deliveries.used], func(d *delivery) bool {
		return !d.answered && d.message.size() > transport.Short && peers.Sending(string(d.peer))
	}) || slices.ContainsFunc(b.hintings, func(h *hinting) bool {
		return !h.answered && h.message.size() > transport.Short && peers.Sending(string(h.peer))
	})
	if flows {
		b.arrival = max(b.arrival, time.Since(b.begun))
		b.lateAt = time.Now().Add(b.arrival)
	}
	return flows
}

// mayReplace reports whether there is still time for a fallback to confirm. It bounds how old what arrives there can be; for large
// changes, of which the transport knows that they have been under way for long, it does not.
func (b *batch) mayReplace() bool {
	return !b.begun.IsZero() && b.c.mayRepeat(b.begun.Add(b.arrival))
}

func (h *hinting) brings(slots map[object.Slot]struct{}) {
	for i := range h.items {
		slots[h.items[i].op.Slot] = struct{}{}
	}
}

// follows is false: hints are whole objects.
func (h *hinting) follows(map[object.Slot]struct{}) bool { return false }

// replaceLate has the next fallbacks keep what nodes have not confirmed that open commands wait for. mu is held.
func (b *batch) replaceLate() (hintings []*hinting) {
	if b.lateAt.IsZero() || time.Now().Before(b.lateAt) || b.flows() || !b.mayReplace() {
		return nil
	}
	for _, h := range slices.Clone(b.hintings) {
		if h.answered || h.replaced {
			continue
		}
		h.replaced = true
		for _, item := range h.items {
			if !item.op.finished && item.op.table.Version() == h.ring {
				hintings = item.op.replace(hintings, item.owners)
			}
		}
	}
	for _, d := range b.deliveries.all[:b.deliveries.used] {
		if d.answered || d.replaced {
			continue
		}
		d.replaced = true
		b.c.Peers.Suspect(string(d.peer), b.patience(d.peer))
		for i, item := range d.items {
			if i+1 < len(d.items) && d.items[i+1].op == item.op {
				continue
			}
			if !item.op.finished && item.op.table.Version() == d.ring {
				hintings = item.op.replace(hintings, []ring.NodeID{d.peer})
			}
		}
	}
	return hintings
}
