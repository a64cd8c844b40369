package command

import (
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// keySpecs are the commands on keys of any type.
func keySpecs() []Spec {
	row := func(s Spec) Spec {
		s.Category |= CatKeyspace
		s.Group = "generic"
		if s.Complexity == "" {
			s.Complexity = "O(1)"
		}
		return s
	}
	one := func(s Spec) Spec {
		s.FirstKey, s.LastKey, s.Step = 1, 1, 1
		return row(s)
	}
	many := func(s Spec) Spec {
		s.Arity, s.FirstKey, s.LastKey, s.Step, s.Merge = -2, 1, -1, 1, MergeSum
		s.Tips = []string{"request_policy:multi_shard", "response_policy:agg_sum"}
		return row(s)
	}
	two := func(s Spec) Spec {
		s.FirstKey, s.LastKey, s.Step = 1, 2, 1
		return row(s)
	}
	expire := func(name, since, summary string, run func(*Call)) Spec {
		return one(Spec{
			Name: name, Arity: -3, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Since: since,
			ModeOf: expireMode, Run: run, Summary: summary,
		})
	}
	ttl := func(name, since, summary string, changing bool, run func(*Call)) Spec {
		s := one(Spec{
			Name: name, Arity: 2, Flags: ReadOnly | Fast, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Since: since, Mode: looks,
			Run: run, Summary: summary,
		})
		if changing {
			s.Tips = []string{"nondeterministic_output"}
		}
		return s
	}
	return []Spec{
		many(Spec{
			Name: "del", Flags: WriteFlag, KeyFlags: []KeyFlags{KeyRM | KeyDelete}, Since: "1.0.0", Mode: repeatable, Run: del,
			Complexity: "O(N) where N is the number of keys that will be removed", Summary: "Deletes one or more keys.",
		}),
		many(Spec{
			Name: "unlink", Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRM | KeyDelete}, Since: "4.0.0", Mode: repeatable,
			Run: del, Complexity: "O(1) for each key removed regardless of its size", Summary: "Deletes one or more keys, as DEL.",
		}),
		many(Spec{
			Name: "exists", Flags: ReadOnly | Fast, KeyFlags: []KeyFlags{KeyRO}, Since: "1.0.0", Mode: looks, Run: exists,
			Complexity: "O(N) where N is the number of keys to check.", Summary: "Determines whether one or more keys exist.",
		}),
		many(Spec{
			Name: "touch", Flags: ReadOnly | Fast, KeyFlags: []KeyFlags{KeyRO}, Since: "3.2.1", Mode: reads, Run: exists,
			Complexity: "O(N) where N is the number of keys that will be touched.",
			Summary:    "Returns the number of existing keys out of those specified.",
		}),
		one(Spec{
			Name: "type", Arity: 2, Flags: ReadOnly | Fast, KeyFlags: []KeyFlags{KeyRO}, Since: "1.0.0", Mode: looks, Run: typeOf,
			Summary: "Determines the type of value stored at a key.",
		}),
		expire("expire", "1.0.0", "Sets the expiration time of a key in seconds.", expireIn(inSeconds)),
		expire("pexpire", "2.6.0", "Sets the expiration time of a key in milliseconds.", expireIn(inMilliseconds)),
		expire("expireat", "1.2.0", "Sets the expiration time of a key to a Unix timestamp.", expireIn(atSecond)),
		expire("pexpireat", "2.6.0", "Sets the expiration time of a key to a Unix milliseconds timestamp.", expireIn(atMillisecond)),
		ttl("ttl", "1.0.0", "Returns the expiration time in seconds of a key.", true, ttlSeconds),
		ttl("pttl", "2.6.0", "Returns the expiration time in milliseconds of a key.", true, ttlMilliseconds),
		ttl("expiretime", "7.0.0", "Returns the expiration time of a key as a Unix timestamp.", false, expireTimeSeconds),
		ttl("pexpiretime", "7.0.0", "Returns the expiration time of a key as a Unix milliseconds timestamp.", false, expireTimeMilliseconds),
		one(Spec{
			Name: "persist", Arity: 2, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Since: "2.2.0",
			Mode: repeatable, Run: persist, Summary: "Removes the expiration time of a key.",
		}),
		two(Spec{
			Name: "rename", Arity: 3, Flags: WriteFlag, Since: "1.0.0", Mode: changes, Run: rename, Slow: renameAcross,
			KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyDelete, KeyOW | KeyUpdate}, Summary: "Renames a key and overwrites the destination.",
		}),
		two(Spec{
			Name: "renamenx", Arity: 3, Flags: WriteFlag | Fast, Since: "1.0.0", Mode: changes, Run: renameNX, Slow: renameAcross,
			KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyDelete, KeyOW | KeyInsert},
			Summary:  "Renames a key only when the target key name doesn't exist.",
		}),
		two(Spec{
			Name: "copy", Arity: -3, Flags: WriteFlag | DenyOOM, Since: "6.2.0", Mode: changes, Run: copyKey, Slow: copyAcross,
			SlowOf: copiesToDatabase, KeyFlags: []KeyFlags{KeyRO | KeyAccess, KeyOW | KeyUpdate},
			Complexity: "O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
			Summary:    "Copies the value of a key to a new key.",
		}),
		one(Spec{
			Name: "move", Arity: 3, Flags: WriteFlag | Fast, Since: "1.0.0", KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyUpdate},
			Slow: move, Summary: "Moves a key to another database.",
		}),
		row(Spec{
			Name: "keys", Arity: 2, Flags: ReadOnly, Category: CatDangerous, Since: "1.0.0", Slow: keys,
			Tips:       []string{"request_policy:all_shards", "nondeterministic_output_order"},
			Complexity: "O(N) with N being the number of keys in the database", Summary: "Returns all key names that match a pattern.",
		}),
		row(Spec{
			Name: "scan", Arity: -2, Flags: ReadOnly, Since: "2.8.0", Slow: scan,
			Tips:       []string{"nondeterministic_output", "request_policy:special"},
			Complexity: "O(1) for every call. O(N) for a complete iteration.", Summary: "Iterates over the key names in the database.",
		}),
		row(Spec{
			Name: "randomkey", Arity: 1, Flags: ReadOnly, Since: "1.0.0", Slow: randomKey,
			Tips:    []string{"request_policy:all_shards", "nondeterministic_output"},
			Summary: "Returns a random key name from the database.",
		}),
		objectSpec(),
	}
}

// DEL key [key ...], and UNLINK: removing takes no longer for a large value. The reply is the number of keys that were
// there.
func del(c *Call) {
	n := int64(0)
	for i := 1; i < len(c.Args); i++ {
		key := c.Key(i)
		exists := c.Tx.Object(key) != nil
		if exists || c.Tx.Expired(key) {
			kind.Clear(c.Tx.Edit(key))
		}
		if exists {
			n++
		}
	}
	c.Reply.Int(n)
}

// EXISTS key [key ...], and TOUCH: a key that is named twice counts twice.
func exists(c *Call) {
	n := int64(0)
	for i := 1; i < len(c.Args); i++ {
		if c.Lookup(c.Key(i)) != nil {
			n++
		}
	}
	c.Reply.Int(n)
}

// TYPE key
func typeOf(c *Call) {
	shown := object.None
	if o := c.Lookup(c.Key(1)); o != nil {
		shown = o.Kind()
	}
	c.Reply.SimpleString(shown.String())
}
