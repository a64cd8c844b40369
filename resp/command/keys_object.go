package command

import (
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// objectSpec is OBJECT, which tells what Redis would do with a value.
func objectSpec() Spec {
	sub := func(name, since, summary string, answer func(*Call, *object.Object)) Spec {
		return Spec{
			Name: name, Arity: 3, Flags: ReadOnly, Category: CatKeyspace, Tips: []string{"nondeterministic_output"},
			FirstKey: 2, LastKey: 2, Step: 1, KeyFlags: []KeyFlags{KeyRO}, Group: "generic", Since: since, Usage: "<key>",
			Complexity: "O(1)", Summary: summary, Mode: reads, Run: objectOf(answer),
		}
	}
	help := helpSpec("6.2.0", "generic", CatKeyspace)
	return Spec{
		Name: "object", Arity: -2, Group: "generic", Since: "2.2.3", Complexity: "Depends on subcommand.",
		Summary: "A container for object introspection commands.",
		Subcommands: []Spec{
			sub("encoding", "2.2.3", "Returns the encoding that Redis would give the value.", objectEncoding),
			sub("freq", "4.0.0", "Returns an error: access frequency is not tracked.", objectFreq),
			sub("idletime", "2.2.3", "Returns the time since the latest write of a key, in seconds.", objectIdleTime),
			sub("refcount", "2.2.3", "Returns the reference count that Redis would give the value.", objectRefCount),
			help,
		},
	}
}

// objectOf answers about a key that exists, and null about one that does not.
func objectOf(answer func(*Call, *object.Object)) func(*Call) {
	return func(c *Call) {
		if o := c.Tx.Object(c.Key(2)); o != nil {
			answer(c, o)
			return
		}
		c.Reply.Null()
	}
}

// embeddedMax is the longest string that Redis keeps in one piece with its header.
const embeddedMax = 44

// OBJECT ENCODING key, by the value alone: Redis says raw of a short one that APPEND or SETRANGE has made.
func objectEncoding(c *Call, o *object.Object) {
	value := kind.Value(o)
	_, isInt := parseInt(value)
	switch {
	case o.Kind() != object.String:
		c.Reply.BulkString("hashtable")
	case isInt:
		c.Reply.BulkString("int")
	case len(value) <= embeddedMax:
		c.Reply.BulkString("embstr")
	default:
		c.Reply.BulkString("raw")
	}
}

func objectFreq(c *Call, _ *object.Object) {
	c.Fail("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching " +
		"between policies at runtime LRU and LFU data will take some time to adjust.")
}

// OBJECT IDLETIME key. Reads are not tracked.
func objectIdleTime(c *Call, o *object.Object) {
	var latest causal.Time
	for i := range o.Cells {
		latest = max(latest, o.Cells[i].Newest().Dot.Time)
	}
	c.Reply.Int(max(0, c.Tx.Now()-latest.Milliseconds()) / 1000)
}

// sharedIntegers are those that Redis has one object of, which it says has all references that can be.
const sharedIntegers = 10000

// OBJECT REFCOUNT key
func objectRefCount(c *Call, o *object.Object) {
	if n, ok := parseInt(kind.Value(o)); ok && n >= 0 && n < sharedIntegers {
		c.Reply.Int(1<<31 - 1)
		return
	}
	c.Reply.Int(1)
}
