package command

// hashSpecs are the commands on hashes.
func hashSpecs() []Spec {
	look := []KeyFlags{KeyRO}
	access := []KeyFlags{KeyRO | KeyAccess}
	update := []KeyFlags{KeyRW | KeyUpdate}
	unordered := []string{"nondeterministic_output_order"}
	const whole = "O(N) where N is the size of the hash."
	specs := []Spec{
		{
			Name: "hdel", Arity: -3, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyDelete}, Mode: repeatable, Run: hDel,
			Complexity: "O(N) where N is the number of fields to be removed.",
			Summary:    "Deletes one or more fields and their values from a hash. Deletes the hash if no fields remain.",
		},
		{
			Name: "hexists", Arity: 3, Flags: ReadOnly | Fast, KeyFlags: look, Mode: reads, Run: hExists,
			Summary: "Determines whether a field exists in a hash.",
		},
		{
			Name: "hget", Arity: 3, Flags: ReadOnly | Fast, KeyFlags: access, Mode: reads, Run: hGet,
			Summary: "Returns the value of a field in a hash.",
		},
		{
			Name: "hgetall", Arity: 2, Flags: ReadOnly, KeyFlags: access, Tips: unordered, Complexity: whole, Mode: reads, Run: hGetAll,
			Summary: "Returns all fields and values in a hash.",
		},
		{
			Name: "hincrby", Arity: 4, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyUpdate}, Mode: changes,
			Run: hIncrBy, Summary: "Increments the integer value of a field in a hash by a number. Uses 0 as initial value if the field doesn't exist.",
		},
		{
			Name: "hincrbyfloat", Arity: 4, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyUpdate},
			Since: "2.6.0", Mode: changes, Run: hIncrByFloat,
			Summary: "Increments the floating point value of a field by a number. Uses 0 as initial value if the field doesn't exist.",
		},
		{
			Name: "hkeys", Arity: 2, Flags: ReadOnly, KeyFlags: access, Tips: unordered, Complexity: whole, Mode: reads, Run: hKeys,
			Summary: "Returns all fields in a hash.",
		},
		{
			Name: "hlen", Arity: 2, Flags: ReadOnly | Fast, KeyFlags: look, Mode: reads, Run: hLen, Summary: "Returns the number of fields in a hash.",
		},
		{
			Name: "hmget", Arity: -3, Flags: ReadOnly | Fast, KeyFlags: access, Mode: reads, Run: hMGet,
			Complexity: "O(N) where N is the number of fields being requested.", Summary: "Returns the values of all fields in a hash.",
		},
		{
			Name: "hmset", Arity: -4, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: update, Mode: repeatable, Run: hMSet,
			Complexity: "O(N) where N is the number of fields being set.", Summary: "Sets the values of multiple fields.",
			Deprecated: "`HSET` with multiple field-value pairs", DeprecatedSince: "4.0.0",
		},
		{
			Name: "hrandfield", Arity: -2, Flags: ReadOnly, KeyFlags: access, Since: "6.2.0", Tips: []string{"nondeterministic_output"},
			Complexity: "O(N) where N is the number of fields returned", Mode: reads, Run: hRandField,
			Summary: "Returns one or more random fields from a hash.",
		},
		{
			Name: "hscan", Arity: -3, Flags: ReadOnly, KeyFlags: access, Since: "2.8.0", Tips: []string{"nondeterministic_output"},
			Complexity: "O(1) for every call. O(N) for a complete iteration.", Mode: reads, Run: hScan,
			Summary: "Iterates over fields and values of a hash.",
		},
		{
			Name: "hset", Arity: -4, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: update, Mode: repeatable, Run: hSet,
			Complexity: "O(1) for each field/value pair added, so O(N) to add N field/value pairs.",
			Summary:    "Creates or modifies the value of a field in a hash.",
		},
		{
			Name: "hsetnx", Arity: 4, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyRW | KeyInsert}, Mode: changes, Run: hSetNX,
			Summary: "Sets the value of a field in a hash only when the field doesn't exist.",
		},
		{
			Name: "hstrlen", Arity: 3, Flags: ReadOnly | Fast, KeyFlags: look, Since: "3.2.0", Mode: reads, Run: hStrLen,
			Summary: "Returns the length of the value of a field.",
		},
		{
			Name: "hvals", Arity: 2, Flags: ReadOnly, KeyFlags: access, Tips: unordered, Complexity: whole, Mode: reads, Run: hVals,
			Summary: "Returns all values in a hash.",
		},
	}
	specs = append(specs, hashExpireSpecs()...)
	for i := range specs {
		specs[i] = specs[i].completed(CatHash, "hash", "2.0.0")
	}
	return specs
}
