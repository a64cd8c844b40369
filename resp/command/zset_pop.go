package command

import (
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// ZPOPMIN key [count]
func zPopMin(c *Call) { c.popOne(false) }

// ZPOPMAX key [count]
func zPopMax(c *Call) { c.popOne(true) }

func (c *Call) popOne(greatest bool) {
	n, alone, ok := c.popCount()
	if !ok {
		return
	}
	key := c.Key(1)
	o, ok := c.read(key, object.ZSet)
	if !ok {
		return
	}
	popped := c.popScored(key, o, n, greatest)
	if alone && c.Reply.Proto == 3 {
		c.Reply.Array(2 * len(popped)) // one pair, not nested
		for _, s := range popped {
			c.Reply.BulkString(s.Member())
			c.Reply.Double(s.Score())
		}
		return
	}
	c.writePopped(popped)
}

// popScored removes the n members of the least or the greatest scores from a sorted set, all when there are no more.
func (c *Call) popScored(key object.Key, o *object.Object, n int64, greatest bool) (popped []kind.Spot) {
	if o == nil || n == 0 {
		return nil
	}
	end := kind.Ascend(o, object.ZSet, "")
	if greatest {
		end = kind.Descend(o, object.ZSet, kind.EndSpot)
	}
	for s := range end {
		if popped = append(popped, s); int64(len(popped)) == n {
			break
		}
	}
	c.removeScored(key, popped)
	return popped
}

// writePopped replies with members and their scores.
func (c *Call) writePopped(popped []kind.Spot) {
	c.pairs(len(popped), true)
	for _, s := range popped {
		c.pair(s.Member(), s.Score())
	}
}

// ZMPOP numkeys key [key ...] MIN | MAX [COUNT count], all keys in one slot: from the first that is not empty.
func zMPop(c *Call) {
	q, fault := parseMultiPop(c.Args[1:], scoreSides)
	if fault != "" {
		c.Fail(fault)
		return
	}
	for i := 2; i < 2+q.keys; i++ {
		key := c.Key(i)
		o, ok := c.read(key, object.ZSet)
		if !ok {
			return
		}
		if o != nil {
			c.Reply.Array(2)
			c.Reply.Bulk(c.Args[i])
			popped := c.popScored(key, o, q.count, q.last)
			c.Reply.Array(len(popped))
			for _, s := range popped {
				c.Reply.Array(2)
				c.Reply.BulkString(s.Member())
				c.Reply.Double(s.Score())
			}
			return
		}
	}
	c.Reply.NullArray()
}
