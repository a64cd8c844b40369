package command

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kindredkv/kindred/engine/geo"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// geoForm is what the name of a command says of the search that it makes.
type geoForm struct {
	// options is the number of arguments, the key's included, before the options: 5 for a position, a radius and a unit, 4 for a
	// member in place of the position, 1 when the shape is given by options.
	options int
	// mayStore says that STORE and STOREDIST with a key are options, stores that there is a key to store in already.
	mayStore, stores bool
}

var geoForms = map[string]geoForm{
	"georadius":            {options: 5, mayStore: true},
	"georadius_ro":         {options: 5},
	"georadiusbymember":    {options: 4, mayStore: true},
	"georadiusbymember_ro": {options: 4},
	"geosearch":            {options: 1},
	"geosearchstore":       {options: 1, stores: true},
}

// geoQuery is a search.
type geoQuery struct {
	shape                     geo.Shape
	distances, hashes, places bool
	any                       bool
	order                     int // 1 from the center outwards, -1 from the outside inwards, 0 as they are found
	count                     int64
	stores                    bool // the result goes to a key
	storesDistances           bool

	fromMember, fromPlace, byRadius, byBox bool
}

// geoArgs reads the arguments of a search one after the other.
type geoArgs struct {
	name []byte // of the command, as the client has written it
	form geoForm
	args [][]byte // from the key on
	o    *object.Object
}

// parse reads a search of a sorted set, nil for one that does not exist. The error is empty when all is well.
func (g *geoArgs) parse() (q geoQuery, fault string) {
	q.shape.Unit, q.stores = 1, g.form.stores
	switch at := g.args; {
	case g.form.options == 5:
		if q.shape.Center, fault = parsePosition(at[1], at[2]); fault == "" {
			q.shape.Radius, q.shape.Unit, fault = parseRadius(at[3], at[4])
		}
	case g.form.options == 4 && g.o != nil:
		if q.shape.Center, fault = g.member(at[1]); fault == "" {
			q.shape.Radius, q.shape.Unit, fault = parseRadius(at[2], at[3])
		}
	}
	for rest := g.args[min(g.form.options, len(g.args)):]; fault == "" && len(rest) > 0; {
		used := 0
		if used, fault = g.option(&q, rest); fault == "" {
			rest = rest[used:]
		}
	}
	if fault == "" {
		fault = g.check(&q)
	}
	if q.count != 0 && q.order == 0 && !q.any {
		q.order = 1
	}
	return q, fault
}

// option reads one option and returns the number of its arguments.
func (g *geoArgs) option(q *geoQuery, rest [][]byte) (used int, fault string) {
	word, more, searches := rest[0], len(rest)-1, g.form.options == 1
	switch {
	case equalFold(word, "withdist"):
		q.distances = true
	case equalFold(word, "withhash"):
		q.hashes = true
	case equalFold(word, "withcoord"):
		q.places = true
	case equalFold(word, "any"):
		q.any = true
	case equalFold(word, "asc"):
		q.order = 1
	case equalFold(word, "desc"):
		q.order = -1
	case equalFold(word, "count") && more >= 1:
		var ok bool
		if q.count, ok = parseInt(rest[1]); !ok {
			return 0, errNotInteger
		}
		if q.count <= 0 {
			return 0, "ERR COUNT must be > 0"
		}
		return 2, ""
	case g.form.mayStore && more >= 1 && (equalFold(word, "store") || equalFold(word, "storedist")):
		q.stores, q.storesDistances = true, equalFold(word, "storedist")
		return 2, ""
	case g.form.stores && equalFold(word, "storedist"):
		q.storesDistances = true
	case searches:
		return g.shapeOption(q, rest)
	default:
		return 0, errSyntax
	}
	return 1, ""
}

// shapeOption reads an option that says where to search.
func (g *geoArgs) shapeOption(q *geoQuery, rest [][]byte) (used int, fault string) {
	word, more := rest[0], len(rest)-1
	switch {
	case equalFold(word, "frommember") && more >= 1 && !q.fromPlace:
		if q.fromMember = true; g.o != nil {
			q.shape.Center, fault = g.member(rest[1])
		}
		return 2, fault
	case equalFold(word, "fromlonlat") && more >= 2 && !q.fromMember:
		q.fromPlace = true
		q.shape.Center, fault = parsePosition(rest[1], rest[2])
		return 3, fault
	case equalFold(word, "byradius") && more >= 2 && !q.byBox:
		q.byRadius = true
		q.shape.Radius, q.shape.Unit, fault = parseRadius(rest[1], rest[2])
		return 3, fault
	case equalFold(word, "bybox") && more >= 3 && !q.byRadius:
		q.byBox, q.shape.Box = true, true
		q.shape.Width, q.shape.Height, q.shape.Unit, fault = parseBox(rest[1], rest[2], rest[3])
		return 4, fault
	default:
		return 0, errSyntax
	}
}

// check reports options that do not go together.
func (g *geoArgs) check(q *geoQuery) string {
	searches := g.form.options == 1
	switch {
	case q.stores && (q.distances || q.hashes || q.places):
		with := "STORE option in GEORADIUS"
		if g.form.stores {
			with = "GEOSEARCHSTORE"
		}
		return "ERR " + with + " is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
	case searches && !q.fromMember && !q.fromPlace:
		return "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + quoted(g.name)
	case searches && !q.byRadius && !q.byBox:
		return "ERR exactly one of BYRADIUS and BYBOX can be specified for " + quoted(g.name)
	case q.any && q.count == 0:
		return "ERR the ANY argument requires COUNT argument"
	}
	return ""
}

func (g *geoArgs) member(name []byte) (geo.Position, string) {
	score, ok := kind.Score(g.o, name)
	if !ok {
		return geo.Position{}, "ERR could not decode requested zset member"
	}
	return geo.At(score), ""
}

func parsePosition(longitude, latitude []byte) (p geo.Position, fault string) {
	var ok, also bool
	p.Longitude, ok = kind.ParseScore(longitude)
	p.Latitude, also = kind.ParseScore(latitude)
	switch {
	case !ok || !also:
		return p, errNoFloat
	case !p.Valid():
		return p, fmt.Sprintf("ERR invalid longitude,latitude pair %f,%f", p.Longitude, p.Latitude)
	}
	return p, ""
}

func parseRadius(radius, unit []byte) (n, meters float64, fault string) {
	n, ok := kind.ParseScore(radius)
	switch {
	case !ok:
		return 0, 0, "ERR need numeric radius"
	case n < 0:
		return 0, 0, "ERR radius cannot be negative"
	}
	meters, fault = parseUnit(unit)
	return n, meters, fault
}

func parseBox(width, height, unit []byte) (w, h, meters float64, fault string) {
	var ok, also bool
	w, ok = kind.ParseScore(width)
	h, also = kind.ParseScore(height)
	switch {
	case !ok:
		return 0, 0, 0, "ERR need numeric width"
	case !also:
		return 0, 0, 0, "ERR need numeric height"
	case w < 0 || h < 0:
		return 0, 0, 0, "ERR height or width cannot be negative"
	}
	meters, fault = parseUnit(unit)
	return w, h, meters, fault
}

// parseUnit is the number of meters that a unit has.
func parseUnit(unit []byte) (meters float64, fault string) {
	switch {
	case equalFold(unit, "m"):
		return 1, ""
	case equalFold(unit, "km"):
		return 1000, ""
	case equalFold(unit, "ft"):
		return 0.3048, ""
	case equalFold(unit, "mi"):
		return 1609.34, ""
	}
	return 0, "ERR unsupported unit provided. please use M, KM, FT, MI"
}

// found is a member that a search has found.
type found struct {
	member   string
	score    float64
	distance float64 // in the unit
	place    geo.Position
}

// in is what the search finds in a sorted set.
func (q *geoQuery) in(o *object.Object) []found {
	if o == nil {
		return nil
	}
	enough := int64(0)
	if q.any {
		enough = q.count
	}
	var out []found
	for _, r := range q.shape.Ranges() {
		spots := kind.RangeOfScores(kind.Reach[float64]{At: r.From}, kind.Reach[float64]{At: r.Below, Excluded: true})
		for s := range kind.Between(o, object.ZSet, spots, false, 0) {
			place := geo.At(s.Score())
			if d, ok := q.shape.Distance(place); ok {
				out = append(out, found{s.Member(), s.Score(), d / q.shape.Unit, place})
			}
			if enough > 0 && int64(len(out)) == enough {
				return q.ordered(out)
			}
		}
	}
	return q.ordered(out)
}

func (q *geoQuery) ordered(list []found) []found {
	if q.order != 0 {
		slices.SortStableFunc(list, func(a, b found) int { return q.order * cmp.Compare(a.distance, b.distance) })
	}
	if q.count > 0 && q.count < int64(len(list)) {
		list = list[:q.count]
	}
	return list
}
