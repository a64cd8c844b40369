package antientropy

import (
	"context"
	"time"

	"github.com/kindredkv/kindred/cluster/pace"
	"github.com/kindredkv/kindred/engine/object"
)

// verifyPause is the mean pause between two slots of the verification that never ends: it comes around in an hour.
const verifyPause = 200 * time.Millisecond

// verifyLoop verifies the trees of all slots, over and over, from a random slot on.
func (r *Repairer) verifyLoop(ctx context.Context) {
	slot := object.Slot(r.o.Jitter() * object.Slots)
	for pace.Sleep(ctx, r.jittered(verifyPause)) == nil {
		if err := r.verify(ctx, slot); err != nil && ctx.Err() == nil {
			r.o.Logger.Warn("a slot could not be verified", "slot", slot, "error", err)
		}
		slot = (slot + 1) % object.Slots
	}
}

// verify compares a slot's tree with its data and mends it. What it reads is paid for like what is sent.
func (r *Repairer) verify(ctx context.Context, slot object.Slot) error {
	if err := r.pace.Wait(ctx); err != nil {
		return err
	}
	v, err := r.o.Store.Verify(slot)
	r.pace.Spend(v.Bytes)
	if err != nil {
		return err
	}
	r.stats.verified.Add(1)
	if wrong := v.Buckets + v.Counts; wrong > 0 {
		r.stats.mended.Add(uint64(wrong))
		r.o.Logger.Warn("the tree of a slot was wrong and has been mended", "slot", slot, "buckets", v.Buckets, "counts", v.Counts)
	}
	return nil
}
