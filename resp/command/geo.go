package command

// geoSpecs are the commands on positions.
func geoSpecs() []Spec {
	access := []KeyFlags{KeyRO | KeyAccess}
	const (
		search = "O(N+log(M)) where N is the number of members in the rectangles around the shape and M the number of those inside it."
		since  = "3.2.0"
	)
	radius := func(name string, arity int, instead, summary string) Spec {
		return Spec{
			Name: name, Arity: arity, Flags: WriteFlag | DenyOOM | MovableKeys,
			KeyFlags:  []KeyFlags{KeyRO | KeyAccess, KeyOW | KeyUpdate, KeyOW | KeyUpdate},
			StoreFrom: -arity, Since: since, Complexity: search, Mode: reads, Run: geoSearch, SlowOf: geoStores, Slow: geoRadiusStore,
			Summary: summary, Deprecated: instead, DeprecatedSince: "6.2.0",
		}
	}
	reading := func(name string, arity int, first, instead, summary string) Spec {
		s := Spec{
			Name: name, Arity: arity, Flags: ReadOnly, KeyFlags: access, Since: first, Complexity: search, Mode: reads, Run: geoSearch,
			Summary: summary,
		}
		if instead != "" {
			s.Deprecated, s.DeprecatedSince = instead, "6.2.0"
		}
		return s
	}
	specs := []Spec{
		{
			Name: "geoadd", Arity: -5, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Since: since, ModeOf: geoAddMode,
			Run:        geoAdd,
			Complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
			Summary:    "Adds one or more members to a geospatial index. The key is created if it doesn't exist.",
		},
		{
			Name: "geodist", Arity: -4, Flags: ReadOnly, KeyFlags: access, Since: since, Complexity: "O(1)", Mode: reads, Run: geoDist,
			Summary: "Returns the distance between two members of a geospatial index.",
		},
		{
			Name: "geohash", Arity: -2, Flags: ReadOnly, KeyFlags: access, Since: since, Mode: reads, Run: geoHash,
			Complexity: "O(1) for each member requested.", Summary: "Returns members from a geospatial index as geohash strings.",
		},
		{
			Name: "geopos", Arity: -2, Flags: ReadOnly, KeyFlags: access, Since: since, Mode: reads, Run: geoPos,
			Complexity: "O(1) for each member requested.", Summary: "Returns the longitude and latitude of members from a geospatial index.",
		},
		radius("georadius", -6, "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
			"Queries a geospatial index for members within a distance from a coordinate, optionally stores the result."),
		radius("georadiusbymember", -5, "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
			"Queries a geospatial index for members within a distance from a member, optionally stores the result."),
		reading("georadius_ro", -6, "3.2.10", "`GEOSEARCH` with the `BYRADIUS` argument",
			"Returns members from a geospatial index that are within a distance from a coordinate."),
		reading("georadiusbymember_ro", -5, "3.2.10", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
			"Returns members from a geospatial index that are within a distance from a member."),
		reading("geosearch", -7, "6.2.0", "", "Queries a geospatial index for members inside an area of a box or a circle."),
		{
			Name: "geosearchstore", Arity: -8, Flags: WriteFlag | DenyOOM, FirstKey: 1, LastKey: 2, Step: 1, Since: "6.2.0", Complexity: search,
			KeyFlags: []KeyFlags{KeyOW | KeyUpdate, KeyRO | KeyAccess}, Mode: changes, Run: geoSearchStore, Slow: geoSearchStoreAcross,
			Summary: "Queries a geospatial index for members inside an area of a box or a circle, stores the result.",
		},
	}
	for i := range specs {
		s := &specs[i]
		if s.Category, s.Group = CatGeo, "geo"; s.FirstKey == 0 {
			s.FirstKey, s.LastKey, s.Step = 1, 1, 1
		}
	}
	return specs
}
