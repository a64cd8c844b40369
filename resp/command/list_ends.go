package command

import (
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// LPUSH and RPUSH key element [element ...]: the length of the list.
func pushed(side kind.Side) func(*Call) {
	return func(c *Call) {
		key := c.Key(1)
		if o, ok := c.look(key, object.List); ok {
			c.push(key, o, side, c.Args[2:]...)
		}
	}
}

// LPUSHX and RPUSHX key element [element ...]: the length of the list, 0 when there is none.
func pushedIfThere(side kind.Side) func(*Call) {
	return func(c *Call) {
		key := c.Key(1)
		o, ok := c.look(key, object.List)
		switch {
		case !ok:
		case o == nil:
			c.Reply.Int(0)
		default:
			c.push(key, o, side, c.Args[2:]...)
		}
	}
}

func (c *Call) push(key object.Key, o *object.Object, side kind.Side, values ...[]byte) {
	kind.Push(c.begin(key), side, values...)
	c.Reply.Int(count(o, object.List) + int64(len(values)))
}

// LPOP and RPOP key [count]: an element, or with a count an array of them.
func popped(side kind.Side) func(*Call) {
	return func(c *Call) {
		n, alone := int64(1), len(c.Args) == 2
		if len(c.Args) > 3 {
			c.Fail(wrongArity(c.spec))
			return
		}
		if !alone {
			var ok bool
			if n, ok = parseInt(c.Args[2]); !ok || n < 0 {
				c.Fail(errPositive)
				return
			}
		}
		key := c.Key(1)
		o, ok := c.look(key, object.List)
		switch {
		case !ok:
		case o == nil && alone:
			c.Reply.Null()
		case o == nil:
			c.Reply.NullArray()
		case alone:
			for _, value := range c.popEnd(key, side, 1) {
				c.Reply.Bulk(value)
			}
		default:
			c.bulks(c.popEnd(key, side, n))
		}
	}
}

// popEnd removes up to n elements from an end of a list that exists.
func (c *Call) popEnd(key object.Key, side kind.Side, n int64) [][]byte {
	if n == 0 {
		return nil
	}
	e := c.Tx.Edit(key)
	values := kind.Pop(e, side, n)
	kind.End(e)
	return values
}

// bulks replies with an array.
func (c *Call) bulks(values [][]byte) {
	c.Reply.Array(len(values))
	for _, v := range values {
		c.Reply.Bulk(v)
	}
}

// LLEN key
func lLen(c *Call) {
	if o, ok := c.read(c.Key(1), object.List); ok {
		c.Reply.Int(count(o, object.List))
	}
}

// LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count], all keys in one slot: the first key that is a list, and elements of it.
func lMPop(c *Call) {
	q, fault := parseMultiPop(c.Args[1:], listSides)
	if fault != "" {
		c.Fail(fault)
		return
	}
	for i := 2; i < 2+q.keys; i++ {
		key := c.Key(i)
		o, ok := c.look(key, object.List)
		if !ok {
			return
		}
		if o != nil {
			c.Reply.Array(2)
			c.Reply.Bulk(c.Args[i])
			c.bulks(c.popEnd(key, kind.Side(q.last), q.count))
			return
		}
	}
	c.Reply.NullArray()
}
