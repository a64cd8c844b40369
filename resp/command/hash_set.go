package command

import (
	"errors"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// HSET key field value [field value ...]: the number of fields that are new.
func hSet(c *Call) {
	if added, ok := c.setFields(); ok {
		c.Reply.Int(added)
	}
}

// HMSET key field value [field value ...]
func hMSet(c *Call) {
	if _, ok := c.setFields(); ok {
		c.Reply.SimpleString("OK")
	}
}

func (c *Call) setFields() (added int64, ok bool) {
	if len(c.Args)%2 != 0 {
		c.Fail(wrongArity(c.spec))
		return 0, false
	}
	key := c.Key(1)
	if _, ok = c.look(key, object.Hash); !ok {
		return 0, false
	}
	e := c.begin(key)
	for i := 2; i < len(c.Args); i += 2 {
		kind.BeginField(e, c.Args[i], c.Tx.Now())
		if kind.SetField(e, c.Args[i], c.Args[i+1]) {
			added++
		}
	}
	return added, true
}

// beginField is begin for a change of one field.
func (c *Call) beginField(key object.Key, field []byte) *object.Edit {
	e := c.begin(key)
	kind.BeginField(e, field, c.Tx.Now())
	return e
}

// HSETNX key field value
func hSetNX(c *Call) {
	key := c.Key(1)
	o, ok := c.look(key, object.Hash)
	if !ok {
		return
	}
	taken := kind.HasField(o, c.Args[2])
	if !taken {
		kind.SetField(c.beginField(key, c.Args[2]), c.Args[2], c.Args[3])
	}
	c.truth(!taken)
}

// HDEL key field [field ...]: the number of fields that were there.
func hDel(c *Call) {
	key := c.Key(1)
	o, ok := c.look(key, object.Hash)
	if !ok {
		return
	}
	removed := int64(0)
	for _, field := range c.Args[2:] {
		// The edit begins with the first field that is there: it must not be empty.
		if kind.HasField(o, field) && kind.RemoveField(c.Tx.Edit(key), field) {
			removed++
		}
	}
	c.end(key)
	c.Reply.Int(removed)
}

// HINCRBY key field increment. Increments made on several nodes at once add up.
func hIncrBy(c *Call) {
	delta, ok := c.Int(3)
	if !ok {
		return
	}
	key, field := c.Key(1), c.Args[2]
	o, ok := c.look(key, object.Hash)
	if !ok {
		return
	}
	if !c.settledFields(o, field) {
		return
	}
	addition, shown, err := kind.AddToField(o, field, delta)
	if err != nil {
		c.failField(err)
		return
	}
	addition.MakeInField(c.beginField(key, field), field)
	c.Reply.Int(shown)
}

// HINCRBYFLOAT key field increment
func hIncrByFloat(c *Call) {
	delta, ok := kind.ParseFloat(c.Args[3])
	if !ok {
		c.FailErr(kind.ErrNotFloat)
		return
	}
	if delta.IsInf() {
		c.Fail("ERR value is NaN or Infinity")
		return
	}
	key, field := c.Key(1), c.Args[2]
	o, ok := c.look(key, object.Hash)
	if !ok {
		return
	}
	if !c.settledFields(o, field) {
		return
	}
	addition, shown, err := kind.AddFloatToField(o, field, delta)
	if err != nil {
		c.failField(err)
		return
	}
	addition.MakeInField(c.beginField(key, field), field)
	c.Reply.Bulk(shown)
}

// failField makes the reply of what is wrong with the value of a field.
func (c *Call) failField(err error) {
	switch {
	case errors.Is(err, kind.ErrNotInteger):
		c.Fail("ERR hash value is not an integer")
	case errors.Is(err, kind.ErrNotFloat):
		c.Fail("ERR hash value is not a float")
	default:
		c.FailErr(err)
	}
}
