package command

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// Combining sorted sets of one slot is one keyed command, as with sets. ZUNIONSTORE and its like, whose destination stands before
// the number of keys, are rewritten to kindred.combine then, all keys of which stand together. Of several slots the sets are
// read by kindred.scores, and a result is stored by kindred.ranked.

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
				q.aggregate = math.Min
			case equalFold(args[1], "max"):
				q.aggregate = math.Max
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
			sum = q.aggregate(sum, w.of(other))
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

// heldScores reads keys of the call's slot. Without ok the error is the reply.
func (c *Call) heldScores(from, to int) (sets []scores, ok bool) {
	for i := from; i <= to; i++ {
		o := c.Lookup(c.Key(i))
		s := heldScores{o, object.ZSet}
		if o != nil {
			s.kind = o.Kind()
		}
		if s.kind != object.ZSet && s.kind != object.Set {
			c.Fail(ErrWrongType)
			return nil, false
		}
		sets = append(sets, s)
	}
	return sets, true
}

// ZUNION, ZINTER and ZDIFF numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES], in one slot.
func merged(how merger) func(*Call) {
	return func(c *Call) {
		keys, _ := numbered(c.Args, 1, c.spec.Name)
		sets, ok := c.heldScores(2, 1+keys)
		if !ok {
			return
		}
		q, fault := parseMerge(c.Args[2+keys:], how, keys, false, false)
		if fault != "" {
			c.Fail(fault)
			return
		}
		writeMerged(&c.Reply, &q, sets)
	}
}

func mergedAcross(how merger) func(*Request) {
	return func(r *Request) {
		sets, rest, ok := r.gotScores(1)
		if !ok {
			return
		}
		q, fault := parseMerge(rest, how, len(sets), false, false)
		if fault != "" {
			r.Fail(fault)
			return
		}
		writeMerged(r.Reply, &q, sets)
	}
}

// ZINTERCARD numkeys key [key ...] [LIMIT limit], in one slot.
func zInterCard(c *Call) {
	keys, _ := numbered(c.Args, 1, c.spec.Name)
	sets, ok := c.heldScores(2, 1+keys)
	if !ok {
		return
	}
	q, fault := parseMerge(c.Args[2+keys:], mergeInter, keys, false, true)
	if fault != "" {
		c.Fail(fault)
		return
	}
	c.Reply.Int(q.count(sets))
}

func zInterCardAcross(r *Request) {
	sets, rest, ok := r.gotScores(1)
	if !ok {
		return
	}
	q, fault := parseMerge(rest, mergeInter, len(sets), false, true)
	if fault != "" {
		r.Fail(fault)
		return
	}
	r.Reply.Int(q.count(sets))
}

// ZUNIONSTORE, ZINTERSTORE and ZDIFFSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]
func mergedInto(how merger) func(*Request) {
	return func(r *Request) {
		keys, fault := numbered(r.Args, 2, r.spec.Name)
		if fault != "" {
			r.Fail(fault)
			return
		}
		if slotOfAll(r.Args[1], r.Args[3:3+keys]) {
			args := [][]byte{[]byte("kindred.combine"), {'0' + byte(how)}, strconv.AppendInt(nil, int64(keys)+1, 10), r.Args[1]}
			if write := r.Command(append(args, r.Args[3:]...)...); r.executeAll([]*cluster.Command{write}) {
				r.Reply.Raw(write.Reply)
			}
			return
		}
		sets, rest, ok := r.gotScores(2)
		if !ok {
			return
		}
		q, fault := parseMerge(rest, how, len(sets), true, false)
		if fault != "" {
			r.Fail(fault)
			return
		}
		r.storeScored(r.Args[1], q.of(sets))
	}
}

// misnumberedKeys replies to a command whose number of keys, argument i, cannot be.
func misnumberedKeys(i int) func(*Request) {
	return func(r *Request) {
		_, fault := numbered(r.Args, i, r.spec.Name)
		r.Fail(cmp.Or(fault, errSyntax))
	}
}

// combineMode: a destination that is among the sources is another set when the command runs again.
func combineMode(args [][]byte) cluster.Mode {
	keys, fault := numbered(args, 2, "")
	if fault == "" && slices.ContainsFunc(args[4:3+keys], func(key []byte) bool { return bytes.Equal(key, args[3]) }) {
		return changes
	}
	return repeatable
}

// kindred.combine how numkeys destination key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]
func combineScores(c *Call) {
	keys, fault := numbered(c.Args, 2, c.spec.Name)
	if fault != "" || keys < 2 || len(c.Args[1]) != 1 || c.Args[1][0]-'0' > byte(mergeDiff) {
		c.Fail(errSyntax)
		return
	}
	sets, ok := c.heldScores(4, 2+keys)
	if !ok {
		return
	}
	q, fault := parseMerge(c.Args[3+keys:], merger(c.Args[1][0]-'0'), keys-1, true, false)
	if fault != "" {
		c.Fail(fault)
		return
	}
	c.storeScored(c.Key(3), q.of(sets))
}

// gotScores reads sorted sets wherever they are; their number is argument i. rest is behind them. Without ok the error is the
// reply.
func (r *Request) gotScores(i int) (sets []scores, rest [][]byte, ok bool) {
	keys, fault := numbered(r.Args, i, r.spec.Name)
	if fault != "" {
		r.Fail(fault)
		return nil, nil, false
	}
	commands := make([]*cluster.Command, keys)
	for j, key := range r.Args[i+1 : i+1+keys] {
		commands[j] = r.Command([]byte("kindred.scores"), key)
	}
	if !r.executeAll(commands) {
		return nil, nil, false
	}
	for _, c := range commands {
		list, ok := readScores(c.Reply)
		if !ok {
			r.Fail(errBadPart)
			return nil, nil, false
		}
		sets = append(sets, newGotScores(list))
	}
	return sets, r.Args[i+1+keys:], true
}

// kindred.scores key → member, score … of a sorted set or set; and of a range of a sorted set, given as for ZRANGE.
func exportScores(c *Call) {
	if len(c.Args) == 2 {
		if sets, ok := c.heldScores(1, 1); ok {
			c.writeScores(func(yield func(string, float64) bool) { sets[0].each(yield) })
		}
		return
	}
	if len(c.Args) == 3 {
		c.Fail(errSyntax)
		return
	}
	q, fault := parseRange(c.Args[2:], rangeKind{free: true}, true)
	if fault != "" {
		c.Fail(fault)
		return
	}
	if o, ok := c.read(c.Key(1), object.ZSet); ok {
		c.writeScores(func(yield func(string, float64) bool) {
			for s := range q.of(o) {
				if !yield(s.Member(), s.Score()) {
					return
				}
			}
		})
	}
}

func (c *Call) writeScores(list iter.Seq2[string, float64]) {
	n, found := c.gather(func(add func()) {
		for member, score := range list {
			c.Reply.BulkString(member)
			c.Reply.Bulk(encodeScore(score))
			add()
		}
	})
	c.Reply.Array(2 * n)
	c.Reply.Raw(found)
}

// encodeScore is a score as nodes send it: the 8 bytes of the float64.
func encodeScore(score float64) []byte {
	return binary.BigEndian.AppendUint64(nil, math.Float64bits(score))
}

func decodeScore(b []byte) (float64, bool) {
	if len(b) != 8 {
		return 0, false
	}
	score := math.Float64frombits(binary.BigEndian.Uint64(b))
	return score, !math.IsNaN(score)
}

// readScores reads the reply of kindred.scores.
func readScores(reply []byte) (list []scoredMember, ok bool) {
	n, rest, ok := header(reply)
	if !ok || n%2 != 0 {
		return nil, false
	}
	for range n / 2 {
		var member, encoded []byte
		var score float64
		if member, rest, ok = bulkOf(rest); !ok {
			return nil, false
		}
		if encoded, rest, ok = bulkOf(rest); !ok {
			return nil, false
		}
		if score, ok = decodeScore(encoded); !ok {
			return nil, false
		}
		list = append(list, scoredMember{string(member), score})
	}
	return list, true
}

// writeMerged replies with a combination.
func writeMerged(w *resp.Writer, q *mergeQuery, sets []scores) {
	result := inOrder(q.of(sets))
	n := len(result)
	pairs := q.scores && w.Proto == 3
	if q.scores && !pairs {
		n *= 2
	}
	w.Array(n)
	for _, m := range result {
		if pairs {
			w.Array(2)
		}
		w.BulkString(m.member)
		if q.scores {
			w.Double(m.score)
		}
	}
}

// storeScored makes a key the sorted set of some members, or removes it when there are none, and replies with their number.
func (c *Call) storeScored(key object.Key, result []scoredMember) {
	if len(result) > 0 || c.Tx.Object(key) != nil || c.Tx.Expired(key) {
		e := c.Tx.Edit(key)
		kind.Clear(e)
		for _, m := range result {
			kind.SetScore(e, []byte(m.member), m.score)
		}
	}
	c.Reply.Int(int64(len(result)))
}

// storeScored is the same for a key of any slot.
func (r *Request) storeScored(key []byte, result []scoredMember) {
	args := [][]byte{[]byte("kindred.ranked"), key}
	for _, m := range result {
		args = append(args, []byte(m.member), encodeScore(m.score))
	}
	if write := r.Command(args...); r.executeAll([]*cluster.Command{write}) {
		r.Reply.Raw(write.Reply)
	}
}

// kindred.ranked key [member score ...]
func storeRanked(c *Call) {
	if len(c.Args)%2 != 0 {
		c.Fail(errSyntax)
		return
	}
	var result []scoredMember
	for i := 2; i < len(c.Args); i += 2 {
		score, ok := decodeScore(c.Args[i+1])
		if !ok {
			c.Fail(errSyntax)
			return
		}
		result = append(result, scoredMember{string(c.Args[i]), score})
	}
	c.storeScored(c.Key(1), result)
}

// slotOfAll reports whether keys are all in one slot.
func slotOfAll(key []byte, others [][]byte) bool {
	slot := object.SlotOf(key)
	return !slices.ContainsFunc(others, func(other []byte) bool { return object.SlotOf(other) != slot })
}
