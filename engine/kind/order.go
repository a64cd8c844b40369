package kind

import (
	"iter"
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Spot is where an element stands in a type whose elements have an order: of a list the name of its position, of a sorted set
// the score and the member. Spots compare as byte strings.
type Spot string

// spotOf is where the element of a cell stands. It is false of cells that are no elements of an ordered type.
func spotOf(name object.CellName, versions []causal.Version) (Spot, bool) {
	if len(versions) == 0 {
		return "", false
	}
	switch name.Kind() {
	case object.List:
		return Spot(name[1:]), true
	case object.ZSet:
		if len(name) < elementAt {
			return "", false
		}
		return ScoreSpot(scoreOf(versions), string(name[elementAt:])), true
	default:
		return "", false
	}
}

// spots are those of all elements, in order.
func spots(o *object.Object, kind object.Kind) (out []Spot) {
	if o == nil {
		return nil
	}
	for c := range o.From(object.CellName([]byte{byte(kind)})) {
		if c.Name.Kind() != kind {
			break
		}
		if s, ok := spotOf(c.Name, c.Versions); ok {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// Ascend yields the spots of a list or sorted set from one on, upwards.
func Ascend(o *object.Object, kind object.Kind, from Spot) iter.Seq[Spot] {
	all := spots(o, kind)
	i, _ := slices.BinarySearch(all, from)
	return slices.Values(all[i:])
}

// Descend yields the spots of a list or sorted set below one, downwards. Those of all elements are below the end.
func Descend(o *object.Object, kind object.Kind, before Spot) iter.Seq[Spot] {
	all := spots(o, kind)
	i, _ := slices.BinarySearch(all, before)
	return func(yield func(Spot) bool) {
		for _, s := range slices.Backward(all[:i]) {
			if !yield(s) {
				return
			}
		}
	}
}

// EndSpot is above the spots of all elements.
const EndSpot Spot = "\xff\xff\xff\xff\xff\xff\xff\xff\xff"

// SpotAt is the spot with so many others below it, false when there are no more than that. A negative rank counts from the
// end, -1 being the last.
func SpotAt(o *object.Object, kind object.Kind, rank int64) (Spot, bool) {
	all := spots(o, kind)
	if rank < 0 {
		rank += int64(len(all))
	}
	if rank < 0 || rank >= int64(len(all)) {
		return "", false
	}
	return all[rank], true
}

// RankOf is the number of elements below a spot, whether or not an element stands there.
func RankOf(o *object.Object, kind object.Kind, spot Spot) int64 {
	i, _ := slices.BinarySearch(spots(o, kind), spot)
	return int64(i)
}
