package command

import (
	"math"
	"strconv"
	"strings"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/geo"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// Positions are members of sorted sets, their scores geohashes. A search whose result is stored runs at one coordinator when both
// keys are in one slot: by kindred.geostore, where STORE is an option, for that has both keys together. Else the source is
// searched by kindred.geofind, and the result stored by kindred.ranked.

// GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]
func geoAdd(c *Call) {
	rules := geoAddRules(c.Args)
	rest := c.Args[rules.pairs:]
	if len(rest)%3 != 0 || len(rest) == 0 || rules.nx && rules.xx {
		c.Fail(errSyntax)
		return
	}
	var list []scoreOf
	for ; len(rest) > 0; rest = rest[3:] {
		p, fault := parsePosition(rest[0], rest[1])
		if fault != "" {
			c.Fail(fault)
			return
		}
		list = append(list, scoreOf{rest[2], p.Score()})
	}
	c.addScores(rules, list)
}

func geoAddRules(args [][]byte) additionRules {
	r := additionRules{pairs: 2}
	for ; r.pairs < len(args); r.pairs++ {
		switch word := args[r.pairs]; {
		case equalFold(word, "nx"):
			r.nx = true
		case equalFold(word, "xx"):
			r.xx = true
		case equalFold(word, "ch"):
			r.ch = true
		default:
			return r
		}
	}
	return r
}

// geoAddMode: with NX the reply tells what was there before.
func geoAddMode(args [][]byte) cluster.Mode {
	if geoAddRules(args).nx {
		return changes
	}
	return repeatable
}

// GEODIST key member1 member2 [M | KM | FT | MI]
func geoDist(c *Call) {
	unit := 1.0
	switch fault := ""; {
	case len(c.Args) > 5:
		c.Fail(errSyntax)
		return
	case len(c.Args) == 5:
		if unit, fault = parseUnit(c.Args[4]); fault != "" {
			c.Fail(fault)
			return
		}
	}
	o, ok := c.read(c.Key(1), object.ZSet)
	if !ok {
		return
	}
	from, there := kind.Score(o, c.Args[2])
	to, also := kind.Score(o, c.Args[3])
	if !there || !also {
		c.Reply.Null()
		return
	}
	c.distance(geo.At(from).Distance(geo.At(to)) / unit)
}

// distance replies with a number of four decimals.
func (c *Call) distance(d float64) {
	scaled := int64(math.RoundToEven(d * 1e4))
	c.Reply.BulkString(strconv.FormatInt(scaled/1e4, 10) + "." + strconv.FormatInt(1e4+scaled%1e4, 10)[1:])
}

// GEOHASH key [member ...]
func geoHash(c *Call) {
	c.positions(func(p geo.Position) { c.Reply.BulkString(p.Text()) }, c.Reply.Null)
}

// GEOPOS key [member ...]
func geoPos(c *Call) { c.positions(c.position, c.Reply.NullArray) }

// positions replies for each member with its position, or that there is none.
func (c *Call) positions(with func(geo.Position), none func()) {
	o, ok := c.read(c.Key(1), object.ZSet)
	if !ok {
		return
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		if score, there := kind.Score(o, member); there {
			with(geo.At(score))
		} else {
			none()
		}
	}
}

func (c *Call) position(p geo.Position) {
	c.Reply.Array(2)
	c.degrees(p.Longitude)
	c.degrees(p.Latitude)
}

// degrees replies with a number of up to 17 decimals.
func (c *Call) degrees(x float64) {
	text := strconv.FormatFloat(x, 'f', 17, 64)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" {
		text = "0"
	}
	if c.Reply.Proto == 3 {
		c.Reply.Raw([]byte("," + text + "\r\n"))
		return
	}
	c.Reply.BulkString(text)
}

// search makes the search that args ask for, from the key on, which is argument i of the call. Without ok the error is the
// reply.
func (c *Call) search(i int, name []byte, args [][]byte) (q geoQuery, list []found, ok bool) {
	form := geoForms[strings.ToLower(string(name))]
	o, ok := c.read(c.Key(i), object.ZSet)
	if !ok {
		return q, nil, false
	}
	g := geoArgs{name: name, form: form, args: args, o: o}
	q, fault := g.parse()
	if fault != "" {
		c.Fail(fault)
		return q, nil, false
	}
	return q, q.in(o), true
}

// GEORADIUS key longitude latitude radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC],
// GEORADIUSBYMEMBER key member radius …, and GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude
// BYRADIUS radius unit | BYBOX width height unit …
func geoSearch(c *Call) {
	q, list, ok := c.search(1, c.Args[0], c.Args[1:])
	if !ok {
		return
	}
	fields := 1
	for _, with := range []bool{q.distances, q.hashes, q.places} {
		if with {
			fields++
		}
	}
	c.Reply.Array(len(list))
	for i := range list {
		f := &list[i]
		if fields > 1 {
			c.Reply.Array(fields)
		}
		c.Reply.BulkString(f.member)
		if q.distances {
			c.distance(f.distance)
		}
		if q.hashes {
			c.Reply.Int(int64(f.score))
		}
		if q.places {
			c.position(f.place)
		}
	}
}

// scored is what a search stores.
func (q *geoQuery) scored(list []found) []scoredMember {
	out := make([]scoredMember, len(list))
	for i, f := range list {
		out[i] = scoredMember{f.member, f.score}
		if q.storesDistances {
			out[i].score = f.distance
		}
	}
	return out
}

// GEOSEARCHSTORE destination source …, both keys in one slot.
func geoSearchStore(c *Call) {
	if q, list, ok := c.search(2, c.Args[0], c.Args[2:]); ok {
		c.storeScored(c.Key(1), q.scored(list))
	}
}

func geoSearchStoreAcross(r *Request) { r.geoStore(r.Args[1], r.Args[2:]) }

// geoStore searches a key in another slot than the one it stores the result in. args begin with the key that is searched.
func (r *Request) geoStore(to []byte, args [][]byte) {
	read := r.Command(append([][]byte{[]byte("kindred.geofind"), args[0], r.Args[0]}, args[1:]...)...)
	if !r.executeAll([]*cluster.Command{read}) {
		return
	}
	if list, ok := readScores(read.Reply); ok {
		r.storeScored(to, list)
	} else {
		r.Fail(errBadPart)
	}
}

// geoTarget is the argument that names the key in which GEORADIUS or GEORADIUSBYMEMBER stores what it finds, 0 when it stores
// nothing.
func geoTarget(args [][]byte) (at int) {
	for i := 1 + geoForms[strings.ToLower(string(args[0]))].options; i+1 < len(args); i++ {
		switch {
		case equalFold(args[i], "store") || equalFold(args[i], "storedist"):
			i++
			at = i
		case equalFold(args[i], "count"):
			i++
		}
	}
	return at
}

func geoStores(args [][]byte) bool { return geoTarget(args) > 0 }

// GEORADIUS and GEORADIUSBYMEMBER … STORE | STOREDIST key
func geoRadiusStore(r *Request) {
	to, from := r.Args[geoTarget(r.Args)], r.Args[1]
	if !slotOfAll(to, [][]byte{from}) {
		r.geoStore(to, r.Args[1:])
		return
	}
	write := r.Command(append([][]byte{[]byte("kindred.geostore"), to, from, r.Args[0]}, r.Args[2:]...)...)
	if r.executeAll([]*cluster.Command{write}) {
		r.Reply.Raw(write.Reply)
	}
}

// searchNamed is search for a step of another command: the name of that stands behind the key, which is argument i.
func (c *Call) searchNamed(i int) (list []scoredMember, ok bool) {
	name := c.Args[i+1]
	form, known := geoForms[strings.ToLower(string(name))]
	args := append([][]byte{c.Args[i]}, c.Args[i+2:]...)
	if !known || len(args) < form.options {
		c.Fail(errSyntax)
		return nil, false
	}
	q, result, ok := c.search(i, name, args)
	return q.scored(result), ok
}

// kindred.geostore destination source name …
func storeSearch(c *Call) {
	if list, ok := c.searchNamed(2); ok {
		c.storeScored(c.Key(1), list)
	}
}

// kindred.geofind source name … → member, score …
func exportSearch(c *Call) {
	list, ok := c.searchNamed(1)
	if !ok {
		return
	}
	c.writeScores(func(yield func(string, float64) bool) {
		for _, m := range list {
			if !yield(m.member, m.score) {
				return
			}
		}
	})
}
