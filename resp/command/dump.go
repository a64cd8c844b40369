package command

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp/rdb"
)

// dumpSpecs are DUMP and RESTORE, by which values come from a Redis and go to one.
func dumpSpecs() []Spec {
	return []Spec{
		{
			Name: "dump", Arity: 2, Flags: ReadOnly, Category: CatKeyspace, Tips: []string{"nondeterministic_output"},
			FirstKey: 1, LastKey: 1, Step: 1, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Group: "generic", Since: "2.6.0",
			Complexity: "O(N) with the size of the value", Mode: reads, Run: dump,
			Summary: "Returns the value of a key as Redis writes it to RDB files, without the deadline of the key.",
		},
		{
			Name: "restore", Arity: -4, Flags: WriteFlag | DenyOOM, Category: CatKeyspace | CatDangerous,
			FirstKey: 1, LastKey: 1, Step: 1, KeyFlags: []KeyFlags{KeyOW | KeyUpdate}, Group: "generic", Since: "2.6.0",
			Complexity: "O(N) with the size of the value", ModeOf: restoreMode, Run: restore,
			Summary: "Makes a key the value that DUMP has given, here or of a Redis up to 8.0.",
		},
	}
}

// DUMP key. Redis 5 and later read what it gives; of a stream, 7.0 and later; of a hash with deadlines of fields, 7.4 and later. Of several
// values that concurrent writes have left it is the one that is shown, and of several entries of one ID the newest.
func dump(c *Call) {
	o := c.Lookup(c.Key(1))
	if o == nil {
		c.Reply.Null()
		return
	}
	if o.Kind() == object.String && !c.isString(o) {
		return
	}
	c.Reply.Bulk(rdb.Encode(dumped(o)))
}

// dumped is the value that an object shows.
func dumped(o *object.Object) *rdb.Value {
	v := &rdb.Value{}
	switch of := o.Kind(); of {
	case object.String:
		v.Kind, v.Elements = rdb.String, [][]byte{kind.Value(o)}
	case object.Hash:
		v.Kind = rdb.Hash
		dumpFields(v, o)
	case object.Set:
		v.Kind = rdb.Set
		for el := range kind.All(o, of) {
			v.Elements = append(v.Elements, []byte(el.Name))
		}
	case object.ZSet:
		v.Kind = rdb.ZSet
		for spot := range kind.Ascend(o, of, "") {
			v.Members = append(v.Members, rdb.Member{Name: []byte(spot.Member()), Score: spot.Score()})
		}
	case object.List:
		v.Kind = rdb.List
		for it := range kind.ItemsFrom(o, 0) {
			v.Elements = append(v.Elements, bytes.Clone(it.Value()))
		}
	case object.Stream:
		v.Kind, v.Stream = rdb.StreamKind, dumpedStream(o)
	default:
		panic("command: DUMP of a type that rdb does not write: " + of.String())
	}
	return v
}

func dumpFields(v *rdb.Value, o *object.Object) {
	some := false
	for el := range kind.All(o, object.Hash) {
		at := kind.FieldDeadline(o, []byte(el.Name))
		some = some || at != object.NoDeadline
		v.Elements = append(v.Elements, []byte(el.Name), bytes.Clone(el.Value(o)))
		v.Deadlines = append(v.Deadlines, at)
	}
	if !some {
		v.Deadlines = nil
	}
}

// restoreOptions are those of RESTORE.
type restoreOptions struct{ replace, absTTL bool }

// restoreMode: without REPLACE a key that RESTORE has made itself would be in its way when it runs again.
func restoreMode(args [][]byte) cluster.Mode {
	for _, arg := range args[min(4, len(args)):] {
		if equalFold(arg, "replace") {
			return repeatable
		}
	}
	return changes
}

// restoreOptions reads the options. IDLETIME and FREQ are checked and have no effect: when a key was used is told by its use.
// Without ok the error is the reply.
func (c *Call) restoreOptions() (o restoreOptions, ok bool) {
	idle, freq := false, false
	for i := 4; i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		switch {
		case c.Is(i, "replace"):
			o.replace = true
		case c.Is(i, "absttl"):
			o.absTTL = true
		case c.Is(i, "idletime") && more && !freq, c.Is(i, "freq") && more && !idle:
			isIdle := c.Is(i, "idletime")
			i++
			n, ok := c.Int(i)
			switch {
			case !ok:
				return o, false
			case isIdle && n < 0:
				c.Fail("ERR Invalid IDLETIME value, must be >= 0")
				return o, false
			case !isIdle && (n < 0 || n > 255):
				c.Fail("ERR Invalid FREQ value, must be >= 0 and <= 255")
				return o, false
			}
			idle, freq = idle || isIdle, freq || !isIdle
		default:
			c.Fail(errSyntax)
			return o, false
		}
	}
	return o, true
}

// RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
func restore(c *Call) {
	options, ok := c.restoreOptions()
	if !ok {
		return
	}
	key := c.Key(1)
	if !options.replace && c.Tx.Object(key) != nil {
		c.Fail("BUSYKEY Target key name already exists.")
		return
	}
	ttl, ok := c.Int(2)
	if !ok {
		return
	}
	if ttl < 0 {
		c.Fail("ERR Invalid TTL value, must be >= 0")
		return
	}
	v, err := rdb.Decode(c.Args[3], c.Settings.ProtoMaxBulkLen)
	switch {
	case errors.Is(err, rdb.ErrChecksum):
		c.Fail("ERR DUMP payload version or checksum are wrong")
		return
	case err != nil:
		c.Fail("ERR Bad data format")
		return
	}
	unit := inMilliseconds
	if options.absTTL {
		unit = atMillisecond
	}
	at := object.NoDeadline
	if ttl > 0 {
		if at, ok = c.deadline(ttl, unit); !ok {
			c.failExpireTime()
			return
		}
	}
	c.restoreValue(key, v, at)
	c.Reply.SimpleString("OK")
}

// restoreValue makes a key a value with a deadline. When that has passed the key is gone, as in Redis.
func (c *Call) restoreValue(key object.Key, v *rdb.Value, at int64) {
	passed := at != object.NoDeadline && at <= c.Tx.Now() || v.Passed(c.Tx.Now())
	if passed && c.Tx.Object(key) == nil {
		return
	}
	e := c.Tx.Edit(key)
	kind.Clear(e)
	if passed {
		return
	}
	switch v.Kind {
	case rdb.String:
		kind.Set(e, bytes.Clone(v.Elements[0]), false)
	case rdb.List:
		kind.Push(e, kind.Right, v.Elements...)
	case rdb.Set:
		for _, member := range v.Elements {
			kind.AddMember(e, member)
		}
	case rdb.Hash:
		c.restoreFields(e, v)
	case rdb.ZSet:
		for _, m := range v.Members {
			kind.SetScore(e, m.Name, m.Score)
		}
	case rdb.StreamKind:
		restoreStream(e, v.Stream)
	default:
		panic("command: RESTORE of a type that rdb does not read: " + strconv.Itoa(int(v.Kind)))
	}
	if at != object.NoDeadline {
		e.SetDeadline(at)
	}
}

// restoreFields leaves out those whose deadlines have passed.
func (c *Call) restoreFields(e *object.Edit, v *rdb.Value) {
	for i := 0; i < len(v.Elements); i += 2 {
		at := object.NoDeadline
		if v.Deadlines != nil {
			at = v.Deadlines[i/2]
		}
		if at != object.NoDeadline && at <= c.Tx.Now() {
			continue
		}
		kind.SetField(e, v.Elements[i], v.Elements[i+1])
		if at != object.NoDeadline {
			kind.SetFieldDeadline(e, v.Elements[i], at)
		}
	}
}
