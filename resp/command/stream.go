package command

// streamSpecs are the commands on streams.
func streamSpecs() []Spec {
	specs := []Spec{
		{
			Name: "xack", Arity: -4, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Mode: repeatable, Run: xAck,
			Complexity: "O(1) for each ID.",
			Summary:    "Acknowledges entries for a consumer group: they are no longer pending. Returns how many were.",
		},
		{
			Name: "xadd", Arity: -5, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyRW | KeyUpdate},
			Tips: []string{"nondeterministic_output"}, Mode: changes, Run: xAdd,
			Complexity: "O(1), and O(N) with the number of entries that are trimmed.",
			Summary:    "Adds an entry to a stream, which is made if need be, and may trim it. Returns the entry's ID.",
		},
		{
			Name: "xautoclaim", Arity: -6, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyDelete}, Since: "6.2.0",
			Tips: []string{"nondeterministic_output"}, Mode: changes, Run: xAutoClaim,
			Complexity: "O(N) with the number of pending entries that are looked at, ten times COUNT at most.",
			Summary:    "Makes a consumer the owner of entries that have been pending for long, from an ID on.",
		},
		{
			Name: "xclaim", Arity: -6, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyUpdate},
			Tips: []string{"nondeterministic_output"}, Mode: changes, Run: xClaim,
			Complexity: "O(N) with the number of IDs.",
			Summary:    "Makes a consumer the owner of pending entries. Returns them.",
		},
		{
			Name: "xdel", Arity: -3, Flags: WriteFlag | Fast, KeyFlags: []KeyFlags{KeyRW | KeyDelete}, Mode: repeatable, Run: xDel,
			Complexity: "O(1) for each ID.",
			Summary:    "Removes entries from a stream. Returns how many were there.",
		},
		xGroupSpec(),
		xInfoSpec(),
		{
			Name: "xlen", Arity: 2, Flags: ReadOnly | Fast, KeyFlags: []KeyFlags{KeyRO}, Mode: reads, Run: xLen,
			Complexity: "O(1)", Summary: "Returns the number of entries of a stream.",
		},
		{
			Name: "xpending", Arity: -3, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Tips: []string{"nondeterministic_output"},
			Mode: reads, Run: xPending,
			Complexity: "O(N) with the number of pending entries of the group, or of those that are looked at.",
			Summary:    "Returns a summary of what is pending in a consumer group, or pending entries.",
		},
		{
			Name: "xrange", Arity: -4, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Mode: reads, Run: xRange,
			Complexity: "O(N) with the number of entries returned.",
			Summary:    "Returns the entries of a stream between two IDs.",
		},
		{
			Name: "xread", Arity: -4, Flags: ReadOnly | Blocking | MovableKeys, Keyword: "streams", KeyFlags: []KeyFlags{KeyRO | KeyAccess},
			Slow: xRead, Complexity: "O(N) with the number of entries returned.",
			Summary: "Returns entries of one or more streams behind given IDs, and may wait for them.",
		},
		{
			Name: "xreadgroup", Arity: -7, Flags: WriteFlag | Blocking | MovableKeys, Keyword: "streams",
			KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Slow: xReadGroup, Complexity: "O(N) with the number of entries returned.",
			Summary: "Delivers entries of one or more streams to a consumer of a group, new ones or pending ones, and may wait for new ones.",
		},
		{
			Name: "xrevrange", Arity: -4, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Mode: reads, Run: xRevRange,
			Complexity: "O(N) with the number of entries returned.",
			Summary:    "Returns the entries of a stream between two IDs, the last first.",
		},
		{
			Name: "xsetid", Arity: -3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Mode: repeatable, Run: xSetID,
			Complexity: "O(1)", Summary: "Sets the last ID of a stream, and its counts.",
		},
		{
			Name: "xtrim", Arity: -4, Flags: WriteFlag, KeyFlags: []KeyFlags{KeyRW | KeyDelete}, Tips: []string{"nondeterministic_output"},
			Mode: repeatable, Run: xTrim, Complexity: "O(N) with the number of entries removed.",
			Summary: "Removes entries from the beginning of a stream. Returns how many.",
		},
	}
	for i := range specs {
		s := &specs[i]
		s.Category, s.Group = CatStream, "stream"
		if s.FirstKey == 0 && s.Keyword == "" && s.Subcommands == nil {
			s.FirstKey, s.LastKey, s.Step = 1, 1, 1
		}
		if s.Subcommands != nil {
			s.Category = 0
		}
		if s.Since == "" {
			s.Since = "5.0.0"
		}
	}
	return specs
}

// xGroupSpec is XGROUP.
func xGroupSpec() Spec {
	sub := func(s Spec) Spec {
		s.Flags |= WriteFlag
		s.Category, s.Group = CatStream, "stream"
		s.FirstKey, s.LastKey, s.Step = 2, 2, 1
		if s.Since == "" {
			s.Since = "5.0.0"
		}
		return s
	}
	return Spec{
		Name: "xgroup", Arity: -2, Complexity: "Depends on subcommand.", Summary: "Makes and changes consumer groups.",
		Subcommands: []Spec{
			sub(Spec{
				Name: "create", Arity: -5, Flags: DenyOOM, KeyFlags: []KeyFlags{KeyRW | KeyInsert}, Mode: changes, Run: xGroupCreate,
				Usage: "<key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD entries_read]", Complexity: "O(1)",
				Summary: "Makes a consumer group.",
			}),
			sub(Spec{
				Name: "createconsumer", Arity: 5, Flags: DenyOOM, KeyFlags: []KeyFlags{KeyRW | KeyInsert}, Since: "6.2.0", Mode: repeatable,
				Run: xGroupCreateConsumer, Usage: "<key> <groupname> <consumer>", Complexity: "O(1)",
				Summary: "Makes a consumer in a group.",
			}),
			sub(Spec{
				Name: "delconsumer", Arity: 5, KeyFlags: []KeyFlags{KeyRW | KeyDelete}, Mode: repeatable, Run: xGroupDelConsumer,
				Usage: "<key> <groupname> <consumer>", Complexity: "O(N) with the number of entries pending in the group.",
				Summary: "Removes a consumer from a group, with what is pending for it. Returns how much that was.",
			}),
			sub(Spec{
				Name: "destroy", Arity: 4, KeyFlags: []KeyFlags{KeyRW | KeyDelete}, Mode: repeatable, Run: xGroupDestroy,
				Usage: "<key> <groupname>", Summary: "Removes a consumer group.",
				Complexity: "O(N) with the number of entries pending in the group.",
			}),
			sub(Spec{
				Name: "setid", Arity: -5, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Mode: repeatable, Run: xGroupSetID,
				Usage: "<key> <groupname> <id|$> [ENTRIESREAD entries_read]", Complexity: "O(1)",
				Summary: "Sets how far a consumer group has read.",
			}),
			helpSpec("5.0.0", "stream", CatStream),
		},
	}
}

// xInfoSpec is XINFO.
func xInfoSpec() Spec {
	sub := func(s Spec) Spec {
		s.Flags, s.Category, s.Group, s.Since, s.Mode = ReadOnly, CatStream, "stream", "5.0.0", looks
		s.FirstKey, s.LastKey, s.Step, s.KeyFlags = 2, 2, 1, []KeyFlags{KeyRO | KeyAccess}
		return s
	}
	consumers := Spec{
		Name: "consumers", Arity: 4, Tips: []string{"nondeterministic_output"}, Run: xInfoConsumers, Usage: "<key> <groupname>",
		Complexity: "O(N) with the number of entries pending in the group.", Summary: "Returns the consumers of a group.",
	}
	return Spec{
		Name: "xinfo", Arity: -2, Complexity: "Depends on subcommand.", Summary: "Tells about streams and their groups.",
		Subcommands: []Spec{
			sub(consumers),
			sub(Spec{
				Name: "groups", Arity: 3, Run: xInfoGroups, Usage: "<key>", Summary: "Returns the consumer groups of a stream.",
				Complexity: "O(N) with the number of entries pending in the groups.",
			}),
			sub(Spec{
				Name: "stream", Arity: -3, Run: xInfoStream, Usage: "<key> [FULL [COUNT <count>]]",
				Complexity: "O(1); O(N) with the number of entries shown and pending with FULL.", Summary: "Returns facts about a stream.",
			}),
			helpSpec("5.0.0", "stream", CatStream),
		},
	}
}
