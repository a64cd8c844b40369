package command

import "fmt"

// place is a longitude and a latitude, most of them near each other.
func (g *generator) place() []string {
	switch g.rng.IntN(14) {
	case 0:
		return []string{g.pick("180", "-180", "181", "x", "179.999999"), g.pick("85", "-85.05112878", "86", "0")}
	case 1:
		return []string{fmt.Sprint(g.rng.Float64()*360 - 180), fmt.Sprint(g.rng.Float64()*170 - 85)}
	case 2:
		return []string{g.pick("13.361389", "15.087269", "13.583333"), g.pick("38.115556", "37.502669", "37.316667")}
	default:
		return []string{fmt.Sprintf("%.4f", 10+g.rng.NormFloat64()*2), fmt.Sprintf("%.4f", 45+g.rng.NormFloat64()*2)}
	}
}

// spot is a place for a member: hardly ever at that of another, whose distance would be the same.
func (g *generator) spot() []string {
	if g.rng.IntN(30) == 0 {
		return []string{g.pick("181", "x", "-180.1", "0"), g.pick("86", "-85.06", "nan")}
	}
	if g.rng.IntN(14) == 0 {
		return []string{fmt.Sprint(g.rng.Float64()*360 - 180), fmt.Sprint(g.rng.Float64()*170 - 85)}
	}
	return []string{fmt.Sprint(10 + g.rng.NormFloat64()*2), fmt.Sprint(45 + g.rng.NormFloat64()*2)}
}

func (g *generator) geoUnit() string { return g.pick("m", "km", "km", "KM", "ft", "mi", "nope") }

func (g *generator) distance() string {
	return g.pick("0", "10", "100", "200", "500", "1000", "5000", "20000", "100000", "-1", "x", fmt.Sprintf("%.3f", g.rng.Float64()*800))
}

// geoKey is a sorted set all scores of which are positions.
func (g *generator) geoKey() string { return g.pick("g", "g", "g", "{g}1", "{g}2", "h", "{g}nothing") }

// geoStore is where the result of a search goes: distances to where nothing reads them, for Redis 7.0 prints them otherwise.
func (g *generator) geoStore() (key string, distances bool) {
	if g.rng.IntN(3) == 0 {
		return g.pick("distances", "{g}distances"), true
	}
	return g.pick("{g}1", "{g}2", "{g}3", "g", "gg"), false
}

// geoOptions fix the order of the results: Redis 7.0 looks at the parts of the map in another one, and so ANY finds others first.
func (g *generator) geoOptions() []string {
	order := []string{g.pick("asc", "desc", "asc", "ASC")}
	if g.rng.IntN(4) == 0 {
		return append(order, g.options("any", "any", "count 100000", "count 0", "withdist")...)
	}
	return append(order, g.options("withdist", "withcoord", "withhash", "count 3", "count 100", "count 0", "count x", "count")...)
}

func (g *generator) geoWords() []string {
	k := g.geoKey()
	shape := func() []string {
		if g.rng.IntN(2) == 0 {
			return []string{"byradius", g.distance(), g.geoUnit()}
		}
		return []string{"bybox", g.distance(), g.distance(), g.geoUnit()}
	}
	center := func() []string {
		if g.rng.IntN(2) == 0 {
			return []string{"frommember", g.field()}
		}
		return append([]string{"fromlonlat"}, g.place()...)
	}
	var words []string
	switch g.rng.IntN(12) {
	case 0, 1, 2, 3:
		words = append([]string{"geoadd", k}, g.options("nx", "xx", "ch")...)
		for range 1 + g.rng.IntN(3) {
			words = append(append(words, g.spot()...), g.field())
		}
		return words
	case 4:
		return append([]string{g.pick("geohash", "geopos"), k}, g.fields(3)...)
	case 5:
		return append([]string{"geodist", k, g.field(), g.field()}, []string{g.geoUnit()}[:g.rng.IntN(2)]...)
	case 6:
		words = append([]string{g.pick("georadius", "georadius_ro"), k}, g.place()...)
		return append(append(words, g.distance(), g.geoUnit()), g.geoOptions()...)
	case 7:
		return append([]string{g.pick("georadiusbymember", "georadiusbymember_ro"), k, g.field(), g.distance(), g.geoUnit()}, g.geoOptions()...)
	case 8, 9:
		return append(append(append([]string{"geosearch", k}, center()...), shape()...), g.geoOptions()...)
	case 10:
		to, distances := g.geoStore()
		words = append(append([]string{"geosearchstore", to, k}, center()...), shape()...)
		if distances {
			words = append(words, "storedist")
		}
		return append(words, g.options("asc", "count 3", "count 3", "withdist", "store x")...)
	default:
		to, distances := g.geoStore()
		words = append([]string{"georadius", k}, g.place()...)
		words = append(words, g.distance(), g.geoUnit(), map[bool]string{true: "storedist", false: "store"}[distances], to)
		return append(words, g.options("asc", "count 3", "withdist")...)
	}
}
