package command

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"strconv"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// Combining sorted sets of one slot is one keyed command, as with sets. ZUNIONSTORE and its like, whose destination stands before
// the number of keys, are rewritten to kindred.combine then, all keys of which stand together. Of several slots the sets are
// read by kindred.scores, and a result is stored by kindred.ranked.

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
	c.list(-1, func(n int) { c.Reply.Array(2 * n) }, func(add func()) {
		for member, score := range list {
			c.Reply.BulkString(member)
			c.Reply.Bulk(encodeScore(score))
			add()
		}
	})
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
