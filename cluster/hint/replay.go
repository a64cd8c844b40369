package hint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/pace"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

var (
	// errGone says that the owner was lost, or did not answer in time.
	errGone = errors.New("the owner does not answer")
	// errRefused says that a node answered and did not take what it was sent.
	errRefused = errors.New("refused")
	// errOtherRing says that a node answered by another ring than this node has.
	errOtherRing = errors.New("the owner has another ring")
	// errTooFew says that an old hint must stay: too few other primaries have confirmed what it holds.
	errTooFew = errors.New("too few other primaries can be reached to let old hints go")
)

// letter is some hints on their way to a node.
type letter struct {
	ring    uint64 // the version by which the node is to have them
	items   []item
	payload []byte
}

// item is one hint as it was sent.
type item struct {
	key      object.Key
	digest   causal.Digest
	from, to int // where the letter has it
}

func (l *letter) add(h *engine.HintRow) {
	from := len(l.payload)
	l.payload = coordinator.AppendObject(l.payload, h.Key, h.Encoding)
	l.items = append(l.items, item{h.Key, h.Digest, from, len(l.payload)})
}

// full reports whether a letter of so many hints takes no more.
func (l *letter) full(most int) bool { return len(l.items) >= most || len(l.payload) >= bytesAtOnce }

// share is what is to be done about the next hints of an owner.
type share struct {
	present letter       // for the owner
	moved   []object.Key // it is no primary of their slots any more, or it is this node itself
	aged    letter       // it is away, and they are old
}

// replay goes once through the hints of an owner. What fails is passed by, but for the loss of the owner.
func (r *Replayer) replay(ctx context.Context, id engine.Owner) (failed error) {
	var place engine.HintPlace
	var g gait
	for more := true; more; {
		if err := r.pace.Wait(ctx); err != nil {
			return err
		}
		began := time.Now()
		var s share
		var err error
		if place, err = r.gather(id, place, g.letter(), &s); err != nil {
			return err
		}
		more = place != nil
		r.pass(id, s.moved)
		if err := r.deliver(ctx, id, &s.present); err != nil {
			if failed = err; errors.Is(err, errGone) {
				return err
			}
		}
		if err := r.letGo(ctx, id, &s.aged); err != nil {
			failed = err
		}
		if rest := g.took(time.Since(began), r.o.Settings().Rate); more {
			if err := pace.Sleep(ctx, rest); err != nil {
				return err
			}
		}
	}
	return failed
}

// gather reads the next hints of an owner, most of them at most.
func (r *Replayer) gather(id engine.Owner, from engine.HintPlace, most int, s *share) (next engine.HintPlace, err error) {
	table, up := r.o.Ring(), r.o.Peers.Up(string(id))
	s.present.ring = table.Version()
	old := r.o.Now().Add(-r.o.Settings().MaxAge).UnixMilli()
	looked := 0
	return r.o.Store.ScanHints(id, from, func(h *engine.HintRow) bool {
		looked++
		since := sinceOf(h, id)
		slot := h.Key.Slot()
		switch {
		case mutant.SkipsHintsOfEarlierRuns && since < r.begun:
		case ring.NodeID(id) == r.o.Self, !isPrimary(table, slot, ring.NodeID(id)) && len(table.Primaries(slot)) > 0:
			s.moved = append(s.moved, h.Key)
		case up:
			s.present.add(h)
		case since <= old:
			s.aged.add(h)
		}
		return !s.present.full(most) && !s.aged.full(most) && len(s.moved) < most && looked < 16*most
	})
}

func sinceOf(h *engine.HintRow, id engine.Owner) int64 {
	i := slices.IndexFunc(h.Debts, func(d engine.Debt) bool { return d.Owner == id })
	return h.Debts[i].Since
}

// isPrimary reports whether the node holds the slot, or will. One that is about to give it up, and has handed over what it held, is
// none: what it got now would go with it. Nor is one that is being removed: it never answers, and its removal may wait for a node
// that leaves, and cannot before it has delivered its hints.
func isPrimary(t *ring.Table, slot object.Slot, id ring.NodeID) bool {
	if i, ok := t.Index(id); ok && t.Nodes()[i].State == ring.Removing {
		return false
	}
	return slices.Contains(t.Primaries(slot), id) || !t.Settling() && slices.Contains(t.Next(slot), id)
}

// deliver sends hints to their owner, and strikes it off those that it confirms.
func (r *Replayer) deliver(ctx context.Context, id engine.Owner, l *letter) error {
	if len(l.items) == 0 {
		return nil
	}
	if mutant.DropsHintsUnconfirmed {
		r.strike(id, l.items)
	}
	has, err := r.send(ctx, ring.NodeID(id), l)
	if err != nil {
		return err
	}
	var confirmed []item
	for i := range l.items {
		if has[i] {
			confirmed = append(confirmed, l.items[i])
		}
	}
	r.stats.replayed.Add(uint64(r.strike(id, confirmed)))
	if refused := len(l.items) - len(confirmed); refused > 0 {
		return fmt.Errorf("%w: %d hints", errRefused, refused)
	}
	return nil
}

// send sends objects to a node as merges, and returns which of them it has now.
func (r *Replayer) send(ctx context.Context, id ring.NodeID, l *letter) (has []bool, err error) {
	r.pace.Spend(max(len(l.payload), len(l.items)*leastCost))
	replies := make(chan transport.Reply, 1)
	r.o.Peers.CallBy(string(id), coordinator.KindReplicate, l.ring, l.payload, r.o.Settings().Timeout+transport.Arrival(len(l.payload)),
		func(reply transport.Reply) { replies <- reply })
	var reply transport.Reply
	select {
	case reply = <-replies:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if reply.Err != nil {
		return nil, fmt.Errorf("%w: %w", errGone, reply.Err)
	}
	if reply.Status == coordinator.StatusOtherRing {
		return nil, errOtherRing
	}
	if reply.Status != coordinator.StatusOK || len(reply.Payload) != len(l.items) {
		return nil, errRefused
	}
	for _, status := range reply.Payload {
		has = append(has, coordinator.Has(status))
	}
	return has, nil
}

// letGo drops old hints of an owner that is away, of which as many other primaries as a write needs have confirmed what they
// hold.
func (r *Replayer) letGo(ctx context.Context, id engine.Owner, l *letter) error {
	if len(l.items) == 0 {
		return nil
	}
	table := r.o.Ring()
	holders := map[object.Key]int{}
	for _, n := range table.Nodes() {
		if n.ID == ring.NodeID(id) {
			continue
		}
		mine := l.of(table, n.ID)
		if n.ID == r.o.Self {
			r.adopt(mine.items, holders)
			continue
		}
		if len(mine.items) == 0 || !r.o.Peers.Up(string(n.ID)) {
			continue
		}
		has, err := r.send(ctx, n.ID, mine)
		if ctx.Err() != nil {
			return err
		}
		for i := range has {
			if has[i] {
				holders[mine.items[i].key]++
			}
		}
	}
	var held []item
	for _, i := range l.items {
		if holders[i.key] >= min(max(1, r.o.Settings().W), len(table.Primaries(i.key.Slot()))) {
			held = append(held, i)
		}
	}
	dropped := r.strike(id, held)
	r.stats.aged.Add(uint64(dropped))
	if dropped > 0 {
		r.o.Logger.Warn("old hints were let go, anti-entropy brings what they held", "owner", id, "hints", dropped)
	}
	if len(held) < len(l.items) {
		return errTooFew
	}
	return nil
}

// of is the part of a letter for the slots that a node is a primary of. It is only sent on, not divided again.
func (l *letter) of(table *ring.Table, id ring.NodeID) *letter {
	out := &letter{ring: table.Version()}
	for _, i := range l.items {
		if slices.Contains(table.Primaries(i.key.Slot()), id) {
			out.items = append(out.items, i)
			out.payload = append(out.payload, l.payload[i.from:i.to]...)
		}
	}
	return out
}

// run runs bodies in the appliers of their keys' slots.
func (r *Replayer) run(n int, body func(i int) (object.Slot, engine.Body)) []*engine.Task {
	if n == 0 {
		return nil
	}
	tasks := make([]*engine.Task, n)
	for i := range tasks {
		tasks[i] = &engine.Task{}
		tasks[i].Slot, tasks[i].Body = body(i)
	}
	done := make(chan struct{})
	if !r.o.Store.Do(tasks, func() { close(done) }) {
		<-done
	}
	return tasks
}

// strike strikes an owner off hints that were confirmed, and returns off how many.
func (r *Replayer) strike(id engine.Owner, items []item) (struck int) {
	bodies := make([]striking, len(items))
	tasks := r.run(len(items), func(i int) (object.Slot, engine.Body) {
		bodies[i] = striking{item: items[i], owner: id}
		return items[i].key.Slot(), &bodies[i]
	})
	for i, t := range tasks {
		if t.Err == nil && bodies[i].struck {
			struck++
		}
	}
	return struck
}

type striking struct {
	item
	owner  engine.Owner
	struck bool
}

func (s *striking) Run(tx *engine.Tx) { s.struck = tx.StrikeHint(s.key, s.owner, s.digest) }

// adopt merges hints into this store itself, which is a primary of their slots, and counts it as a holder.
func (r *Replayer) adopt(items []item, holders map[object.Key]int) {
	tasks := r.run(len(items), func(i int) (object.Slot, engine.Body) { return items[i].key.Slot(), adopting{items[i].key} })
	for i, t := range tasks {
		if t.Err == nil {
			holders[items[i].key]++
		}
	}
}

type adopting struct{ key object.Key }

func (a adopting) Run(tx *engine.Tx) {
	if h := tx.Hint(a.key); h != nil {
		tx.Merge(a.key, h.Object)
	}
}

// pass owes hints to the present and the coming primaries in place of an owner that is none of them. This node merges what is
// owed to itself.
func (r *Replayer) pass(id engine.Owner, keys []object.Key) {
	table := r.o.Ring()
	r.run(len(keys), func(i int) (object.Slot, engine.Body) {
		p := &passing{key: keys[i], from: id}
		slot := p.key.Slot()
		for _, to := range append(slices.Clone(table.Primaries(slot)), table.Next(slot)...) {
			if !isPrimary(table, slot, to) {
				continue
			}
			if to == r.o.Self {
				p.adopt = true
			} else if !slices.Contains(p.to, engine.Owner(to)) {
				p.to = append(p.to, engine.Owner(to))
			}
		}
		return p.key.Slot(), p
	})
}

type passing struct {
	key   object.Key
	from  engine.Owner
	to    []engine.Owner
	adopt bool
}

func (p *passing) Run(tx *engine.Tx) {
	if p.adopt {
		adopting{p.key}.Run(tx)
	}
	tx.PassHint(p.key, p.from, p.to)
}
