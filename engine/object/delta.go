package object

import "github.com/kindredkv/kindred/engine/causal"

// Delta is what one command changed in one object, in a form that another replica can apply without the rest.
type Delta struct {
	// Base is the context of the object that the command changed.
	Base causal.Context
	// Dot names the change.
	Dot causal.Dot
	// Cleared says that every cell not in Touched was removed.
	Cleared bool
	// Touched are the cells that the command touched as they are after it, sorted by name; one without versions was
	// removed.
	Touched []Cell
}

// Context is the context of the object after the change.
func (d *Delta) Context() causal.Context { return d.Base.With(d.Dot) }

// Apply applies the delta to o, nil for a replica that knows nothing of the key. It reports false, and changes
// nothing, when o has not seen all that the delta builds on: joining just the touched cells over such a gap would
// claim writes that o does not hold. The replica then needs the whole object.
func Apply(o *Object, d *Delta) (*Object, bool) {
	if o == nil {
		o = &Object{}
	}
	context := d.Context()
	if o.Context.CoversAll(context) {
		return o, true
	}
	if !o.Context.CoversAll(d.Base) {
		return o, false
	}
	switch {
	case d.Cleared:
		return Join(o, &Object{Context: context, Cells: overlay(nil, d.Touched)}), true
	case o.Kept == nil:
		cells := joinCells(o.Cells, o.Context, merged(o.Cells, d.Touched), context)
		return &Object{Context: o.Context.Merge(context), Cells: cells, Birth: o.Birth}, true
	}
	inline, inRows := part(d.Touched)
	out := &Object{Context: o.Context.Merge(context), Birth: o.Birth}
	out.Cells = joinCells(o.Cells, o.Context, merged(o.Cells, inline), context)
	var changed []Cell
	for _, their := range inRows {
		var own []causal.Version
		if c := o.Kept.cell(their.Name); c != nil {
			own = c.Versions
		}
		if v := causal.Join(own, o.Context, their.Versions, context); !sameVersions(v, own) {
			changed = append(changed, Cell{Name: their.Name, Versions: v})
		}
	}
	out.Kept = o.Kept.with(changed)
	return out, true
}
