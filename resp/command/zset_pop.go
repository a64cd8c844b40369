package command

import (
	"github.com/kindredkv/kindred/cluster"
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

// popQuery is what ZMPOP asks for.
type popQuery struct {
	keys     int
	greatest bool
	count    int64
}

// parsePop reads the arguments from the number of keys on. The error is empty when all is well.
func parsePop(args [][]byte) (q popQuery, fault string) {
	n, ok := parseInt(args[0])
	switch {
	case !ok || n < 1:
		return q, "ERR numkeys should be greater than 0"
	case n > int64(len(args)-2):
		return q, errSyntax
	}
	q.keys, q.count = int(n), -1
	rest := args[1+n:]
	switch {
	case equalFold(rest[0], "max"):
		q.greatest = true
	case !equalFold(rest[0], "min"):
		return q, errSyntax
	}
	for rest = rest[1:]; len(rest) > 0; rest = rest[2:] {
		if q.count != -1 || len(rest) < 2 || !equalFold(rest[0], "count") {
			return q, errSyntax
		}
		if q.count, ok = parseInt(rest[1]); !ok || q.count < 1 {
			return q, "ERR count should be greater than 0"
		}
	}
	if q.count == -1 {
		q.count = 1
	}
	return q, ""
}

// ZMPOP numkeys key [key ...] MIN | MAX [COUNT count], all keys in one slot: from the first that is not empty.
func zMPop(c *Call) {
	q, fault := parsePop(c.Args[1:])
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
			popped := c.popScored(key, o, q.count, q.greatest)
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

// ZMPOP with keys in several slots: they are tried one after the other.
func zMPopAcross(r *Request) {
	q, fault := parsePop(r.Args[1:])
	if fault != "" {
		r.Fail(fault)
		return
	}
	rest := r.Args[2+q.keys:]
	for _, key := range r.Args[2 : 2+q.keys] {
		pop := r.Command(append([][]byte{[]byte("zmpop"), []byte("1"), key}, rest...)...)
		pop.Proto = r.Reply.Proto
		if !r.executeAll([]*cluster.Command{pop}) {
			return
		}
		if n, _, ok := header(pop.Reply); ok && n > 0 {
			r.Reply.Raw(pop.Reply)
			return
		}
	}
	r.Reply.NullArray()
}
