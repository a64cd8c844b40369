package command

import (
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

const errNoIndex = "ERR index out of range"

// LINDEX key index
func lIndex(c *Call) {
	o, ok := c.read(c.Key(1), object.List)
	if !ok {
		return
	}
	if o == nil {
		c.Reply.Null()
		return
	}
	index, ok := c.Int(2)
	if !ok {
		return
	}
	if it, ok := kind.ItemAt(o, index); ok {
		c.Reply.Bulk(it.Value())
		return
	}
	c.Reply.Null()
}

// LRANGE key start stop
func lRange(c *Call) {
	start, ok := c.Int(2)
	if !ok {
		return
	}
	stop, ok := c.Int(3)
	if !ok {
		return
	}
	o, ok := c.read(c.Key(1), object.List)
	if !ok {
		return
	}
	start, n := span(count(o, object.List), start, stop)
	c.list(n, c.Reply.Array, func(add func()) {
		left := n
		for it := range kind.ItemsFrom(o, start) {
			if left--; left < 0 {
				return
			}
			c.Reply.Bulk(it.Value())
			add()
		}
	})
}

// span is where a range with negative indexes counted from the end begins, and the number of elements in it.
func span(length, start, stop int64) (first, n int64) {
	if start < 0 {
		start = max(0, start+length)
	}
	if stop < 0 {
		stop += length
	}
	if stop = min(stop, length-1); start > stop {
		return start, 0
	}
	return start, stop - start + 1
}

// LSET key index element
func lSet(c *Call) {
	key := c.Key(1)
	o, ok := c.look(key, object.List)
	if !ok {
		return
	}
	if o == nil {
		c.Fail(errNoKey)
		return
	}
	index, ok := c.Int(2)
	if !ok {
		return
	}
	it, ok := kind.ItemAt(o, index)
	if !ok {
		c.Fail(errNoIndex)
		return
	}
	kind.SetItem(c.Tx.Edit(key), it.Spot, c.Args[3])
	c.Reply.SimpleString("OK")
}

// LTRIM key start stop
func lTrim(c *Call) {
	start, ok := c.Int(2)
	if !ok {
		return
	}
	stop, ok := c.Int(3)
	if !ok {
		return
	}
	key := c.Key(1)
	o, ok := c.look(key, object.List)
	if !ok {
		return
	}
	length := count(o, object.List)
	if first, n := span(length, start, stop); n < length {
		e := c.Tx.Edit(key)
		kind.Trim(e, first, n)
		kind.End(e)
	}
	c.Reply.SimpleString("OK")
}
