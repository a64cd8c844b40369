package command

import (
	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// The commands of Redis 7.4 on deadlines of fields. Their replies have a number for each field.
const (
	noField     = -2 // there is no such field, or no such key
	noDeadline  = -1 // the field does not expire
	unmet       = 0  // the condition is not met
	deadlineSet = 1  // or taken away
	fieldGone   = 2  // the time has passed, and the field is removed
)

// maxFieldDeadline is the latest time that Redis takes, a Unix millisecond.
const maxFieldDeadline = 1<<46 - 1

// hashExpireSpecs are the commands on deadlines of fields.
func hashExpireSpecs() []Spec {
	const linear = "O(N) where N is the number of fields named"
	expire := func(name, summary string, unit timeUnit) Spec {
		return Spec{
			Name: name, Arity: -6, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Complexity: linear,
			Since: "7.4.0", ModeOf: hExpireMode, Run: hExpireIn(unit), Summary: summary,
		}
	}
	show := func(name, summary string, show func(c *Call, at int64) int64) Spec {
		return Spec{
			Name: name, Arity: -5, Flags: ReadOnly | Fast, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Complexity: linear, Since: "7.4.0",
			Mode: reads, Run: hDeadlines(show), Summary: summary,
		}
	}
	return []Spec{
		expire("hexpire", "Sets the time after which fields expire, in seconds.", inSeconds),
		expire("hpexpire", "Sets the time after which fields expire, in milliseconds.", inMilliseconds),
		expire("hexpireat", "Sets the Unix time at which fields expire, in seconds.", atSecond),
		expire("hpexpireat", "Sets the Unix time at which fields expire, in milliseconds.", atMillisecond),
		show("httl", "Returns after how many seconds fields expire.", func(c *Call, at int64) int64 { return upToSeconds(at - c.Tx.Now()) }),
		show("hpttl", "Returns after how many milliseconds fields expire.", func(c *Call, at int64) int64 { return at - c.Tx.Now() }),
		show("hexpiretime", "Returns the Unix time at which fields expire, in seconds.", func(_ *Call, at int64) int64 { return upToSeconds(at) }),
		show("hpexpiretime", "Returns the Unix time at which fields expire, in milliseconds.", func(_ *Call, at int64) int64 { return at }),
		{
			Name: "hpersist", Arity: -5, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Complexity: linear,
			Since: "7.4.0", Mode: repeatable, Run: hPersist, Summary: "Takes the times away at which fields expire.",
		},
	}
}

func upToSeconds(ms int64) int64 { return (ms + 999) / 1000 }

// hExpireMode: with a condition, HEXPIRE would judge by its own effect when run again.
func hExpireMode(args [][]byte) cluster.Mode {
	if equalFold(args[3], "fields") {
		return repeatable
	}
	return changes
}

// namedFields reads FIELDS numfields field [field ...] from argument i on. Without ok the error is the reply.
func (c *Call) namedFields(i int) (fields [][]byte, ok bool) {
	if i+1 >= len(c.Args) || !c.Is(i, "fields") {
		c.Fail("ERR Mandatory argument FIELDS is missing or not at the right position")
		return nil, false
	}
	n, ok := parseInt(c.Args[i+1])
	fields = c.Args[i+2:]
	switch {
	case !ok || n < 1:
		c.Fail("ERR Parameter `numFields` should be greater than 0")
	case n != int64(len(fields)):
		c.Fail("ERR The `numfields` parameter must match the number of arguments")
	default:
		return fields, true
	}
	return nil, false
}

// fieldDeadline reads the time of HEXPIRE and the like as a Unix millisecond. Without ok the error is the reply.
func (c *Call) fieldDeadline(unit timeUnit) (at int64, ok bool) {
	n, ok := c.Int(2)
	if !ok {
		return 0, false
	}
	if n < 0 {
		c.Fail("ERR invalid expire time, must be >= 0")
		return 0, false
	}
	if at, ok = c.deadline(n, unit); !ok || at > maxFieldDeadline {
		c.failExpireTime()
		return 0, false
	}
	return at, true
}

// hExpireIn is HEXPIRE, HPEXPIRE, HEXPIREAT or HPEXPIREAT key time [NX | XX | GT | LT] FIELDS numfields field [field ...].
func hExpireIn(unit timeUnit) func(*Call) {
	return func(c *Call) {
		key := c.Key(1)
		o, ok := c.look(key, object.Hash)
		if !ok {
			return
		}
		at, ok := c.fieldDeadline(unit)
		if !ok {
			return
		}
		options, i := expireOptions{}, 4
		switch {
		case c.Is(3, "nx"):
			options.nx = true
		case c.Is(3, "xx"):
			options.xx = true
		case c.Is(3, "gt"):
			options.gt = true
		case c.Is(3, "lt"):
			options.lt = true
		default:
			i = 3
		}
		fields, ok := c.namedFields(i)
		if !ok {
			return
		}
		c.Reply.Array(len(fields))
		for _, field := range fields {
			c.Reply.Int(c.expireField(key, o, field, at, options))
		}
		c.end(key)
	}
}

// deadlineNow is the deadline of a field, and whether it is there. o is the hash before the command, which may have named the
// field before.
func (c *Call) deadlineNow(key object.Key, o *object.Object, field []byte) (at int64, ok bool) {
	e := c.Tx.Edited(key)
	switch {
	case !kind.HasField(o, field):
		return object.NoDeadline, false
	case e != nil:
		return kind.EditedField(e, field)
	default:
		return kind.FieldDeadline(o, field), true
	}
}

// expireField gives one field a deadline, if it is there and the condition is met.
func (c *Call) expireField(key object.Key, o *object.Object, field []byte, at int64, options expireOptions) int64 {
	before, ok := c.deadlineNow(key, o, field)
	switch {
	case !ok:
		return noField
	case !options.allow(before, at):
		return unmet
	case at <= c.Tx.Now():
		kind.RemoveField(c.Tx.Edit(key), field)
		return fieldGone
	default:
		kind.SetFieldDeadline(c.Tx.Edit(key), field, at)
		return deadlineSet
	}
}

// HPERSIST key FIELDS numfields field [field ...]
func hPersist(c *Call) {
	key := c.Key(1)
	o, ok := c.look(key, object.Hash)
	if !ok {
		return
	}
	fields, ok := c.namedFields(2)
	if !ok {
		return
	}
	c.Reply.Array(len(fields))
	for _, field := range fields {
		switch at, ok := c.deadlineNow(key, o, field); {
		case !ok:
			c.Reply.Int(noField)
		case at == object.NoDeadline:
			c.Reply.Int(noDeadline)
		default:
			kind.SetFieldDeadline(c.Tx.Edit(key), field, object.NoDeadline)
			c.Reply.Int(deadlineSet)
		}
	}
}

// hDeadlines is HTTL and the like key FIELDS numfields field [field ...]: of each field what show makes of its deadline.
func hDeadlines(show func(c *Call, at int64) int64) func(*Call) {
	return func(c *Call) {
		o, ok := c.read(c.Key(1), object.Hash)
		if !ok {
			return
		}
		fields, ok := c.namedFields(2)
		if !ok {
			return
		}
		c.Reply.Array(len(fields))
		for _, field := range fields {
			switch at := kind.FieldDeadline(o, field); {
			case !kind.HasField(o, field):
				c.Reply.Int(noField)
			case at == object.NoDeadline:
				c.Reply.Int(noDeadline)
			default:
				c.Reply.Int(show(c, at))
			}
		}
	}
}
