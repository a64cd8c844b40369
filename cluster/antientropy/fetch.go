package antientropy

import (
	"context"

	"github.com/kindredkv/kindred/cluster/handoff"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
)

// Fetch has this node cover all versions that a peer held of some slots when it was called. Unlike an exchange it leaves
// nothing out because it may be on its way, and gives nothing.
func (r *Repairer) Fetch(ctx context.Context, peer ring.NodeID, slots *engine.SlotSet) error {
	return r.compare(ctx, peer, slots, r.take)
}

// compare compares slots with a peer and hands what differs on, some at a time.
func (r *Repairer) compare(
	ctx context.Context, peer ring.NodeID, slots *engine.SlotSet, differ func(context.Context, ring.NodeID, []Difference) error,
) error {
	x := NewExchange(r.view, slots, false)
	for {
		if err := r.pace.Wait(ctx); err != nil {
			return err
		}
		kind, question, more := x.Next()
		if !more {
			return differ(ctx, peer, x.Found())
		}
		answer, err := r.call(ctx, peer, kind, question)
		if err == nil {
			err = x.Take(answer)
		}
		if err == nil && x.Full() {
			err = differ(ctx, peer, x.Found())
		}
		if err != nil {
			return err
		}
	}
}

// take merges the peer's objects of keys that it has otherwise.
func (r *Repairer) take(ctx context.Context, peer ring.NodeID, found []Difference) error {
	for len(found) > 0 {
		if err := r.pace.Wait(ctx); err != nil {
			return err
		}
		n := min(len(found), objectsAtOnce)
		var question []byte
		for _, d := range found[:n] {
			question = appendItem(question, d.Key, d.Theirs)
		}
		answer, err := r.call(ctx, peer, kindGive, question)
		if err != nil {
			return err
		}
		theirs, err := decodeObjects(answer, n)
		if err != nil {
			return err
		}
		var items []*handoff.Item
		for i, f := range theirs {
			if f.state == objectHere {
				items = append(items, &handoff.Item{Key: found[i].Key, Object: f.object})
			}
		}
		if err := r.merge(peer, items); err != nil {
			return err
		}
		r.stats.pulled.Add(uint64(len(items)))
		found = found[len(theirs):]
	}
	return nil
}

// Spend pays for bytes that were taken or given by other ways than this package's, and waits until they are paid for.
func (r *Repairer) Spend(ctx context.Context, n int) error {
	r.spend(n)
	return r.pace.Wait(ctx)
}
