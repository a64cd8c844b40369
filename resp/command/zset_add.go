package command

import (
	"math"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

const (
	errNoScore = "ERR resulting score is not a number (NaN)"
	errNoFloat = "ERR value is not a valid float"
)

// additionRules are the options of ZADD.
type additionRules struct {
	nx, xx, gt, lt, ch, incr bool
	pairs                    int // the argument at which the scores and members begin
}

// parseAddition reads the options. The error is empty when all is well.
func parseAddition(args [][]byte) (r additionRules, fault string) {
	options := map[string]*bool{"nx": &r.nx, "xx": &r.xx, "gt": &r.gt, "lt": &r.lt, "ch": &r.ch, "incr": &r.incr}
	for r.pairs = 2; r.pairs < len(args); r.pairs++ {
		known := false
		for word, option := range options {
			if equalFold(args[r.pairs], word) {
				*option, known = true, true
			}
		}
		if !known {
			break
		}
	}
	rest := len(args) - r.pairs
	switch {
	case rest == 0 || rest%2 != 0:
		return r, errSyntax
	case r.nx && r.xx:
		return r, "ERR XX and NX options at the same time are not compatible"
	case r.gt && r.nx || r.lt && r.nx || r.gt && r.lt:
		return r, "ERR GT, LT, and/or NX options at the same time are not compatible"
	case r.incr && rest > 2:
		return r, "ERR INCR option supports a single increment-element pair"
	}
	return r, ""
}

// zAddMode: what counts or looks first must not run twice.
func zAddMode(args [][]byte) cluster.Mode {
	if r, fault := parseAddition(args); fault == "" && (r.incr || r.nx) {
		return changes
	}
	return repeatable
}

// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]: the number of members that are new, with CH also of
// those whose score is another; with INCR the score. A score that is set is written although it is the same, so that the
// member outlives a removal on another node that does not know of this.
func zAdd(c *Call) {
	rules, fault := parseAddition(c.Args)
	if fault != "" {
		c.Fail(fault)
		return
	}
	list := make([]scoreOf, 0, (len(c.Args)-rules.pairs)/2)
	for i := rules.pairs; i < len(c.Args); i += 2 {
		score, ok := c.score(i)
		if !ok {
			return
		}
		list = append(list, scoreOf{c.Args[i+1], score})
	}
	c.addScores(rules, list)
}

// ZINCRBY key increment member. Increments made on several nodes at once add up.
func zIncrBy(c *Call) {
	if delta, ok := c.score(2); ok {
		c.addScores(additionRules{incr: true}, []scoreOf{{c.Args[3], delta}})
	}
}

// score reads argument i as a score. When it is none the error is the reply.
func (c *Call) score(i int) (score float64, ok bool) {
	if score, ok = kind.ParseScore(c.Args[i]); !ok {
		c.Fail(errNoFloat)
	}
	return score, ok
}

// scoreOf is a member to be added, and its score or what to add to it.
type scoreOf struct {
	member []byte
	score  float64
}

// addScores adds members with their scores by the rules, and replies.
func (c *Call) addScores(rules additionRules, list []scoreOf) {
	key := c.Key(1)
	o, ok := c.look(key, object.ZSet)
	if !ok {
		return
	}
	added, changed, shown, done := int64(0), int64(0), 0.0, false
	for _, m := range list {
		member, score := m.member, m.score
		before, there := c.scoreBefore(key, o, member)
		after := score
		if there && rules.incr {
			if after = before + score; math.IsNaN(after) {
				c.Fail(errNoScore)
				return
			}
		}
		if there && (rules.nx || rules.gt && after <= before || rules.lt && after >= before) || !there && rules.xx {
			continue
		}
		e := c.begin(key)
		if rules.incr {
			kind.AddToScore(e, member, score)
		} else {
			kind.SetScore(e, member, score)
		}
		shown, done = after, true
		switch {
		case !there:
			added++
		case before != after:
			changed++
		}
	}
	switch {
	case rules.incr && done:
		c.Reply.Double(shown)
	case rules.incr:
		c.Reply.Null()
	case rules.ch:
		c.Reply.Int(added + changed)
	default:
		c.Reply.Int(added)
	}
}

// scoreBefore is the score of a member before the command writes it. o is the sorted set at the start of the command.
func (c *Call) scoreBefore(key object.Key, o *object.Object, member []byte) (float64, bool) {
	if e := c.Tx.Edited(key); e != nil {
		return kind.ScoreIn(e, member)
	}
	return kind.Score(o, member)
}

// ZREM key member [member ...]: the number of members that were there.
func zRem(c *Call) {
	key := c.Key(1)
	o, ok := c.look(key, object.ZSet)
	if !ok {
		return
	}
	removed := int64(0)
	for _, member := range c.Args[2:] {
		// The edit begins with the first member that is there: it must not be empty.
		if kind.HasScored(o, member) && kind.RemoveScored(c.Tx.Edit(key), member) {
			removed++
		}
	}
	c.end(key)
	c.Reply.Int(removed)
}

// ZREMRANGEBYRANK key start stop
func zRemRangeByRank(c *Call) { c.removeRange(byRank) }

// ZREMRANGEBYSCORE key min max
func zRemRangeByScore(c *Call) { c.removeRange(byScore) }

// ZREMRANGEBYLEX key min max
func zRemRangeByLex(c *Call) { c.removeRange(byMember) }

func (c *Call) removeRange(by ordering) {
	bounds, fault := parseBounds(by, c.Args[2], c.Args[3])
	if fault != "" {
		c.Fail(fault)
		return
	}
	key := c.Key(1)
	o, ok := c.look(key, object.ZSet)
	if !ok {
		return
	}
	if o == nil {
		c.Reply.Int(0)
		return
	}
	var found []kind.Spot
	for s := range kind.Between(o, object.ZSet, bounds.in(o, false), false, 0) {
		found = append(found, s)
	}
	c.removeScored(key, found)
	c.Reply.Int(int64(len(found)))
}

func (c *Call) removeScored(key object.Key, found []kind.Spot) {
	if len(found) == 0 {
		return
	}
	e := c.Tx.Edit(key)
	for _, s := range found {
		kind.RemoveScored(e, []byte(s.Member()))
	}
	kind.End(e)
}
