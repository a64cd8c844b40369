package command

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// scoredMember is a member of a sorted set, or of the result of combining some.
type scoredMember struct {
	member string
	score  float64
}

// inOrder sorts members as a sorted set has them.
func inOrder(list []scoredMember) []scoredMember {
	slices.SortFunc(list, func(a, b scoredMember) int {
		return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.member, b.member))
	})
	return list
}

// scores is a sorted set that is read for a combination, or a set, whose members all have the score 1.
type scores interface {
	size() int64
	score(member string) (float64, bool)
	each(visit func(member string, score float64) bool)
}

// heldScores is one in the store, nil for one that does not exist.
type heldScores struct {
	*object.Object
	kind object.Kind
}

func (s heldScores) size() int64 { return count(s.Object, s.kind) }

func (s heldScores) score(member string) (float64, bool) {
	if s.kind == object.Set {
		return 1, kind.HasMember(s.Object, []byte(member))
	}
	return kind.Score(s.Object, []byte(member))
}

func (s heldScores) each(visit func(string, float64) bool) {
	if s.Object == nil {
		return
	}
	for el := range kind.Elements(s.Object, s.kind, 0) {
		score := 1.0
		if s.kind == object.ZSet {
			score = el.Score()
		}
		if !visit(el.Name, score) {
			return
		}
	}
}

// gotScores is one that was read from its coordinator.
type gotScores struct {
	list     []scoredMember
	byMember map[string]float64
}

func newGotScores(list []scoredMember) gotScores {
	s := gotScores{list, make(map[string]float64, len(list))}
	for _, m := range list {
		s.byMember[m.member] = m.score
	}
	return s
}

func (s gotScores) size() int64 { return int64(len(s.list)) }

func (s gotScores) score(member string) (float64, bool) {
	score, ok := s.byMember[member]
	return score, ok
}

func (s gotScores) each(visit func(string, float64) bool) {
	for _, m := range s.list {
		if !visit(m.member, m.score) {
			return
		}
	}
}

// merger is a way to combine sorted sets.
type merger uint8

const (
	mergeUnion merger = iota
	mergeInter
	mergeDiff
)

// mergeQuery is what is asked for of some sorted sets.
type mergeQuery struct {
	how       merger
	weights   []float64 // nil: all 1
	aggregate func(a, b float64) float64
	scores    bool
	limit     int64 // of a count
}

// plus is the sum as Redis takes it: of two infinities that cancel out 0.
func plus(a, b float64) float64 { return orZero(a + b) }

// lesser and greater are a where b is not a number.
func lesser(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func greater(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

func orZero(score float64) float64 {
	if math.IsNaN(score) {
		return 0
	}
	return score
}

// parseMerge reads what stands behind the keys. counts is for ZINTERCARD. The error is empty when all is well.
func parseMerge(args [][]byte, how merger, keys int, stores, counts bool) (q mergeQuery, fault string) {
	q = mergeQuery{how: how, aggregate: plus, limit: math.MaxInt64}
	weighs := how != mergeDiff && !counts
	for len(args) > 0 {
		used := 0
		switch {
		case weighs && len(args) > keys && equalFold(args[0], "weights"):
			q.weights, used = nil, 1+keys
			for _, arg := range args[1 : 1+keys] {
				weight, ok := kind.ParseScore(arg)
				if !ok {
					return q, "ERR weight value is not a float"
				}
				q.weights = append(q.weights, weight)
			}
		case weighs && len(args) > 1 && equalFold(args[0], "aggregate"):
			used = 2
			switch {
			case equalFold(args[1], "sum"):
				q.aggregate = plus
			case equalFold(args[1], "min"):
				q.aggregate = lesser
			case equalFold(args[1], "max"):
				q.aggregate = greater
			default:
				return q, errSyntax
			}
		case !stores && !counts && equalFold(args[0], "withscores"):
			q.scores, used = true, 1
		case counts && len(args) > 1 && equalFold(args[0], "limit"):
			n, ok := parseInt(args[1])
			if !ok || n < 0 {
				return q, "ERR LIMIT can't be negative"
			}
			if q.limit, used = n, 2; n == 0 {
				q.limit = math.MaxInt64
			}
		default:
			return q, errSyntax
		}
		args = args[used:]
	}
	return q, ""
}

// weighted is a sorted set with what its scores are multiplied by.
type weighted struct {
	scores
	weight float64
}

func (w *weighted) of(score float64) float64 { return orZero(w.weight * score) }

// of is the combination of sorted sets, in no order.
func (q *mergeQuery) of(sets []scores) []scoredMember {
	list := make([]weighted, len(sets))
	for i, s := range sets {
		list[i] = weighted{s, 1}
		if q.weights != nil {
			list[i].weight = q.weights[i]
		}
	}
	if q.how != mergeDiff {
		// The smallest first: it bounds an intersection. Sums are taken in this order, for they may be inexact.
		slices.SortStableFunc(list, func(a, b weighted) int { return cmp.Compare(a.size(), b.size()) })
	}
	switch q.how {
	case mergeUnion:
		return q.union(list)
	case mergeInter:
		var out []scoredMember
		q.inter(list, func(m scoredMember) bool {
			out = append(out, m)
			return true
		})
		return out
	default:
		return diff(list)
	}
}

func (q *mergeQuery) union(list []weighted) []scoredMember {
	var out []scoredMember
	places := map[string]int{}
	for i := range list {
		w := &list[i]
		w.each(func(member string, score float64) bool {
			if at, ok := places[member]; ok {
				out[at].score = q.aggregate(out[at].score, w.of(score))
				return true
			}
			member = strings.Clone(member)
			places[member] = len(out)
			out = append(out, scoredMember{member, w.of(score)})
			return true
		})
	}
	return out
}

// inter yields an intersection of sets, of which the smallest comes first.
func (q *mergeQuery) inter(list []weighted, yield func(scoredMember) bool) {
	list[0].each(func(member string, score float64) bool {
		sum := list[0].of(score)
		for i := range list[1:] {
			w := &list[1+i]
			other, ok := w.score(member)
			if !ok {
				return true
			}
			sum = q.aggregate(sum, w.weight*other) // not w.of: Redis makes 0 of infinity times 0 only in the first
		}
		return yield(scoredMember{strings.Clone(member), sum})
	})
}

func diff(list []weighted) (out []scoredMember) {
	list[0].each(func(member string, score float64) bool {
		for i := range list[1:] {
			if _, ok := list[1+i].score(member); ok {
				return true
			}
		}
		out = append(out, scoredMember{strings.Clone(member), score})
		return true
	})
	return out
}

// count is the size of the intersection, up to the limit.
func (q *mergeQuery) count(sets []scores) (n int64) {
	list := make([]weighted, len(sets))
	for i, s := range sets {
		list[i] = weighted{s, 1}
	}
	slices.SortStableFunc(list, func(a, b weighted) int { return cmp.Compare(a.size(), b.size()) })
	q.inter(list, func(scoredMember) bool {
		n++
		return n < q.limit
	})
	return n
}

// numbered reads the number of keys at argument i. The error is empty when all is well.
func numbered(args [][]byte, i int, name string) (keys int, fault string) {
	n, ok := parseInt(args[i])
	switch {
	case !ok:
		return 0, errNotInteger
	case n < 1:
		return 0, "ERR at least 1 input key is needed for '" + name + "' command"
	case n > int64(len(args)-1-i):
		return 0, errSyntax
	}
	return int(n), ""
}
