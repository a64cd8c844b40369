package command

import (
	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// Modes of keyed commands. A plain SET knows without looking what it leaves behind, and so is blind; a command whose
// reply or effect hangs on what is there reads first. Those that do no harm when they run twice may be taken over by
// another coordinator.
const (
	reads      = cluster.Read | cluster.Idempotent
	looks      = reads | cluster.Untouched // at what is no value
	sets       = cluster.Write | cluster.Idempotent
	changes    = cluster.Read | cluster.Write
	repeatable = cluster.Read | cluster.Write | cluster.Idempotent
)

const (
	errTooLong  = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	errConflict = "CONFLICT the key has concurrent values: see SIBLINGS, settle with RESOLVE"
)

// stringSpecs are the commands on strings.
func stringSpecs() []Spec {
	access := []KeyFlags{KeyRO | KeyAccess}
	update := []KeyFlags{KeyRW | KeyAccess | KeyUpdate}
	overwrite := []KeyFlags{KeyOW | KeyUpdate}
	const substring = "O(N) where N is the length of the returned string"
	specs := []Spec{
		{
			Name: "append", Arity: 3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyRW | KeyInsert}, Since: "2.0.0",
			Complexity: "O(N) where N is the length of the value", Mode: changes, Run: appendTo,
			Summary: "Appends a string to the value of a key. Creates the key if it doesn't exist.",
		},
		{
			Name: "decr", Arity: 2, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: update, Since: "1.0.0", Mode: changes, Run: decr,
			Summary: "Decrements the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.",
		},
		{
			Name: "decrby", Arity: 3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: update, Since: "1.0.0", Mode: changes, Run: decrBy,
			Summary: "Decrements a number from the integer value of a key. Uses 0 as initial value if the key doesn't exist.",
		},
		{
			Name: "get", Arity: 2, Flags: ReadOnly | Fast, KeyFlags: access, Since: "1.0.0", Mode: reads, Run: get,
			Summary: "Returns the string value of a key.",
		},
		{
			Name: "getdel", Arity: 2, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyDelete}, Since: "6.2.0",
			Mode: changes, Run: getDel, Summary: "Returns the string value of a key after deleting the key.",
		},
		{
			Name: "getex", Arity: -2, Flags: WriteFlag | Fast, KeyFlags: update, Since: "6.2.0", ModeOf: getExMode, Run: getEx,
			Summary: "Returns the string value of a key after setting its expiration time.",
		},
		{
			Name: "getrange", Arity: 4, Flags: ReadOnly, KeyFlags: access, Since: "2.4.0", Complexity: substring, Mode: reads,
			Run: getRange, Summary: "Returns a substring of the string stored at a key.",
		},
		{
			Name: "getset", Arity: 3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: update, Since: "1.0.0", Mode: changes, Run: getSet,
			Summary:    "Returns the previous string value of a key after setting it to a new value.",
			Deprecated: "`SET` with the `!GET` argument", DeprecatedSince: "6.2.0",
		},
		{
			Name: "incr", Arity: 2, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: update, Since: "1.0.0", Mode: changes, Run: incr,
			Summary: "Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.",
		},
		{
			Name: "incrby", Arity: 3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: update, Since: "1.0.0", Mode: changes, Run: incrBy,
			Summary: "Increments the integer value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
		},
		{
			Name: "incrbyfloat", Arity: 3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: update, Since: "2.6.0", Mode: changes,
			Run: incrByFloat, Summary: "Increments the floating point value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
		},
		{
			Name: "lcs", Arity: -3, Flags: ReadOnly, FirstKey: 1, LastKey: 2, Step: 1, KeyFlags: access, Since: "7.0.0",
			Complexity: "O(N*M) where N and M are the lengths of s1 and s2, respectively", Slow: lcs,
			Summary: "Finds the longest common substring.",
		},
		{
			Name: "mget", Arity: -2, Flags: ReadOnly | Fast, FirstKey: 1, LastKey: -1, Step: 1, KeyFlags: access, Since: "1.0.0",
			Tips: []string{"request_policy:multi_shard"}, Complexity: "O(N) where N is the number of keys to retrieve.",
			Mode: reads, Run: mGet, Merge: MergeArrays, Summary: "Returns the string values of one or more keys.",
		},
		{
			Name: "mset", Arity: -3, Flags: WriteFlag | DenyOOM, FirstKey: 1, LastKey: -1, Step: 2, KeyFlags: overwrite, Since: "1.0.1",
			Tips:       []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
			Complexity: "O(N) where N is the number of keys to set.", Mode: sets, Run: mSet, Merge: MergeOK,
			Summary: "Creates or modifies the string values of one or more keys, atomically for those of one slot.",
		},
		{
			Name: "msetnx", Arity: -3, Flags: WriteFlag | DenyOOM, FirstKey: 1, LastKey: -1, Step: 2, Since: "1.0.1",
			KeyFlags: []KeyFlags{KeyOW | KeyInsert}, Tips: []string{"request_policy:multi_shard", "response_policy:agg_min"},
			Complexity: "O(N) where N is the number of keys to set.", Mode: changes, Run: mSetNX, Slow: mSetNXAcross,
			Summary: "Modifies the string values of one or more keys only when all keys don't exist, atomically in one slot.",
		},
		{
			Name: "psetex", Arity: 4, Flags: WriteFlag | DenyOOM, KeyFlags: overwrite, Since: "2.6.0", Mode: sets, Run: pSetEx,
			Summary: "Sets both string value and expiration time in milliseconds of a key. The key is created if it doesn't exist.",
		},
		{
			Name: "set", Arity: -3, Flags: WriteFlag | DenyOOM, Since: "1.0.0", ModeOf: setMode, Run: set,
			KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyUpdate | KeyVariableFlags},
			Summary:  "Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.",
		},
		{
			Name: "setex", Arity: 4, Flags: WriteFlag | DenyOOM, KeyFlags: overwrite, Since: "2.0.0", Mode: sets, Run: setEx,
			Summary: "Sets the string value and expiration time of a key. Creates the key if it doesn't exist.",
		},
		{
			Name: "setnx", Arity: 3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyOW | KeyInsert}, Since: "1.0.0",
			Mode: changes, Run: setNX, Summary: "Set the string value of a key only when the key doesn't exist.",
		},
		{
			Name: "setrange", Arity: 4, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Since: "2.2.0",
			Complexity: "O(M) with M being the length of the string", Mode: repeatable, Run: setRange,
			Summary: "Overwrites a part of a string value with another by an offset. Creates the key if it doesn't exist.",
		},
		{
			Name: "strlen", Arity: 2, Flags: ReadOnly | Fast, KeyFlags: []KeyFlags{KeyRO}, Since: "2.2.0", Mode: reads, Run: strLen,
			Summary: "Returns the length of a string value.",
		},
		{
			Name: "substr", Arity: 4, Flags: ReadOnly, KeyFlags: access, Since: "1.0.0", Complexity: substring, Mode: reads,
			Run: getRange, Summary: "Returns a substring from a string value.", Deprecated: "`GETRANGE`", DeprecatedSince: "2.0.0",
		},
	}
	for i := range specs {
		specs[i] = specs[i].completed(CatString, "string", "")
	}
	return specs
}

// readString looks a key up for a read. o is nil when it does not exist; without ok the error is the reply.
func (c *Call) readString(key object.Key) (o *object.Object, ok bool) {
	o = c.Lookup(key)
	return o, c.isString(o)
}

// changeString is readString for a command that looks in order to change the key.
func (c *Call) changeString(key object.Key) (o *object.Object, ok bool) {
	o = c.Tx.Object(key)
	return o, c.isString(o)
}

// isString reports whether o may be used as a string. When it may not the error is the reply.
func (c *Call) isString(o *object.Object) bool {
	switch {
	case o == nil:
		return true
	case o.Kind() != object.String:
		c.Fail(ErrWrongType)
		return false
	case c.Settings.ConflictError && kind.Conflicted(o):
		c.Fail(errConflict)
		return false
	default:
		return true
	}
}

// valueOrNull replies with the string that o shows.
func (c *Call) valueOrNull(o *object.Object) {
	if o == nil {
		c.Reply.Null()
		return
	}
	c.value(kind.Value(o))
}

// largeValue is from how many bytes on a string is not copied to be replied with.
const largeValue = 1 << 20

// value replies with a string that the object of a command which only reads holds. A large one is sent from where it is.
func (c *Call) value(v []byte) {
	if len(v) < largeValue || c.command.Mode&cluster.Paged == 0 || !c.Tx.ReadOnly() || c.Tx.Alone() {
		c.Reply.Bulk(v)
		return
	}
	c.Reply.BulkHead(len(v))
	c.pieces = append(c.pieces, c.Reply.Buf, v[:len(v):len(v)])
	c.Reply.Buf = []byte("\r\n")
}

// fits reports whether a string of that many bytes may be stored. When it may not the error is the reply.
func (c *Call) fits(size int64) bool {
	if size > c.Settings.ProtoMaxBulkLen {
		c.Fail(errTooLong)
		return false
	}
	return true
}
