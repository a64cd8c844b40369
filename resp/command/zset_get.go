package command

import (
	"math"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// ZCARD key
func zCard(c *Call) {
	if o, ok := c.read(c.Key(1), object.ZSet); ok {
		c.Reply.Int(count(o, object.ZSet))
	}
}

// ZSCORE key member
func zScore(c *Call) {
	if o, ok := c.read(c.Key(1), object.ZSet); ok {
		c.scoreOrNull(o, c.Args[2])
	}
}

func (c *Call) scoreOrNull(o *object.Object, member []byte) {
	if score, ok := kind.Score(o, member); ok {
		c.Reply.Double(score)
		return
	}
	c.Reply.Null()
}

// ZMSCORE key member [member ...]
func zMScore(c *Call) {
	o, ok := c.read(c.Key(1), object.ZSet)
	if !ok {
		return
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		c.scoreOrNull(o, member)
	}
}

// ZCOUNT key min max
func zCount(c *Call) { c.countRange(byScore) }

// ZLEXCOUNT key min max
func zLexCount(c *Call) { c.countRange(byMember) }

func (c *Call) countRange(by ordering) {
	b, fault := parseBounds(by, c.Args[2], c.Args[3])
	if fault != "" {
		c.Fail(fault)
		return
	}
	o, ok := c.read(c.Key(1), object.ZSet)
	switch {
	case !ok:
	case o == nil:
		c.Reply.Int(0)
	default:
		c.Reply.Int(kind.CountBetween(o, object.ZSet, b.in(o, false)))
	}
}

// ZRANK and ZREVRANK key member [WITHSCORE]
func zRank(reverse bool) func(*Call) {
	return func(c *Call) {
		scores := len(c.Args) == 4
		switch {
		case len(c.Args) > 4:
			c.Fail(wrongArity(c.spec))
			return
		case scores && !c.Is(3, "withscore"):
			c.Fail(errSyntax)
			return
		}
		o, ok := c.read(c.Key(1), object.ZSet)
		if !ok {
			return
		}
		score, there := kind.Score(o, c.Args[2])
		switch {
		case !there && scores:
			c.Reply.NullArray()
			return
		case !there:
			c.Reply.Null()
			return
		}
		rank := kind.RankOf(o, object.ZSet, kind.ScoreSpot(score, string(c.Args[2])))
		if reverse {
			rank = o.Count(object.ZSet) - 1 - rank
		}
		if scores {
			c.Reply.Array(2)
		}
		c.Reply.Int(rank)
		if scores {
			c.Reply.Double(score)
		}
	}
}

// ZSCAN key cursor [MATCH pattern] [COUNT count]. A small sorted set is one step, in the order of its scores.
func zScan(c *Call) {
	c.scanOf(object.ZSet, 2, func(_ *object.Object, el *kind.Element) { c.scannedScore(el.Name, el.Score()) })
}

func (c *Call) scannedScore(member string, score float64) {
	c.Reply.BulkString(member)
	c.Reply.Bulk(resp.AppendDouble(nil, score))
}

// ZRANDMEMBER key [count [WITHSCORES]]
func zRandMember(c *Call) {
	if len(c.Args) == 2 {
		o, ok := c.read(c.Key(1), object.ZSet)
		switch {
		case !ok:
		case o == nil:
			c.Reply.Null()
		default:
			for el := range kind.Draw(o, object.ZSet, 1, false) {
				c.Reply.BulkString(el.Name)
			}
		}
		return
	}
	n, ok := c.randomCount(2)
	if !ok {
		return
	}
	scores := len(c.Args) == 4 && c.Is(3, "withscores")
	switch {
	case len(c.Args) > 3 && !scores:
		c.Fail(errSyntax)
		return
	case scores && n > math.MaxInt64/2: // the reply would be twice as long
		c.Fail(errOutOfRange)
		return
	}
	o, ok := c.read(c.Key(1), object.ZSet)
	if !ok {
		return
	}
	drawn, found := c.gather(func(add func()) {
		if o == nil {
			return
		}
		for el := range kind.Draw(o, object.ZSet, max(n, -n), n < 0) {
			if scores {
				c.pair(el.Name, el.Score())
			} else {
				c.Reply.BulkString(el.Name)
			}
			add()
		}
	})
	c.pairs(drawn, scores)
	c.Reply.Raw(found)
}
