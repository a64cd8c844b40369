package command

// setSpecs are the commands on sets.
func setSpecs() []Spec {
	look := []KeyFlags{KeyRO}
	access := []KeyFlags{KeyRO | KeyAccess}
	unordered := []string{"nondeterministic_output_order"}
	random := []string{"nondeterministic_output"}
	const (
		total = "O(N) where N is the total number of elements in all given sets."
		least = "O(N) where N is the total number of elements in all given sets; in one slot O(N*M) where N is the cardinality of the smallest set and M is the number of sets."
	)
	combine := func(name, complexity, summary string, how combination) Spec {
		return Spec{
			Name: name, Arity: -2, Flags: ReadOnly, FirstKey: 1, LastKey: -1, Step: 1, KeyFlags: access, Tips: unordered,
			Complexity: complexity, Mode: reads, Run: combined(how), Slow: combinedAcross(how), Summary: summary,
		}
	}
	store := func(name, complexity, summary string, how combination, target KeyFlags) Spec {
		return Spec{
			Name: name, Arity: -3, Flags: WriteFlag | DenyOOM, FirstKey: 1, LastKey: -1, Step: 1,
			KeyFlags: []KeyFlags{target | KeyUpdate, KeyRO | KeyAccess}, Complexity: complexity, ModeOf: storeMode,
			Run: combinedInto(how), Slow: combinedIntoAcross(how), Summary: summary,
		}
	}
	specs := []Spec{
		combine("sdiff", total, "Returns the difference of multiple sets.", difference),
		combine("sinter", least, "Returns the intersect of multiple sets.", intersection),
		combine("sunion", total, "Returns the union of multiple sets.", union),
		store("sdiffstore", total, "Stores the difference of multiple sets in a key.", difference, KeyOW),
		store("sinterstore", least, "Stores the intersect of multiple sets in a key.", intersection, KeyRW),
		store("sunionstore", total, "Stores the union of multiple sets in a key.", union, KeyOW),
		{
			Name: "sadd", Arity: -3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyRW | KeyInsert}, Mode: repeatable, Run: sAdd,
			Complexity: "O(1) for each element added, so O(N) to add N elements.",
			Summary:    "Adds one or more members to a set. Creates the key if it doesn't exist.",
		},
		{
			Name: "scard", Arity: 2, Flags: ReadOnly | Fast, KeyFlags: look, Mode: reads, Run: sCard, Summary: "Returns the number of members in a set.",
		},
		{
			Name: "sintercard", Arity: -3, Flags: ReadOnly | MovableKeys, NumKeys: 1, KeyFlags: access, Since: "7.0.0", Complexity: total,
			Slow: sInterCard, Summary: "Returns the number of members of the intersect of multiple sets, which are read one after the other.",
		},
		{
			Name: "sismember", Arity: 3, Flags: ReadOnly | Fast, KeyFlags: look, Mode: reads, Run: sIsMember,
			Summary: "Determines whether a member belongs to a set.",
		},
		{
			Name: "smembers", Arity: 2, Flags: ReadOnly, KeyFlags: access, Tips: unordered, Mode: reads, Run: sMembers,
			Complexity: "O(N) where N is the set cardinality.", Summary: "Returns all members of a set.",
		},
		{
			Name: "smismember", Arity: -3, Flags: ReadOnly | Fast, KeyFlags: access, Since: "6.2.0", Mode: reads, Run: sMIsMember,
			Complexity: "O(N) where N is the number of elements being checked for membership",
			Summary:    "Determines whether multiple members belong to a set.",
		},
		{
			Name: "smove", Arity: 4, Flags: WriteFlag | Fast, FirstKey: 1, LastKey: 2, Step: 1, Mode: changes, Run: sMove, Slow: sMoveAcross,
			KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyDelete, KeyRW | KeyInsert}, Summary: "Moves a member from one set to another.",
		},
		{
			Name: "spop", Arity: -2, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyDelete}, Tips: random, Mode: changes,
			Run: sPop, Complexity: "O(log N) for each of the popped members",
			Summary: "Returns one or more random members from a set after removing them. Deletes the set if the last member was popped.",
		},
		{
			Name: "srandmember", Arity: -2, Flags: ReadOnly, KeyFlags: access, Tips: random, Mode: reads, Run: sRandMember,
			Complexity: "O(log N) for each of the returned members", Summary: "Gets one or multiple random members from a set.",
		},
		{
			Name: "srem", Arity: -3, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyDelete}, Mode: repeatable, Run: sRem,
			Complexity: "O(N) where N is the number of members to be removed.",
			Summary:    "Removes one or more members from a set. Deletes the set if the last member was removed.",
		},
		{
			Name: "sscan", Arity: -3, Flags: ReadOnly, KeyFlags: access, Since: "2.8.0", Tips: random, Mode: reads, Run: sScan,
			Complexity: "O(1) for every call. O(N) for a complete iteration.", Summary: "Iterates over members of a set.",
		},
	}
	for i := range specs {
		specs[i] = specs[i].completed(CatSet, "set", "1.0.0")
	}
	return specs
}
