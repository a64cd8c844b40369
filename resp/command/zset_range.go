package command

import (
	"iter"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

const (
	errScoreRange  = "ERR min or max is not a float"
	errMemberRange = "ERR min or max not valid string range item"
)

// ordering is what a range of a sorted set is given by.
type ordering uint8

const (
	byAny ordering = iota // what the options say, ranks when they say nothing
	byRank
	byScore
	byMember
)

// bounds are the two ends of a range.
type bounds struct {
	by          ordering
	first, last int64
	scores      [2]kind.Reach[float64]
	members     kind.MemberRange
}

// parseBounds reads the ends of a range, the lower one first but for ranks. The error is empty when all is well.
func parseBounds(by ordering, low, high []byte) (b bounds, fault string) {
	b.by = by
	var first, last bool
	switch by {
	case byScore:
		b.scores[0], first = kind.ParseReach(low)
		b.scores[1], last = kind.ParseReach(high)
		fault = errScoreRange
	case byMember:
		b.members.Low, first = kind.ParseMemberReach(low)
		b.members.High, last = kind.ParseMemberReach(high)
		fault = errMemberRange
	default:
		b.first, first = parseInt(low)
		b.last, last = parseInt(high)
		fault = errNotInteger
	}
	if first && last {
		fault = ""
	}
	return b, fault
}

// in is the range among the members of a sorted set. Ranks count from the top when it is seen downwards.
func (b *bounds) in(o *object.Object, reverse bool) kind.SpotRange {
	switch {
	case b.by == byScore:
		return kind.RangeOfScores(b.scores[0], b.scores[1])
	case b.by == byMember:
		return kind.RangeOfMembers(o, b.members, reverse)
	case reverse:
		return kind.RangeOfRanks(o, object.ZSet, downwards(b.last), downwards(b.first))
	default:
		return kind.RangeOfRanks(o, object.ZSet, b.first, b.last)
	}
}

// downwards is a rank counted from the other end: the first is the last but none.
func downwards(rank int64) int64 { return -1 - rank }

// rangeQuery is what a command of the family of ZRANGE asks for.
type rangeQuery struct {
	bounds
	reverse, scores bool
	skip, limit     int64 // a negative limit is none
}

// rangeKind is what the name of such a command says of it.
type rangeKind struct {
	by      ordering
	reverse bool
	// free says that the direction may be given as an option.
	free bool
}

// parseRange reads the arguments from the first end of the range on. The error is empty when all is well.
func parseRange(args [][]byte, is rangeKind, stores bool) (q rangeQuery, fault string) {
	if q, fault = rangeOptions(args[2:], is, stores); fault != "" {
		return q, fault
	}
	low, high := args[0], args[1]
	if q.reverse && q.by != byRank {
		low, high = high, low
	}
	q.bounds, fault = parseBounds(q.by, low, high)
	return q, fault
}

func rangeOptions(args [][]byte, is rangeKind, stores bool) (q rangeQuery, fault string) {
	q.by, q.reverse, q.limit = is.by, is.reverse, -1
	for i := 0; i < len(args); i++ {
		switch left := len(args) - i - 1; {
		case !stores && equalFold(args[i], "withscores"):
			q.scores = true
		case equalFold(args[i], "limit") && left >= 2:
			var ok, also bool
			q.skip, ok = parseInt(args[i+1])
			q.limit, also = parseInt(args[i+2])
			if !ok || !also {
				return q, errNotInteger
			}
			i += 2
		case is.free && !q.reverse && equalFold(args[i], "rev"):
			q.reverse = true
		case q.by == byAny && equalFold(args[i], "bylex"):
			q.by = byMember
		case q.by == byAny && equalFold(args[i], "byscore"):
			q.by = byScore
		default:
			return q, errSyntax
		}
	}
	if q.by == byAny {
		q.by = byRank
	}
	switch {
	case q.limit != -1 && q.by == byRank:
		return q, "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
	case q.scores && q.by == byMember:
		return q, "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
	}
	return q, ""
}

// of yields what is asked for of a sorted set, nil for one that does not exist.
func (q *rangeQuery) of(o *object.Object) iter.Seq[kind.Spot] {
	return func(yield func(kind.Spot) bool) {
		if o == nil || q.limit == 0 || q.skip < 0 {
			return
		}
		left := q.limit
		for s := range kind.Between(o, object.ZSet, q.in(o, q.reverse), q.reverse, q.skip) {
			if !yield(s) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES], and the older commands for it.
func zRange(is rangeKind) func(*Call) {
	return func(c *Call) {
		q, fault := parseRange(c.Args[2:], is, false)
		if fault != "" {
			c.Fail(fault)
			return
		}
		o, ok := c.read(c.Key(1), object.ZSet)
		if !ok {
			return
		}
		c.list(-1, func(n int) { c.pairs(n, q.scores) }, func(add func()) {
			for s := range q.of(o) {
				if q.scores {
					c.pair(s.Member(), s.Score())
				} else {
					c.Reply.BulkString(s.Member())
				}
				add()
			}
		})
	}
}

// pairs begins a list of members, or of members with scores, for which pair is then called.
func (c *Call) pairs(n int, scores bool) {
	if scores && c.Reply.Proto != 3 {
		n *= 2
	}
	c.Reply.Array(n)
}

// pair replies with a member and its score.
func (c *Call) pair(member string, score float64) {
	if c.Reply.Proto == 3 {
		c.Reply.Array(2)
	}
	c.Reply.BulkString(member)
	c.Reply.Double(score)
}

// ZRANGESTORE destination source min max [BYSCORE | BYLEX] [REV] [LIMIT offset count], both keys in one slot.
func zRangeStore(c *Call) {
	q, fault := parseRange(c.Args[3:], rangeKind{free: true}, true)
	if fault != "" {
		c.Fail(fault)
		return
	}
	o, ok := c.read(c.Key(2), object.ZSet)
	if !ok {
		return
	}
	var result []scoredMember
	for s := range q.of(o) {
		result = append(result, scoredMember{s.Member(), s.Score()})
	}
	c.storeScored(c.Key(1), result)
}

// zRangeStoreMode: a destination that is the source is another set when the command runs again.
func zRangeStoreMode(args [][]byte) cluster.Mode {
	if string(args[1]) == string(args[2]) {
		return changes
	}
	return repeatable
}

// ZRANGESTORE with keys in two slots.
func zRangeStoreAcross(r *Request) {
	if _, fault := parseRange(r.Args[3:], rangeKind{free: true}, true); fault != "" {
		r.Fail(fault)
		return
	}
	read := r.Command(append([][]byte{[]byte("kindred.scores")}, r.Args[2:]...)...)
	if !r.executeAll([]*cluster.Command{read}) {
		return
	}
	if result, ok := readScores(read.Reply); ok {
		r.storeScored(r.Args[1], result)
	} else {
		r.Fail(errBadPart)
	}
}
