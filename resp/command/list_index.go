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
	found, elements := c.gather(func(add func()) {
		for it := range kind.ItemsFrom(o, start) {
			if n--; n < 0 {
				return
			}
			c.Reply.Bulk(it.Value())
			add()
		}
	})
	c.Reply.Array(found)
	c.Reply.Raw(elements)
}

// span is where a range with negative indexes counted from the end begins, and the number of elements in it.
func span(length, start, stop int64) (first, n int64) {
	if start < 0 {
		start = max(0, start+length)
	}
	if stop < 0 {
		stop += length
	}
	return start, max(0, min(stop, length-1)-start+1)
}
