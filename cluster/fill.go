package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/handoff"
	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// A node that joins is filled before it is read from. From the moment a coordinator knows of it, it gets every write of
// its future slots; what was written before, it fetches from the slots' present primaries. Those answer only when
// they have known of it for as long as a command may take, so no write falls between the two.
const kindFill uint8 = 20

// fillPause is how long a joining node waits before it asks again.
const fillPause = 100 * time.Millisecond

// errNotYet says that a primary has not known the joining node for long enough.
var errNotYet = errors.New("not yet")

// Joining reports whether this node is still being filled.
func (n *Node) Joining() bool {
	t := n.Ring()
	i, ok := t.Index(n.self)
	return ok && t.Nodes()[i].State == ring.Joining
}

// fill brings a joining node to membership. It ends when the node is a member or stops.
func (n *Node) fill(founder bool) {
	done := map[ring.NodeID]*engine.SlotSet{}
	for n.Joining() && n.ctx.Err() == nil {
		sources := n.sources(done)
		switch {
		case len(sources) == 0 && n.mayBegin(founder):
			n.logger.Info("no member is known, this node begins the cluster")
			n.becomeMember()
			return
		case len(sources) == 0 && n.hasMember():
			n.becomeMember()
			return
		}
		down := 0
		for id, set := range sources {
			if !n.transport.Up(string(id)) {
				down++
			} else if n.fillFrom(id, set) {
				addAll(done, id, set)
				delete(sources, id)
			}
		}
		// What W stores acknowledged is on one of the others, as long as fewer than W are missing.
		if len(sources) == down && down > 0 && n.hasOthers(down) && n.Joining() {
			n.logger.Warn("filled without all primaries", "unreachable", down)
			n.becomeMember()
			return
		}
		select {
		case <-time.After(fillPause):
		case <-n.ctx.Done():
		}
	}
}

// sources are the primaries that this node has yet to fetch from, with the slots.
func (n *Node) sources(done map[ring.NodeID]*engine.SlotSet) map[ring.NodeID]*engine.SlotSet {
	t := n.Ring()
	out := map[ring.NodeID]*engine.SlotSet{}
	for slot := range object.Slot(object.Slots) {
		if !slices.Contains(t.Next(slot), n.self) {
			continue
		}
		for _, id := range t.Primaries(slot) {
			if have := done[id]; id == n.self || have != nil && have.Has(slot) {
				continue // itself: others know it as a member, see refill.go
			}
			if out[id] == nil {
				out[id] = &engine.SlotSet{}
			}
			out[id].Add(slot)
		}
	}
	return out
}

func addAll(done map[ring.NodeID]*engine.SlotSet, id ring.NodeID, set *engine.SlotSet) {
	if done[id] == nil {
		done[id] = &engine.SlotSet{}
	}
	for i := range set {
		done[id][i] |= set[i]
	}
}

// hasMember reports whether any node holds the data now.
func (n *Node) hasMember() bool { return len(n.Ring().Primaries(0)) > 0 }

// hasOthers reports whether so few members are down that the rest has every acknowledged write.
func (n *Node) hasOthers(down int) bool {
	primaries := len(n.Ring().Primaries(0))
	w := int(n.settings().Quorum.Within(primaries).W)
	return down < w && down < primaries
}

// mayBegin reports whether this node is to begin the cluster: nobody is a member yet, it is the first by id of those that
// join, and it was told of itself as a seed.
func (n *Node) mayBegin(founder bool) bool {
	return founder && !n.hasMember() && n.Ring().Nodes()[0].ID == n.self && n.membership.Joined()
}

func (n *Node) becomeMember() {
	err := n.filled()
	if err == nil {
		err = n.membership.Set(n.self, func(r membership.Record) membership.Record {
			r.State, r.Lacks = ring.Member, false
			return r
		})
	}
	if err != nil {
		n.logger.Error("this node could not become a member", "error", err)
		return
	}
	n.logger.Info("this node is a member now")
}

// fillFrom fetches all objects of the slots from a primary. It reports whether it got them all.
func (n *Node) fillFrom(id ring.NodeID, set *engine.SlotSet) bool {
	for cursor := uint64(0); cursor < endCursor; {
		page, err := n.fetch(id, set, cursor)
		if err != nil {
			if !errors.Is(err, errNotYet) {
				n.logger.Warn("filling from a primary failed, it is tried again", "peer", id, "error", err)
			}
			return false
		}
		next, items, err := handoff.DecodePage(page)
		if err == nil {
			err = handoff.Merge(n.store, items)
		}
		if err != nil || next <= cursor {
			n.logger.Error("a page of objects was refused", "peer", id, "error", err)
			return false
		}
		cursor = next
		mutant.Reach(mutant.AmidHandoff, uint64(n.store.Node()))
	}
	return true
}

func (n *Node) fetch(id ring.NodeID, set *engine.SlotSet, cursor uint64) ([]byte, error) {
	payload := binary.BigEndian.AppendUint64(appendSlots(nil, set), cursor)
	replies := make(chan transport.Reply, 1)
	n.transport.Call(string(id), kindFill, payload, 5*n.settings().Timeout, func(r transport.Reply) { replies <- r })
	select {
	case r := <-replies:
		switch {
		case r.Err != nil:
			return nil, r.Err
		case r.Status != coordinator.StatusOK && string(r.Payload) == errNotYet.Error():
			return nil, errNotYet
		case r.Status != coordinator.StatusOK:
			return nil, errors.New(string(r.Payload))
		}
		return r.Payload, nil
	case <-n.ctx.Done():
		return nil, ErrClosed
	}
}

// serveFill answers with the objects of some slots from a cursor on, up to a page.
func (n *Node) serveFill(from string, payload []byte) ([]byte, error) {
	set, rest, err := takeSlots(payload)
	if err != nil || len(rest) != 8 {
		return nil, coordinator.ErrMalformed
	}
	if n.lacks.Load() || !n.knowsLongEnough(ring.NodeID(from)) {
		return nil, errNotYet
	}
	cursor := binary.BigEndian.Uint64(rest)
	page := handoff.NewPage(endCursor)
	err = n.store.Scan(set, placeOf(cursor), func(p engine.Place, key object.Key, o *object.Object) bool {
		return page.Add(cursorOf(p), key, o)
	})
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return page.Bytes(), nil
}

// knowsLongEnough reports whether every command that began before this node knew of the other has ended.
func (n *Node) knowsLongEnough(id ring.NodeID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	since, ok := n.known[id]
	return ok && time.Since(since) >= n.settings().Timeout
}
