package command

// zsetSpecs are the commands on sorted sets.
func zsetSpecs() []Spec {
	return append(zsetMemberSpecs(), zsetRangeSpecs()...)
}

// zsetMemberSpecs are those on members, on single sorted sets and on several.
func zsetMemberSpecs() []Spec {
	access := []KeyFlags{KeyRO | KeyAccess}
	pops := []KeyFlags{KeyRW | KeyAccess | KeyDelete}
	combine := func(name, complexity, summary string, how merger) Spec {
		return Spec{
			Name: name, Arity: -3, Flags: ReadOnly | MovableKeys, NumKeys: 1, KeyFlags: access, Since: "6.2.0", Complexity: complexity,
			Mode: reads, Run: merged(how), SlowOf: misnumbered(1), Slow: mergedAcross(how), Summary: summary,
		}
	}
	store := func(name, since, complexity, summary string, how merger) Spec {
		return Spec{
			Name: name, Arity: -4, Flags: WriteFlag | DenyOOM | MovableKeys, FirstKey: 1, LastKey: 1, Step: 1, NumKeys: 2, Since: since,
			KeyFlags: []KeyFlags{KeyOW | KeyUpdate, KeyRO | KeyAccess}, Complexity: complexity, Slow: mergedInto(how), Summary: summary,
		}
	}
	const (
		union = "O(N)+O(M*log(M)) where N is the sum of the sizes of all sorted sets and M the number of elements in the result."
		inter = "O(N*K)+O(M*log(M)) where N is the size of the smallest of K sorted sets and M the number of elements in the result."
		diff  = "O(L*K+M*log(M)) where L is the size of the first of K sorted sets and M the number of elements in the result."
		pop   = "O(log(N)*M) where N is the number of elements in the sorted set, and M the number of elements popped."
	)
	specs := []Spec{
		combine("zdiff", diff, "Returns the difference between multiple sorted sets.", mergeDiff),
		combine("zinter", inter, "Returns the intersect of multiple sorted sets.", mergeInter),
		combine("zunion", union, "Returns the union of multiple sorted sets.", mergeUnion),
		store("zdiffstore", "6.2.0", diff, "Stores the difference of multiple sorted sets in a key.", mergeDiff),
		store("zinterstore", "2.0.0", inter, "Stores the intersect of multiple sorted sets in a key.", mergeInter),
		store("zunionstore", "2.0.0", union, "Stores the union of multiple sorted sets in a key.", mergeUnion),
		{
			Name: "zadd", Arity: -4, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Since: "1.2.0", ModeOf: zAddMode,
			Run: zAdd, Complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
			Summary: "Adds one or more members to a sorted set, or updates their scores. Creates the key if it doesn't exist.",
		},
		{
			Name: "zcard", Arity: 2, Flags: ReadOnly | Fast, KeyFlags: []KeyFlags{KeyRO}, Since: "1.2.0", Complexity: "O(1)", Mode: reads,
			Run: zCard, Summary: "Returns the number of members in a sorted set.",
		},
		{
			Name: "zincrby", Arity: 4, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyUpdate}, Since: "1.2.0",
			Complexity: "O(log(N)) where N is the number of elements in the sorted set.", Mode: changes, Run: zIncrBy,
			Summary: "Increments the score of a member in a sorted set.",
		},
		{
			Name: "zintercard", Arity: -3, Flags: ReadOnly | MovableKeys, NumKeys: 1, KeyFlags: access, Since: "7.0.0",
			Complexity: "O(N*K) where N is the size of the smallest of K sorted sets.",
			Mode:       reads, Run: zInterCard, SlowOf: misnumbered(1), Slow: zInterCardAcross,
			Summary: "Returns the number of members of the intersect of multiple sorted sets.",
		},
		{
			Name: "zmpop", Arity: -4, Flags: WriteFlag | MovableKeys, NumKeys: 1, KeyFlags: pops, Since: "7.0.0",
			Complexity: "O(K) + O(M*log(N)) where K is the number of keys, N the number of elements in the sorted set, and M of those popped.",
			Mode:       changes, Run: zMPop, SlowOf: misnumbered(1), Slow: multiPopAcross("zmpop", scoreSides),
			Summary: "Returns the highest- or lowest-scoring members of the first of some sorted sets that is not empty after removing them.",
		},
		{
			Name: "zmscore", Arity: -3, Flags: ReadOnly | Fast, KeyFlags: access, Since: "6.2.0", Mode: reads, Run: zMScore,
			Complexity: "O(N) where N is the number of members being requested.",
			Summary:    "Returns the score of one or more members in a sorted set.",
		},
		{
			Name: "zpopmax", Arity: -2, Flags: WriteFlag | Fast, KeyFlags: pops, Since: "5.0.0", Mode: changes, Run: zPopMax,
			Complexity: pop,
			Summary:    "Returns the highest-scoring members from a sorted set after removing them. Deletes it if the last member was popped.",
		},
		{
			Name: "zpopmin", Arity: -2, Flags: WriteFlag | Fast, KeyFlags: pops, Since: "5.0.0", Mode: changes, Run: zPopMin,
			Complexity: pop,
			Summary:    "Returns the lowest-scoring members from a sorted set after removing them. Deletes it if the last member was popped.",
		},
		{
			Name: "zrandmember", Arity: -2, Flags: ReadOnly, KeyFlags: access, Since: "6.2.0", Tips: []string{"nondeterministic_output"},
			Complexity: "O(log N) for each of the returned members", Mode: reads, Run: zRandMember,
			Summary: "Returns one or more random members from a sorted set.",
		},
		{
			Name: "zrem", Arity: -3, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyDelete}, Since: "1.2.0", Mode: repeatable, Run: zRem,
			Complexity: "O(M*log(N)) where N is the number of elements in the sorted set and M of those to be removed.",
			Summary:    "Removes one or more members from a sorted set. Deletes the sorted set if all members were removed.",
		},
		{
			Name: "zscan", Arity: -3, Flags: ReadOnly, KeyFlags: access, Since: "2.8.0", Tips: []string{"nondeterministic_output"}, Mode: reads,
			Run: zScan, Complexity: "O(1) for every call. O(N) for a complete iteration.",
			Summary: "Iterates over members and scores of a sorted set.",
		},
		{
			Name: "zscore", Arity: 3, Flags: ReadOnly | Fast, KeyFlags: access, Since: "1.2.0", Complexity: "O(1)", Mode: reads, Run: zScore,
			Summary: "Returns the score of a member in a sorted set.",
		},
	}
	for i := range specs {
		specs[i] = specs[i].completed(CatSortedSet, "sorted-set", "")
	}
	return specs
}

// zsetRangeSpecs are those on ranks and on ranges of a sorted set.
func zsetRangeSpecs() []Spec {
	access := []KeyFlags{KeyRO | KeyAccess}
	const (
		part  = "O(log(N)+M) where N is the number of elements in the sorted set and M of those returned."
		log   = "O(log(N)) with N being the number of elements in the sorted set."
		since = "6.2.0"
	)
	query := func(name, first, instead, summary string, is rangeKind) Spec {
		s := Spec{
			Name: name, Arity: -4, Flags: ReadOnly, KeyFlags: access, Since: first, Complexity: part, Mode: reads, Run: zRange(is), Summary: summary,
		}
		if instead != "" {
			s.Deprecated, s.DeprecatedSince = instead, since
		}
		return s
	}
	number := func(name, first, summary string, run func(*Call)) Spec {
		return Spec{
			Name: name, Arity: 4, Flags: ReadOnly | Fast, KeyFlags: access, Since: first, Complexity: log, Mode: reads, Run: run, Summary: summary,
		}
	}
	rank := func(name, summary string, reverse bool) Spec {
		return Spec{
			Name: name, Arity: -3, Flags: ReadOnly | Fast, KeyFlags: access, Since: "2.0.0", Complexity: log, Mode: reads, Run: zRank(reverse),
			Summary: summary,
		}
	}
	remove := func(name, first, summary string, run func(*Call)) Spec {
		return Spec{
			Name: name, Arity: 4, Flags: WriteFlag, KeyFlags: []KeyFlags{KeyRW | KeyDelete}, Since: first, Mode: changes, Run: run, Summary: summary,
			Complexity: "O(log(N)+M*log(N)) where N is the number of elements in the sorted set and M of those removed.",
		}
	}
	specs := []Spec{
		number("zcount", "2.0.0", "Returns the count of members in a sorted set that have scores within a range.", zCount),
		number("zlexcount", "2.8.9", "Returns the number of members in a sorted set within a lexicographical range.", zLexCount),
		query("zrange", "1.2.0", "", "Returns members in a sorted set within a range of indexes.", rangeKind{free: true}),
		query("zrangebylex", "2.8.9", "`ZRANGE` with the `BYLEX` argument", "Returns members in a sorted set within a lexicographical range.",
			rangeKind{by: byMember}),
		query("zrangebyscore", "1.0.5", "`ZRANGE` with the `BYSCORE` argument", "Returns members in a sorted set within a range of scores.",
			rangeKind{by: byScore}),
		query("zrevrange", "1.2.0", "`ZRANGE` with the `REV` argument",
			"Returns members in a sorted set within a range of indexes in reverse order.",
			rangeKind{by: byRank, reverse: true}),
		query("zrevrangebylex", "2.8.9", "`ZRANGE` with the `REV` and `BYLEX` arguments",
			"Returns members in a sorted set within a lexicographical range in reverse order.", rangeKind{by: byMember, reverse: true}),
		query("zrevrangebyscore", "2.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments",
			"Returns members in a sorted set within a range of scores in reverse order.", rangeKind{by: byScore, reverse: true}),
		rank("zrank", "Returns the index of a member in a sorted set ordered by ascending scores.", false),
		rank("zrevrank", "Returns the index of a member in a sorted set ordered by descending scores.", true),
		remove("zremrangebylex", "2.8.9", "Removes members in a sorted set within a lexicographical range. Deletes it if all were removed.",
			zRemRangeByLex),
		remove("zremrangebyrank", "2.0.0", "Removes members in a sorted set within a range of indexes. Deletes it if all were removed.",
			zRemRangeByRank),
		remove("zremrangebyscore", "1.2.0", "Removes members in a sorted set within a range of scores. Deletes it if all were removed.",
			zRemRangeByScore),
		{
			Name: "zrangestore", Arity: -5, Flags: WriteFlag | DenyOOM, FirstKey: 1, LastKey: 2, Step: 1, Since: since,
			KeyFlags: []KeyFlags{KeyOW | KeyUpdate, KeyRO | KeyAccess}, ModeOf: zRangeStoreMode, Run: zRangeStore, Slow: zRangeStoreAcross,
			Complexity: "O(log(N)+M) where N is the number of elements in the sorted set and M of those stored.",
			Summary:    "Stores a range of members from sorted set in a key.",
		},
	}
	for i := range specs {
		specs[i] = specs[i].completed(CatSortedSet, "sorted-set", "")
	}
	return specs
}
