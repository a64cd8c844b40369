package command

import (
	"math"

	"github.com/kindredkv/kindred/engine/kind"
)

// APPEND key value
func appendTo(c *Call) {
	key := c.Key(1)
	o, ok := c.changeString(key)
	if !ok {
		return
	}
	old, more := kind.Value(o), c.Args[2]
	if o != nil && !c.fits(int64(len(old))+int64(len(more))) {
		return
	}
	value := make([]byte, 0, len(old)+len(more))
	value = append(append(value, old...), more...)
	kind.Set(c.Tx.Edit(key), value, true)
	c.Reply.Int(int64(len(value)))
}

// SETRANGE key offset value
func setRange(c *Call) {
	offset, ok := c.Int(2)
	if !ok {
		return
	}
	if offset < 0 {
		c.Fail("ERR offset is out of range")
		return
	}
	key, part := c.Key(1), c.Args[3]
	o, ok := c.changeString(key)
	if !ok {
		return
	}
	old := kind.Value(o)
	if len(part) == 0 {
		c.Reply.Int(int64(len(old)))
		return
	}
	if !c.fits(offset) || !c.fits(offset+int64(len(part))) { // the sum of two that fit does not wrap
		return
	}
	value := make([]byte, max(len(old), int(offset)+len(part)))
	copy(value, old)
	copy(value[offset:], part)
	kind.Set(c.Tx.Edit(key), value, true)
	c.Reply.Int(int64(len(value)))
}

// INCR key
func incr(c *Call) { c.add(1) }

// DECR key
func decr(c *Call) { c.add(-1) }

// INCRBY key increment
func incrBy(c *Call) {
	if delta, ok := c.Int(2); ok {
		c.add(delta)
	}
}

// DECRBY key decrement
func decrBy(c *Call) {
	delta, ok := c.Int(2)
	if !ok {
		return
	}
	if delta == math.MinInt64 {
		c.Fail("ERR decrement would overflow")
		return
	}
	c.add(-delta)
}

// add increments an integer. Increments made on several nodes at once add up.
func (c *Call) add(delta int64) {
	key := c.Key(1)
	o, ok := c.changeString(key)
	if !ok {
		return
	}
	addition, shown, err := kind.Add(o, delta)
	if err != nil {
		c.FailErr(err)
		return
	}
	addition.Make(c.Tx.Edit(key))
	c.Reply.Int(shown)
}

// INCRBYFLOAT key increment
func incrByFloat(c *Call) {
	key := c.Key(1)
	o, ok := c.changeString(key)
	if !ok {
		return
	}
	delta, ok := kind.ParseFloat(c.Args[2])
	if !ok {
		c.FailErr(kind.ErrNotFloat)
		return
	}
	addition, shown, err := kind.AddFloat(o, delta)
	if err != nil {
		c.FailErr(err)
		return
	}
	addition.Make(c.Tx.Edit(key))
	c.Reply.Bulk(shown)
}

// FailErr makes the reply of an error of the packages below.
func (c *Call) FailErr(err error) { c.Fail("ERR " + err.Error()) }
