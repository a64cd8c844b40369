package kind

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/object"
)

// held are the members of a sorted set in their order.
type held []Spot

func (h held) object() *object.Object {
	return at(nil, 1, 10, func(e *object.Edit) {
		for _, s := range h {
			SetScore(e, []byte(s.Member()), s.Score())
		}
	})
}

func drawHeld(t *rapid.T, scores []float64) held {
	members := rapid.SliceOfNDistinct(rapid.StringMatching("[ab\x00]{0,3}"), 1, 12, rapid.ID).Draw(t, "members")
	var h held
	for _, m := range members {
		h = append(h, ScoreSpot(rapid.SampledFrom(scores).Draw(t, "score"), m))
	}
	slices.Sort(h)
	return h
}

var fewScores = []float64{-2.5, -1, 0, 1, 1e300}

func drawScoreReach(t *rapid.T) Reach[float64] {
	return Reach[float64]{At: rapid.SampledFrom(fewScores).Draw(t, "reach"), Excluded: rapid.Bool().Draw(t, "excluded")}
}

func drawMemberReach(t *rapid.T) Reach[string] {
	return Reach[string]{
		At: rapid.StringMatching("[ab\x00]{0,3}").Draw(t, "reach"), Excluded: rapid.Bool().Draw(t, "excluded"),
		Beyond: rapid.SampledFrom([]int{0, 0, 0, -1, 1}).Draw(t, "beyond"),
	}
}

// compare checks what a range of h gives against the members that are to be in it.
func (h held) compare(t *rapid.T, o *object.Object, r SpotRange, within func(Spot) bool) {
	var want []Spot
	for _, s := range h {
		if within(s) {
			want = append(want, s)
		}
	}
	if n := CountBetween(o, object.ZSet, r); n != int64(len(want)) {
		t.Fatalf("%d between %q, want %q of %q", n, r, want, h)
	}
	skip := rapid.Int64Range(0, 4).Draw(t, "skip")
	for _, reverse := range []bool{false, true} {
		rest := want[min(int(skip), len(want)):]
		if got := slices.Collect(Between(o, object.ZSet, r, reverse, skip)); !slices.Equal(got, rest) {
			t.Fatalf("%q from %d on, reverse %v, of %q, want %q", got, skip, reverse, h, rest)
		}
		slices.Reverse(want)
	}
}

func TestRangesOfScores(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHeld(t, fewScores)
		low, high := drawScoreReach(t), drawScoreReach(t)
		h.compare(t, h.object(), RangeOfScores(low, high), func(s Spot) bool {
			x := s.Score()
			return (x > low.At || x == low.At && !low.Excluded) && (x < high.At || x == high.At && !high.Excluded)
		})
	})
}

func TestRangesOfMembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHeld(t, []float64{rapid.SampledFrom(fewScores).Draw(t, "the score")})
		r := MemberRange{drawMemberReach(t), drawMemberReach(t)}
		o := h.object()
		h.compare(t, o, RangeOfMembers(o, r, false), func(s Spot) bool { return r.reaches(s.Member()) && r.stays(s.Member()) })
	})
}

func TestRangesOfRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHeld(t, fewScores)
		first, last := rapid.Int64Range(-15, 15).Draw(t, "first"), rapid.Int64Range(-15, 15).Draw(t, "last")
		o := h.object()
		n := int64(len(h))
		from, to := first, last
		if from < 0 {
			from += n
		}
		if to < 0 {
			to += n
		}
		h.compare(t, o, RangeOfRanks(o, object.ZSet, first, last), func(s Spot) bool {
			rank := int64(slices.Index(h, s))
			return rank >= from && rank <= to
		})
	})
}

// With several scores a range of members is a run that ends at the first member beyond it.
func TestRangeOfMembersWithSeveralScores(t *testing.T) {
	h := held{ScoreSpot(0, "b"), ScoreSpot(1, "d"), ScoreSpot(2, "a"), ScoreSpot(3, "c"), ScoreSpot(4, "e"), ScoreSpot(5, "f")}
	o := h.object()
	for _, c := range []struct {
		low, high string
		reverse   bool
		want      string
	}{
		{"a", "c", false, "[b]"}, {"b", "f", false, "[b d a c e f]"}, {"c", "e", false, "[d a c e]"}, {"c", "e", true, "[e c]"},
		{"x", "z", false, "[]"}, {"0", "9", true, "[]"}, {"bb", "c", false, "[]"}, {"b", "bb", true, "[]"},
	} {
		r := RangeOfMembers(o, MemberRange{Reach[string]{At: c.low}, Reach[string]{At: c.high}}, c.reverse)
		var got []string
		for s := range Between(o, object.ZSet, r, c.reverse, 0) {
			got = append(got, s.Member())
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("from %s to %s, reverse %v: %v, want %s", c.low, c.high, c.reverse, got, c.want)
		}
	}
}
