package command

import (
	"math"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// HGET key field
func hGet(c *Call) {
	if o, ok := c.readField(c.Key(1), c.Args[2]); ok {
		c.fieldOrNull(o, c.Args[2])
	}
}

const errFieldConflict = "CONFLICT the field has concurrent values: see SIBLINGS … FIELD, settle with RESOLVE … FIELD"

// readField is read of a hash for some fields. Where one of them has several values the reply may be the error.
func (c *Call) readField(key object.Key, fields ...[]byte) (o *object.Object, ok bool) {
	if o, ok = c.read(key, object.Hash); ok {
		ok = c.settledFields(o, fields...)
	}
	return o, ok
}

func (c *Call) settledFields(o *object.Object, fields ...[]byte) bool {
	if !c.Settings.ConflictError {
		return true
	}
	for _, field := range fields {
		if kind.FieldConflicted(o, field) {
			c.Fail(errFieldConflict)
			return false
		}
	}
	return true
}

func (c *Call) fieldOrNull(o *object.Object, field []byte) {
	if value, ok := kind.Field(o, field); ok {
		c.Reply.Bulk(value)
		return
	}
	c.Reply.Null()
}

// HMGET key field [field ...]
func hMGet(c *Call) {
	o, ok := c.readField(c.Key(1), c.Args[2:]...)
	if !ok {
		return
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, field := range c.Args[2:] {
		c.fieldOrNull(o, field)
	}
}

// HEXISTS key field
func hExists(c *Call) {
	if o, ok := c.read(c.Key(1), object.Hash); ok {
		c.truth(kind.HasField(o, c.Args[2]))
	}
}

// HSTRLEN key field
func hStrLen(c *Call) {
	if o, ok := c.readField(c.Key(1), c.Args[2]); ok {
		value, _ := kind.Field(o, c.Args[2])
		c.Reply.Int(int64(len(value)))
	}
}

// HLEN key
func hLen(c *Call) {
	if o, ok := c.read(c.Key(1), object.Hash); ok {
		c.Reply.Int(count(o, object.Hash))
	}
}

// HGETALL key
func hGetAll(c *Call) {
	c.fields(true, true, c.Reply.Map)
}

// HKEYS key
func hKeys(c *Call) {
	c.fields(true, false, c.Reply.Array)
}

// HVALS key
func hVals(c *Call) {
	c.fields(false, true, c.Reply.Array)
}

// fields replies with the names, values or both of all fields.
func (c *Call) fields(names, values bool, header func(n int)) {
	o, ok := c.read(c.Key(1), object.Hash)
	if !ok {
		return
	}
	if o == nil {
		header(0)
		return
	}
	if c.Settings.ConflictError && values {
		for el := range kind.All(o, object.Hash) {
			if el.Conflicted(o) {
				c.Fail(errFieldConflict)
				return
			}
		}
	}
	c.list(exactly(o, object.Hash), header, func(add func()) {
		for el := range kind.All(o, object.Hash) {
			c.field(o, &el, names, values)
			add()
		}
	})
}

// conflicted reports whether a field must not be shown, since it has several values.
func (c *Call) conflicted(o *object.Object, el *kind.Element) bool {
	return c.Settings.ConflictError && el.Conflicted(o)
}

func (c *Call) field(o *object.Object, el *kind.Element, names, values bool) {
	if names {
		c.Reply.BulkString(el.Name)
	}
	if values {
		c.Reply.Bulk(el.Value(o))
	}
}

// HSCAN key cursor [MATCH pattern] [COUNT count]
func hScan(c *Call) {
	start, conflict := len(c.Reply.Buf), false
	c.scanOf(object.Hash, 2, func(o *object.Object, el *kind.Element) {
		conflict = conflict || c.conflicted(o, el)
		c.field(o, el, true, true)
	})
	if conflict {
		c.Reply.Buf = c.Reply.Buf[:start]
		c.Fail(errFieldConflict)
	}
}

// HRANDFIELD key [count [WITHVALUES]]
func hRandField(c *Call) {
	if len(c.Args) == 2 {
		o, ok := c.read(c.Key(1), object.Hash)
		switch {
		case !ok:
		case o == nil:
			c.Reply.Null()
		default:
			for el := range kind.Draw(o, object.Hash, 1, false) {
				c.Reply.BulkString(el.Name)
			}
		}
		return
	}
	n, ok := c.randomCount(2)
	if !ok {
		return
	}
	values := len(c.Args) == 4 && c.Is(3, "withvalues")
	switch {
	case len(c.Args) > 3 && !values:
		c.Fail(errSyntax)
		return
	case values && n > math.MaxInt64/2: // the reply would be twice as long
		c.Fail(errOutOfRange)
		return
	}
	c.randomFields(n, values)
}

// randomFields replies with n fields, -n with some perhaps more than once.
func (c *Call) randomFields(n int64, values bool) {
	o, ok := c.read(c.Key(1), object.Hash)
	if !ok {
		return
	}
	pairs := values && c.Reply.Proto == 3
	conflict := false
	drawn, found := c.gather(func(add func()) {
		if o == nil {
			return
		}
		for el := range kind.Draw(o, object.Hash, max(n, -n), n < 0) {
			if conflict = values && c.conflicted(o, &el); conflict {
				return
			}
			if pairs {
				c.Reply.Array(2)
			}
			c.field(o, &el, true, values)
			add()
		}
	})
	if conflict {
		c.Fail(errFieldConflict)
		return
	}
	if values && !pairs {
		drawn *= 2
	}
	c.Reply.Array(drawn)
	c.Reply.Raw(found)
}
