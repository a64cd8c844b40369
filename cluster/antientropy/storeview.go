package antientropy

import (
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// storeView is a store as a View.
type storeView struct{ *engine.Store }

// Leaves visits the rows of each bucket of the range.
func (v storeView) Leaves(r Range, from Place, visit func(Leaf) bool) error {
	set := &engine.SlotSet{}
	set.Add(r.Slot)
	stopped := false
	return r.each(func(start, end Place) error {
		if stopped || end <= from {
			return nil
		}
		begin := engine.Place{Slot: r.Slot, At: max(start, from).position()}
		return v.Scan(set, begin, func(p engine.Place, key object.Key, o *object.Object) bool {
			at := startOf(p.Slot) | Place(p.At)
			if at >= end {
				return false
			}
			stopped = !visit(Leaf{Place: at, Key: key, Digest: o.Context.Digest()})
			return !stopped
		})
	})
}
