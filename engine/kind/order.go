package kind

import (
	"iter"
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Spot is where an element stands in a type whose elements have an order: of a list the name of its position, of a sorted set
// the score and the member, of a stream the ID. Spots compare as byte strings.
type Spot string

// EndSpot is above the spots of all elements.
const EndSpot Spot = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

// spotOf is where the element of a cell stands. It is false of cells that are no elements of an ordered type.
func spotOf(name object.CellName, versions []causal.Version) (Spot, bool) {
	if len(versions) == 0 || len(name) < 2 {
		return "", false
	}
	switch name.Kind() {
	case object.List, object.Stream:
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
			out = append(out, Spot(string([]byte(s))))
		}
	}
	slices.Sort(out)
	return out
}

// orderOf is the order of an object's elements in rows; nil when it has none there.
func orderOf(o *object.Object, kind object.Kind) *order {
	if o == nil || o.Kept == nil {
		return nil
	}
	x := &order{index: index{o.Kept.Rows, kind}, total: o.Count(kind)}
	if known := o.Kept.Known(kind); known != nil {
		x.low, x.high = Spot(known.Low), Spot(known.High)
	}
	for i := range o.Kept.Changed {
		c := &o.Kept.Changed[i]
		if c.Name.Kind() != kind {
			continue
		}
		from, was := spotOf(c.Name, o.Kept.Stored(c.Name))
		to, is := spotOf(c.Name, c.Versions)
		if was == is && from == to {
			continue
		}
		if was {
			x.gone = append(x.gone, from)
		}
		if is {
			x.added = append(x.added, to)
		}
	}
	slices.Sort(x.gone)
	slices.Sort(x.added)
	return x
}

// order is an index with changes that are not in the store.
type order struct {
	index
	total       int64
	low, high   Spot   // of what is in the store, empty when not known
	gone, added []Spot // in order
}

// ascend visits the spots from one on.
func (x *order) ascend(from Spot, visit func(Spot) bool) {
	next, _ := slices.BinarySearch(x.added, from)
	stopped := false
	addedBefore := func(s Spot, all bool) {
		for ; next < len(x.added) && !stopped && (all || x.added[next] < s); next++ {
			stopped = !visit(x.added[next])
		}
	}
	x.walk(max(from, x.low), func(s Spot) bool {
		if _, gone := slices.BinarySearch(x.gone, s); gone {
			return true
		}
		addedBefore(s, false)
		stopped = stopped || !visit(s)
		return !stopped
	})
	addedBefore("", true)
}

// descend visits the spots below one, downwards.
func (x *order) descend(before Spot, visit func(Spot) bool) {
	next, _ := slices.BinarySearch(x.added, before)
	stopped := false
	addedAbove := func(s Spot) {
		for ; next > 0 && !stopped && x.added[next-1] >= s; next-- {
			stopped = !visit(x.added[next-1])
		}
	}
	if x.high != "" {
		before = min(before, x.high)
	}
	x.back(before, func(s Spot) bool {
		if _, gone := slices.BinarySearch(x.gone, s); gone {
			return true
		}
		addedAbove(s)
		stopped = stopped || !visit(s)
		return !stopped
	})
	addedAbove("")
}

// storedRank is the number of elements in the store below a spot.
func (x *order) storedRank(spot Spot) int64 {
	widths, rows, done := x.rows.Ranks(x.kind)
	defer done()
	landmark, rank := widths.Below(string(spot))
	index{rows, x.kind}.walk(max(Spot(landmark), x.low), func(s Spot) bool {
		if s < spot {
			rank++
		}
		return s < spot
	})
	return rank
}

// storedAt is the spot of a rank in the store.
func (x *order) storedAt(rank int64) (found Spot, ok bool) {
	widths, rows, done := x.rows.Ranks(x.kind)
	defer done()
	landmark, at := widths.Before(rank)
	index{rows, x.kind}.walk(max(Spot(landmark), x.low), func(s Spot) bool {
		found, ok = s, at == rank
		at++
		return !ok
	})
	return found, ok
}

// at is the spot of a rank, which is not negative and below the total.
func (x *order) at(rank int64) (found Spot, ok bool) {
	if rank < nearEnd {
		return nth(rank, func(visit func(Spot) bool) { x.ascend("", visit) })
	}
	if rank >= x.total-nearEnd {
		return nth(x.total-1-rank, func(visit func(Spot) bool) { x.descend(EndSpot, visit) })
	}
	if len(x.gone)+len(x.added) == 0 {
		return x.storedAt(rank)
	}
	// Changes move a rank by no more than their number.
	start := Spot("")
	if before := rank - int64(len(x.added)); before > 0 {
		start, _ = x.storedAt(before)
	}
	left := rank - x.rank(start)
	x.ascend(start, func(s Spot) bool {
		found, ok = s, left == 0
		left--
		return !ok
	})
	return found, ok
}

// nth is what a walk comes to behind n others.
func nth(n int64, walk iter.Seq[Spot]) (found Spot, ok bool) {
	for s := range walk {
		if n == 0 {
			return s, true
		}
		n--
	}
	return "", false
}

// rank is the number of elements below a spot.
func (x *order) rank(spot Spot) int64 {
	gone, _ := slices.BinarySearch(x.gone, spot)
	added, _ := slices.BinarySearch(x.added, spot)
	return x.storedRank(spot) - int64(gone) + int64(added)
}

// Ascend yields the spots of a list or sorted set from one on, upwards.
func Ascend(o *object.Object, kind object.Kind, from Spot) iter.Seq[Spot] {
	if x := orderOf(o, kind); x != nil {
		return func(yield func(Spot) bool) { x.ascend(from, yield) }
	}
	all := spots(o, kind)
	i, _ := slices.BinarySearch(all, from)
	return slices.Values(all[i:])
}

// Descend yields the spots of a list or sorted set below one, downwards.
func Descend(o *object.Object, kind object.Kind, before Spot) iter.Seq[Spot] {
	if x := orderOf(o, kind); x != nil {
		return func(yield func(Spot) bool) { x.descend(before, yield) }
	}
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

// SpotAt is the spot with so many others below it, false when there are no more than that. A negative rank counts from the
// end, -1 being the last.
func SpotAt(o *object.Object, kind object.Kind, rank int64) (Spot, bool) {
	if x := orderOf(o, kind); x != nil {
		if rank < 0 {
			rank += x.total
		}
		if rank < 0 || rank >= x.total {
			return "", false
		}
		return x.at(rank)
	}
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
	if x := orderOf(o, kind); x != nil {
		return x.rank(spot)
	}
	i, _ := slices.BinarySearch(spots(o, kind), spot)
	return int64(i)
}
