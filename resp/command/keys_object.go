package command

import (
	"time"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/engine/usage"
)

// objectSpec is OBJECT, which tells what Redis would do with a value.
func objectSpec() Spec {
	sub := func(name, since, summary string, answer func(*Call, *object.Object)) Spec {
		return Spec{
			Name: name, Arity: 3, Flags: ReadOnly, Category: CatKeyspace, Tips: []string{"nondeterministic_output"},
			FirstKey: 2, LastKey: 2, Step: 1, KeyFlags: []KeyFlags{KeyRO}, Group: "generic", Since: since, Usage: "<key>",
			Complexity: "O(1)", Summary: summary, Mode: looks, Run: objectOf(answer),
		}
	}
	help := helpSpec("6.2.0", "generic", CatKeyspace)
	return Spec{
		Name: "object", Arity: -2, Group: "generic", Since: "2.2.3", Complexity: "Depends on subcommand.",
		Summary: "A container for object introspection commands.",
		Subcommands: []Spec{
			sub("encoding", "2.2.3", "Returns the encoding that Redis would give the value.", objectEncoding),
			sub("freq", "4.0.0", "Returns how often a key was used, where maxmemory-policy asks for it.", objectFreq),
			sub("idletime", "2.2.3", "Returns the time since the latest use of a key, or where reads are not tracked its latest write, in seconds.", objectIdleTime),
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

// OBJECT ENCODING key, by the value alone: Redis keeps the larger encoding of what has been large before, and says raw of a
// short string that APPEND or SETRANGE has made.
func objectEncoding(c *Call, o *object.Object) {
	switch o.Kind() {
	case object.String:
		c.Reply.BulkString(stringEncoding(kind.Value(o)))
	case object.List:
		c.Reply.BulkString(listEncoding(o))
	default:
		c.Reply.BulkString(collectionEncoding(o))
	}
}

// Redis's default of list-max-listpack-size, 8 KiB, and about what one entry takes there besides its text.
const (
	maxListBytes  = 8 << 10
	listEntrySize = 2
)

// listEncoding looks at no more elements than fit the compact encoding.
func listEncoding(o *object.Object) string {
	size := 0
	for it := range kind.Items(o, kind.Left, "") {
		if size += listEntrySize + len(it.Value()); size > maxListBytes {
			return "quicklist"
		}
	}
	return "listpack"
}

func stringEncoding(value []byte) string {
	_, isInt := parseInt(value)
	switch {
	case isInt:
		return "int"
	case len(value) <= embeddedMax:
		return "embstr"
	default:
		return "raw"
	}
}

// Redis's defaults of the directives hash-, set- and zset-max-listpack-entries and -value, and of set-max-intset-entries.
const (
	maxListpack      = 128
	maxListpackValue = 64
	maxIntset        = 512
)

// collectionEncoding looks at no more elements than a compact encoding may have.
func collectionEncoding(o *object.Object) string {
	shown := o.Kind()
	if shown == object.Stream {
		return "stream"
	}
	n := o.Count(shown)
	table := "hashtable"
	if shown == object.ZSet {
		table = "skiplist"
	}
	if n > maxIntset {
		return table
	}
	integers, short := shown == object.Set, n <= maxListpack
	for el := range kind.Elements(o, shown, 0) {
		_, isInt := parseInt([]byte(el.Name))
		integers = integers && isInt
		short = short && len(el.Name) <= maxListpackValue && (shown != object.Hash || len(el.Value(o)) <= maxListpackValue)
	}
	switch {
	case integers:
		return "intset"
	case short:
		return "listpack"
	default:
		return table
	}
}

const (
	errNotLFU = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching " +
		"between policies at runtime LRU and LFU data will take some time to adjust."
	errLFU = "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between " +
		"policies at runtime LRU and LFU data will take some time to adjust."
)

// frequencies is the table that counts uses, nil where maxmemory-policy asks for none.
func (c *Call) frequencies() *usage.Table {
	table := c.handler.Usage.Table()
	if table == nil || table.Mode() != usage.Frequency {
		return nil
	}
	return table
}

// OBJECT FREQ key
func objectFreq(c *Call, _ *object.Object) {
	table := c.frequencies()
	if table == nil {
		c.Fail(errNotLFU)
		return
	}
	c.Reply.Int(int64(table.Uses(c.Key(2), c.Tx.Now())))
}

// OBJECT IDLETIME key. Where reads are not tracked the latest write is taken.
func objectIdleTime(c *Call, o *object.Object) {
	if c.frequencies() != nil {
		c.Fail(errLFU)
		return
	}
	idle := max(0, c.Tx.Now()-o.LatestWrite()) / 1000
	if table := c.handler.Usage.Table(); table != nil {
		if used, known := table.Idle(c.Key(2), c.Tx.Now()); known {
			idle = min(idle, int64(used/time.Second))
		}
	}
	c.Reply.Int(idle)
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
