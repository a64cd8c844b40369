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
	theirs := d.Touched
	if !d.Cleared {
		theirs = untouched(o.Cells, d.Touched)
	}
	cells := joinCells(o.Cells, o.Context, theirs, context)
	return &Object{Context: o.Context.Merge(context), Cells: cells, Birth: o.Birth}, true
}

// untouched completes the touched cells with o's own others, so that the join leaves those as they are.
func untouched(own, touched []Cell) []Cell {
	out := make([]Cell, 0, len(own)+len(touched))
	i, j := 0, 0
	for i < len(own) || j < len(touched) {
		switch {
		case j == len(touched) || i < len(own) && own[i].Name < touched[j].Name:
			out = append(out, own[i])
			i++
		case i == len(own) || touched[j].Name < own[i].Name:
			out = append(out, touched[j])
			j++
		default:
			out = append(out, touched[j])
			i++
			j++
		}
	}
	return out
}
