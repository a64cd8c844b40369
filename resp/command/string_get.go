package command

import (
	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// GET key
func get(c *Call) {
	if o, ok := c.readString(c.Key(1)); ok {
		c.valueOrNull(o)
	}
}

// MGET key [key ...]: null for keys that hold something else.
func mGet(c *Call) {
	start := len(c.Reply.Buf)
	c.Reply.Array(len(c.Args) - 1)
	for i := 1; i < len(c.Args); i++ {
		o := c.Lookup(c.Key(i))
		if o != nil && o.Kind() != object.String {
			o = nil
		}
		if o != nil && c.Settings.ConflictError && kind.Conflicted(o) {
			c.Reply.Buf = c.Reply.Buf[:start]
			c.Fail(errConflict)
			return
		}
		if o == nil {
			c.Reply.Null()
			continue
		}
		c.Reply.Bulk(kind.Value(o))
	}
}

// STRLEN key
func strLen(c *Call) {
	if o, ok := c.readString(c.Key(1)); ok {
		c.Reply.Int(int64(len(kind.Value(o))))
	}
}

// GETRANGE key start end, both included and counted from the end when negative.
func getRange(c *Call) {
	start, ok := c.Int(2)
	if !ok {
		return
	}
	end, ok := c.Int(3)
	if !ok {
		return
	}
	o, ok := c.readString(c.Key(1))
	if !ok {
		return
	}
	value := kind.Value(o)
	size := int64(len(value))
	if start < 0 && end < 0 && start > end {
		c.Reply.BulkString("")
		return
	}
	start, end = fromEnd(start, size), min(fromEnd(end, size), size-1)
	if start > end {
		c.Reply.BulkString("")
		return
	}
	c.value(value[start : end+1])
}

// fromEnd makes an index that may count from the end one from the start, 0 when it is before it.
func fromEnd(i, size int64) int64 {
	if i < 0 {
		i += size
	}
	return max(0, i)
}

// GETDEL key
func getDel(c *Call) {
	key := c.Key(1)
	o, ok := c.readString(key)
	if !ok {
		return
	}
	c.valueOrNull(o)
	if o != nil {
		kind.Clear(c.Tx.Edit(key))
	}
}

// GETSET key value
func getSet(c *Call) {
	key := c.Key(1)
	o, ok := c.readString(key)
	if !ok {
		return
	}
	c.valueOrNull(o)
	kind.Set(c.Tx.Edit(key), c.Args[2], false)
}

// getExMode: without an option GETEX only reads. With a time that may have passed it removes the key, and would not
// find it when run again.
func getExMode(args [][]byte) cluster.Mode {
	o, ok := parseSet(args, 2, forGetEx)
	switch {
	case !ok || len(args) == 2:
		return reads
	case o.unit.absolute():
		return changes
	default:
		return repeatable
	}
}

// GETEX key [EX seconds | PX milliseconds | EXAT seconds | PXAT milliseconds | PERSIST]
func getEx(c *Call) {
	options, ok := parseSet(c.Args, 2, forGetEx)
	if !ok {
		c.Fail(errSyntax)
		return
	}
	key := c.Key(1)
	o, ok := c.readString(key)
	if !ok {
		return
	}
	if o == nil {
		c.Reply.Null()
		return
	}
	at := object.NoDeadline
	if options.unit != noUnit {
		if at, ok = c.setDeadline(options.expire, options.unit); !ok {
			return
		}
	}
	c.valueOrNull(o)
	switch {
	case options.unit.absolute() && at <= c.Tx.Now():
		kind.Clear(c.Tx.Edit(key))
	case options.unit != noUnit, options.persist && o.Deadline() != object.NoDeadline:
		c.Tx.Edit(key).SetDeadline(at)
	}
}
