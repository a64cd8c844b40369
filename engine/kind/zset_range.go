package kind

import (
	"encoding/binary"
	"iter"
	"strings"

	"github.com/kindredkv/kindred/engine/object"
)

// SpotRange is a part of an ordered type: the spots from From on, below Below.
type SpotRange struct{ From, Below Spot }

// empty reports whether no spot can be in the range.
func (r SpotRange) empty() bool { return r.From >= r.Below }

// Reach is one end of a range of scores or of members.
type Reach[T any] struct {
	At T
	// Excluded says that what is at the end does not belong to the range.
	Excluded bool
	// Beyond is -1 for an end below all, and 1 for one above all; At counts for nothing then.
	Beyond int
}

// RangeOfScores is what has a score from low up to high.
func RangeOfScores(low, high Reach[float64]) SpotRange {
	return SpotRange{From: scoreSpotOf(low.At, low.Excluded), Below: scoreSpotOf(high.At, !high.Excluded)}
}

// scoreSpotOf is below all members of a score, or above them and below those of the next score.
func scoreSpotOf(score float64, above bool) Spot {
	key := scoreKey(score)
	if above {
		key++
	}
	return Spot(binary.BigEndian.AppendUint64(nil, key))
}

// RangeOfRanks are the elements from one rank up to another, both included. Negative ranks count from the end.
func RangeOfRanks(o *object.Object, kind object.Kind, first, last int64) SpotRange {
	n := o.Count(kind)
	if first < 0 {
		first = max(0, first+n)
	}
	if last < 0 {
		last += n
	}
	if last = min(last, n-1); first > last {
		return SpotRange{}
	}
	from, ok := SpotAt(o, kind, first)
	if !ok {
		return SpotRange{}
	}
	if last == n-1 {
		return SpotRange{from, EndSpot}
	}
	below, ok := SpotAt(o, kind, last+1)
	if !ok {
		below = EndSpot
	}
	return SpotRange{from, below}
}

// Between yields the elements in a range, upwards or downwards, but for the first skip of them.
func Between(o *object.Object, kind object.Kind, r SpotRange, reverse bool, skip int64) iter.Seq[Spot] {
	if r.empty() {
		return func(func(Spot) bool) {}
	}
	if skip > 0 {
		var ok bool
		if r, ok = r.without(o, kind, reverse, skip); !ok {
			return func(func(Spot) bool) {}
		}
	}
	return func(yield func(Spot) bool) {
		if reverse {
			for s := range Descend(o, kind, r.Below) {
				if s < r.From || !yield(s) {
					return
				}
			}
			return
		}
		for s := range Ascend(o, kind, r.From) {
			if s >= r.Below || !yield(s) {
				return
			}
		}
	}
}

// without is the range without its first elements, upwards or downwards.
func (r SpotRange) without(o *object.Object, kind object.Kind, reverse bool, skip int64) (SpotRange, bool) {
	if reverse {
		rank := RankOf(o, kind, r.Below) - skip
		if rank <= 0 {
			return r, false
		}
		s, ok := SpotAt(o, kind, rank)
		if !ok {
			return r, false
		}
		r.Below = s
		return r, !r.empty()
	}
	rank := RankOf(o, kind, r.From)
	if skip >= o.Count(kind)-rank {
		return r, false
	}
	s, ok := SpotAt(o, kind, rank+skip)
	r.From = s
	return r, ok && !r.empty()
}

// CountBetween is the number of elements in a range.
func CountBetween(o *object.Object, kind object.Kind, r SpotRange) int64 {
	if r.empty() {
		return 0
	}
	return max(0, RankOf(o, kind, r.Below)-RankOf(o, kind, r.From))
}

// MemberRange is what is between two members.
type MemberRange struct{ Low, High Reach[string] }

// reaches reports whether a member is not below the range.
func (r *MemberRange) reaches(member string) bool {
	if r.Low.Beyond != 0 {
		return r.Low.Beyond < 0
	}
	c := strings.Compare(member, r.Low.At)
	return c > 0 || c == 0 && !r.Low.Excluded
}

// stays reports whether a member is not above the range.
func (r *MemberRange) stays(member string) bool {
	if r.High.Beyond != 0 {
		return r.High.Beyond > 0
	}
	c := strings.Compare(member, r.High.At)
	return c < 0 || c == 0 && !r.High.Excluded
}

// among is the range of the members of one score.
func (r *MemberRange) among(score float64) SpotRange {
	var out SpotRange
	switch {
	case r.Low.Beyond != 0:
		out.From = scoreSpotOf(score, r.Low.Beyond > 0)
	case r.Low.Excluded:
		out.From = ScoreSpot(score, r.Low.At+"\x00")
	default:
		out.From = ScoreSpot(score, r.Low.At)
	}
	switch {
	case r.High.Beyond != 0:
		out.Below = scoreSpotOf(score, r.High.Beyond > 0)
	case r.High.Excluded:
		out.Below = ScoreSpot(score, r.High.At)
	default:
		out.Below = ScoreSpot(score, r.High.At+"\x00")
	}
	return out
}

// RangeOfMembers is a range of the members of a sorted set that all have the same score, which is what such ranges are for.
// With several scores it is the run that Redis finds: it begins at the first member that is not below the range, seen upwards
// or downwards, and ends at the first that is beyond it.
func RangeOfMembers(o *object.Object, r MemberRange, reverse bool) SpotRange {
	first, ok := SpotAt(o, object.ZSet, 0)
	if !ok {
		return SpotRange{}
	}
	last, ok := SpotAt(o, object.ZSet, -1)
	if !ok {
		return SpotRange{}
	}
	if first.Score() == last.Score() {
		return r.among(first.Score())
	}
	if !r.reaches(last.Member()) || !r.stays(first.Member()) {
		return SpotRange{}
	}
	if reverse {
		return r.runDown(o)
	}
	return r.runUp(o)
}

func (r *MemberRange) runUp(o *object.Object) SpotRange {
	run := SpotRange{Below: EndSpot}
	for s := range Ascend(o, object.ZSet, "") {
		switch member := s.Member(); {
		case run.From == "" && !r.reaches(member):
		case !r.stays(member):
			run.Below = s
			if run.From == "" {
				run.Below = ""
			}
			return run
		case run.From == "":
			run.From = s
		}
	}
	if run.From == "" {
		return SpotRange{}
	}
	return run
}

func (r *MemberRange) runDown(o *object.Object) SpotRange {
	var run SpotRange
	for s := range Descend(o, object.ZSet, EndSpot) {
		switch member := s.Member(); {
		case run.Below == "" && !r.stays(member):
		case !r.reaches(member):
			return run
		default:
			if run.Below == "" {
				run.Below = s + "\x00"
			}
			run.From = s
		}
	}
	return run
}
