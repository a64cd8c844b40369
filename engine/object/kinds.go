package object

import (
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
)

// KindDot is a type that an object has, and its newest live version.
type KindDot struct {
	Kind Kind
	Dot  causal.Dot
}

// Kinds are all types that an object has, the one that it shows first, the others from newer to older. There is more than one
// where they were written concurrently.
func (o *Object) Kinds() []KindDot {
	var out []KindDot
	take := func(k Kind, dot causal.Dot) {
		i := slices.IndexFunc(out, func(have KindDot) bool { return have.Kind == k })
		switch {
		case i < 0:
			out = append(out, KindDot{k, dot})
		case out[i].Dot.Compare(dot) < 0:
			out[i].Dot = dot
		}
	}
	for i := range o.Cells {
		if c := &o.Cells[i]; c.Name.Kind() != None {
			take(c.Name.Kind(), c.Newest().Dot)
		}
	}
	if o.Kept != nil {
		o.Kept.newest(take)
	}
	slices.SortFunc(out, func(a, b KindDot) int { return b.Dot.Compare(a.Dot) })
	return out
}
