package cluster

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// A member can come back with a store that knows nothing of what it acknowledged: the old one was broken and set aside, or
// its disk is gone. The others know it as a member, and what it does not find would count as an answer. So a store is taken
// to be whole only when it says so: a fact beside the data that a node writes when it has become a member. Until then the
// node lacks data:
//
//   - it takes writes as a replica, and they count;
//   - it answers no digests and no scans, and coordinates nothing;
//   - its record says so, and the others look for another coordinator at once;
//   - it fetches all objects of its slots from their other primaries, and then is whole.
//
// A write that W stores acknowledged, one of them this node's old one, is on another of them: so a read of R others sees it
// as before.

// metaWhole is the fact that a store has all that its node should hold.
const metaWhole = "whole"

// errLacks says that this node cannot tell what there is.
var errLacks = errors.New("this node has lost its store and is being filled again")

// findLacking finds out whether the store is whole. That of a node that begins as a member, without others to learn from, is.
func (n *Node) findLacking(self *membership.Record) error {
	whole, err := n.store.LoadMeta(metaWhole)
	if err != nil || whole != nil {
		return err
	}
	if self.State == ring.Member {
		return n.store.SaveMeta(metaWhole, []byte{1})
	}
	self.Lacks = true
	n.lacks.Store(true)
	return nil
}

// filled notes that the store is whole.
func (n *Node) filled() error {
	if err := n.store.SaveMeta(metaWhole, []byte{1}); err != nil {
		return fmt.Errorf("note that the store is whole: %w", err)
	}
	n.lacks.Store(false)
	return nil
}

// refill fills the store of a member that lost an earlier one. It ends when the store is whole or the node stops.
func (n *Node) refill() {
	done := map[ring.NodeID]*engine.SlotSet{}
	for told := false; n.lacks.Load() && n.ctx.Err() == nil; {
		if n.isMember() {
			if !told {
				n.logger.Warn("this node is a member and its store is new: it takes writes, and is read from when it is filled again")
				told = true
			}
			if n.refillFrom(done) {
				n.becomeWhole()
				return
			}
		}
		select {
		case <-time.After(fillPause):
		case <-n.ctx.Done():
		}
	}
}

func (n *Node) isMember() bool {
	t := n.Ring()
	i, ok := t.Index(n.self)
	return ok && t.Nodes()[i].State != ring.Joining
}

// refillFrom fetches from the primaries that have not been fetched from. It reports whether all is here that can be had:
// everything, or all that W stores acknowledged. A node that lacks data itself has nothing older to give; when only such are
// left, nothing more can come.
func (n *Node) refillFrom(done map[ring.NodeID]*engine.SlotSet) bool {
	sources := n.others(done)
	down, lacking := 0, 0
	for id, set := range sources {
		switch {
		case n.isLacking(id):
			lacking++
		case !n.transport.Up(string(id)):
			down++
		case n.fillFrom(id, set):
			addAll(done, id, set)
			delete(sources, id)
		}
	}
	if len(sources) > down+lacking {
		return false
	}
	return down == 0 || n.hasOthers(1+down+lacking)
}

// others are the primaries of this node's slots that have yet to be fetched from, with the slots.
func (n *Node) others(done map[ring.NodeID]*engine.SlotSet) map[ring.NodeID]*engine.SlotSet {
	t := n.Ring()
	out := map[ring.NodeID]*engine.SlotSet{}
	for slot := range object.Slot(object.Slots) {
		primaries := t.Primaries(slot)
		if !slices.Contains(primaries, n.self) {
			continue
		}
		for _, id := range primaries {
			if have := done[id]; id == n.self || have != nil && have.Has(slot) {
				continue
			}
			if out[id] == nil {
				out[id] = &engine.SlotSet{}
			}
			out[id].Add(slot)
		}
	}
	return out
}

// becomeWhole tells the others that this node can be read from.
func (n *Node) becomeWhole() {
	err := n.filled()
	if err == nil {
		err = n.membership.Set(n.self, func(r membership.Record) membership.Record {
			r.Lacks = false
			return r
		})
	}
	if err != nil {
		n.logger.Error("this node is filled and could not say so", "error", err)
		return
	}
	n.logger.Info("this node is filled again")
}

// isLacking reports whether a node's record says that its store lacks data.
func (n *Node) isLacking(id ring.NodeID) bool {
	lacking := n.lacking.Load()
	return lacking != nil && (*lacking)[id]
}
