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
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// A node that gains slots by a change of the ring is filled before it is read from. From the moment a coordinator knows of
// the change, it gets every write of its future slots; what was written before, it fetches from the slots' present
// primaries. Those answer only when they have known of the change for as long as a command may take, so no write falls
// between the two.
//
// The first primary of a slot is fetched from page by page. What the others have beyond that, trees tell; and so they do
// after a restart, which thus goes on where it was.
const kindFill uint8 = 20

// fillPause is how long a node waits before it asks again.
const fillPause = 100 * time.Millisecond

// errNotYet says that a primary has not known of the change for long enough.
var errNotYet = errors.New("not yet")

// filling is a node's part in one change of the ring.
type filling struct {
	id     uint64 // of the change; 0 for one that lost its store
	done   map[ring.NodeID]*engine.SlotSet
	cursor map[ring.NodeID]uint64 // where the pages of a primary go on
	// blank are the slots that this node held nothing of and that have not come page by page yet; nil before it looked.
	blank  *engine.SlotSet
	filled bool
	given  bool // others cover what this node gives away
}

func newFilling(id uint64) *filling {
	return &filling{id: id, done: map[ring.NodeID]*engine.SlotSet{}, cursor: map[ring.NodeID]uint64{}}
}

// add notes that slots have been fetched from a primary.
func (f *filling) add(id ring.NodeID, set *engine.SlotSet) {
	if f.done[id] == nil {
		f.done[id] = &engine.SlotSet{}
	}
	unite(f.done[id], set)
}

// Joining reports whether this node has yet to become a member.
func (n *Node) Joining() bool {
	r, ok := n.record(n.self)
	return ok && r.State == ring.Joining
}

// fillLoop does this node's part in every change of the ring, until it stops.
func (n *Node) fillLoop(founder bool) {
	f := &filling{}
	for n.ctx.Err() == nil {
		news := n.news()
		table := n.Ring()
		if !table.Changing() || table.Settling() || f.id != table.ChangeID() {
			n.transfers.reset()
			f = newFilling(table.ChangeID())
		}
		pause := time.Hour
		if r, ok := n.record(n.self); ok && r.State == ring.Removed {
			n.depart(r)
			return
		}
		switch {
		case n.Joining() && !n.hasMember():
			pause = fillPause
			if n.mayBegin(founder) {
				n.logger.Info("no member is known, this node begins the cluster")
				n.becomeMember()
			}
		case table.Settling() && !n.yield(table), table.Changing() && !table.Settling() && !n.doPart(f, table):
			pause = fillPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-news:
		case <-n.ctx.Done():
		}
		timer.Stop()
	}
}

// doPart goes on with this node's part in a change. It reports whether there is nothing left to do.
func (n *Node) doPart(f *filling, table *ring.Table) bool {
	gains := gainsOf(table)
	mine, leaving := gains[n.self], n.takesPart(table, ring.Leaving)
	if mine == nil && !leaving {
		return true
	}
	if !f.filled && mine != nil && !n.fill(f, table, mine) {
		return false
	}
	f.filled = true
	if leaving && !f.given {
		if !n.ready(table, gains) || n.store.HintStats().Keys > 0 || !n.give(table, table.Next) {
			return false
		}
		f.given = true
	}
	if n.Ring() != table {
		return false
	}
	if r, _ := n.record(n.self); r.Ready == f.id {
		return true
	}
	if n.Joining() && n.filled() != nil {
		return false // the store has failed
	}
	return n.sayReady(f.id) == nil
}

// sayReady tells the others that this node has done its part in a change. Who joins is whole by then.
func (n *Node) sayReady(change uint64) error {
	return n.membership.Set(n.self, func(r membership.Record) membership.Record {
		r.Ready, r.Lacks = change, r.Lacks && r.State != ring.Joining
		return r
	})
}

// pages are those of some slots that a primary is to be fetched from page by page: none that another has been. What is before its cursor
// is compared, should it still be among the slots.
func (f *filling) pages(store *engine.Store, id ring.NodeID, set *engine.SlotSet) *engine.SlotSet {
	if f.blank == nil {
		f.blank = &engine.SlotSet{}
		for slot := range object.Slot(object.Slots) {
			if store.Tree(slot) == (merkle.Tree{}) {
				f.blank.Add(slot)
			}
		}
	}
	out := &engine.SlotSet{}
	for slot := placeOf(f.cursor[id]).Slot; slot < object.Slots; slot++ {
		if set.Has(slot) && f.blank.Has(slot) {
			out.Add(slot)
		}
	}
	return out
}

// came notes which of the pages have come: those before the cursor of the primary.
func (f *filling) came(id ring.NodeID, pages *engine.SlotSet) {
	for slot := range min(placeOf(f.cursor[id]).Slot, object.Slots) {
		if pages.Has(slot) {
			f.blank[slot/64] &^= 1 << (slot % 64)
		}
	}
}

// gainsOf are the slots that each node gains by the change under way.
func gainsOf(table *ring.Table) map[ring.NodeID]*engine.SlotSet {
	out := map[ring.NodeID]*engine.SlotSet{}
	for slot := range object.Slot(object.Slots) {
		for _, id := range table.Pending(slot) {
			if out[id] == nil {
				out[id] = &engine.SlotSet{}
			}
			out[id].Add(slot)
		}
	}
	return out
}

// takesPart reports whether this node is part of the change under way in a state.
func (n *Node) takesPart(table *ring.Table, state ring.State) bool {
	i, ok := table.Index(n.self)
	return ok && table.Nodes()[i].State == state && table.Takes(&table.Nodes()[i])
}

// give has the owners of slots cover all that this node holds.
func (n *Node) give(table *ring.Table, owners func(object.Slot) []ring.NodeID) bool {
	var held []object.Slot
	for slot := range object.Slot(object.Slots) {
		if n.store.Tree(slot) != (merkle.Tree{}) {
			held = append(held, slot)
		}
	}
	for len(held) > 0 {
		some := held[:min(len(held), dropSlots)]
		if failed := n.cover(table, some, owners); *failed != (engine.SlotSet{}) {
			return false
		}
		held = held[len(some):]
	}
	return true
}

// yield has others cover what a leaving node holds once more, now that nobody takes what it confirms from here on for a copy that
// stays: coordinators and holders of hints have the ring in which it is a primary no longer, or are refused. It reports whether
// there is nothing left to do.
func (n *Node) yield(table *ring.Table) bool {
	if !n.takesPart(table, ring.Leaving) || n.yielded.Load() == table.Version() {
		return true
	}
	if n.store.HintStats().Keys > 0 || !n.give(table, func(slot object.Slot) []ring.NodeID { return lasting(table, slot) }) {
		return false
	}
	if r, _ := n.record(n.self); r.Ready != table.ChangeID() && n.sayReady(table.ChangeID()) != nil { // it has got a new store since
		return false
	}
	n.yielded.Store(table.Version())
	return true
}

// lasting are the primaries of a slot without those that are gone for good: their removal waits for the change that is settling, and
// that must not wait for them. When all are gone it does.
func lasting(table *ring.Table, slot object.Slot) []ring.NodeID {
	gone := goneOf(table)
	some := slices.DeleteFunc(slices.Clone(table.Primaries(slot)), func(id ring.NodeID) bool { return slices.Contains(gone, id) })
	if len(some) == 0 {
		return table.Primaries(slot)
	}
	return some
}

// fill fetches what this node gains. It reports whether that is done.
func (n *Node) fill(f *filling, table *ring.Table, mine *engine.SlotSet) bool {
	sources := n.sources(f, table, mine)
	down := 0
	for id, set := range sources {
		if !n.transport.Up(string(id)) || n.isLacking(id) {
			down++
		} else if n.fillFrom(f, table, id, set) {
			f.add(id, set)
			delete(sources, id)
		}
	}
	// What W stores acknowledged is on one of the others, as long as fewer than W are missing.
	if len(sources) == down && down > 0 && n.hasOthers(table, down) {
		n.logger.Warn("filled without all primaries", "unreachable", down)
		return true
	}
	return len(sources) == 0
}

// sources are the primaries that this node has yet to fetch from, with the slots. Who is gone for good is none.
func (n *Node) sources(f *filling, table *ring.Table, mine *engine.SlotSet) map[ring.NodeID]*engine.SlotSet {
	out := map[ring.NodeID]*engine.SlotSet{}
	gone := goneOf(table)
	for slot := range object.Slot(object.Slots) {
		if !mine.Has(slot) {
			continue
		}
		for _, id := range table.Primaries(slot) {
			if have := f.done[id]; have != nil && have.Has(slot) || slices.Contains(gone, id) {
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

// goneOf are the nodes that are being removed.
func goneOf(table *ring.Table) (out []ring.NodeID) {
	for _, node := range table.Nodes() {
		if node.State == ring.Removing {
			out = append(out, node.ID)
		}
	}
	return out
}

// hasMember reports whether any node holds the data now.
func (n *Node) hasMember() bool { return len(n.Ring().Primaries(0)) > 0 }

// hasOthers reports whether so few primaries are missing that the rest has every acknowledged write.
func (n *Node) hasOthers(table *ring.Table, down int) bool {
	primaries := len(table.Primaries(0))
	missing := down + len(goneOf(table))
	return missing < int(n.settings().Quorum.Within(primaries).W) && missing < primaries
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
			r.Carry(ring.Done)
			r.Lacks = false
			return r
		})
	}
	if err != nil {
		n.logger.Error("this node could not become a member", "error", err)
	}
}

// fillFrom fetches all objects of the slots from a primary. It reports whether it got them all.
func (n *Node) fillFrom(f *filling, table *ring.Table, id ring.NodeID, set *engine.SlotSet) bool {
	pages := f.pages(n.store, id, set)
	n.transfers.begin(id, set, pages)
	err := n.fetchPages(f, id, pages)
	f.came(id, pages)
	if err == nil {
		rest := *set
		for i := range rest {
			rest[i] &^= pages[i]
		}
		err = n.handoff.Fetch(n.ctx, id, &rest)
	}
	if err != nil && !errors.Is(err, errNotYet) {
		n.logger.Warn("filling from a primary failed, it is tried again", "peer", id, "error", err)
	}
	if err == nil {
		n.transfers.finish(id)
	}
	return err == nil && n.Ring().ChangeID() == table.ChangeID()
}

// fetchPages fetches the objects of slots that this node holds nothing of. While a page is merged the next is on its way. That is asked
// for when the one before is paid for, so that no page waits here for the rate: what it holds could be reaped everywhere meanwhile.
func (n *Node) fetchPages(f *filling, id ring.NodeID, set *engine.SlotSet) error {
	asked := n.askPage(f.id, id, set, f.cursor[id])
	for {
		page, err := n.answer(asked)
		if err != nil {
			return err
		}
		cursor := f.cursor[id]
		next, items, err := handoff.DecodePage(page)
		if err == nil && next <= cursor && cursor < endCursor {
			err = coordinator.ErrMalformed
		}
		if err != nil {
			return err
		}
		merged := make(chan error, 1)
		n.running.Go(func() { merged <- n.takePage(f, id, max(next, cursor), items, len(page)) })
		paid := n.handoff.Spend(n.ctx, len(page))
		if next < endCursor && paid == nil {
			asked = n.askPage(f.id, id, set, next)
		}
		if err := <-merged; err != nil {
			return err
		}
		if paid != nil || f.cursor[id] >= endCursor {
			return paid
		}
	}
}

// takePage merges a page and notes where the next begins.
func (n *Node) takePage(f *filling, id ring.NodeID, next uint64, items []*handoff.Item, size int) error {
	if err := handoff.Merge(n.store, items); err != nil {
		return err
	}
	f.cursor[id] = next
	n.transfers.took(id, placeOf(next).Slot, len(items), size)
	mutant.Reach(mutant.AmidHandoff, uint64(n.store.Node()))
	return nil
}

func (n *Node) askPage(change uint64, id ring.NodeID, set *engine.SlotSet, cursor uint64) <-chan transport.Reply {
	payload := binary.BigEndian.AppendUint64(appendSlots(nil, set), cursor)
	payload = binary.BigEndian.AppendUint64(payload, change)
	return n.send(id, kindFill, payload, 5*n.settings().Timeout)
}

// ask sends a request to a peer and waits for the answer.
func (n *Node) ask(id ring.NodeID, kind uint8, payload []byte, timeout time.Duration) ([]byte, error) {
	return n.answer(n.send(id, kind, payload, timeout))
}

// send sends a request to a peer. The answer may be left unread.
func (n *Node) send(id ring.NodeID, kind uint8, payload []byte, timeout time.Duration) <-chan transport.Reply {
	replies := make(chan transport.Reply, 1)
	n.transport.Call(string(id), kind, payload, timeout, func(r transport.Reply) { replies <- r })
	return replies
}

// answer waits for the answer to a request.
func (n *Node) answer(replies <-chan transport.Reply) ([]byte, error) {
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
func (n *Node) serveFill(payload []byte) ([]byte, error) {
	set, rest, err := takeSlots(payload)
	if err != nil || len(rest) != 16 {
		return nil, coordinator.ErrMalformed
	}
	if n.lacks.Load() || !n.knowsLongEnough(binary.BigEndian.Uint64(rest[8:])) {
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

// knowsLongEnough reports whether a change is under way here, and every command that began before this node knew of it has
// ended. Who is filled again, for it lost its store, was a primary all along.
func (n *Node) knowsLongEnough(change uint64) bool {
	if change == 0 {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	table := n.Ring()
	return table.Changing() && !table.Settling() && table.ChangeID() == change && time.Since(n.changing) >= n.settings().Timeout
}
