package command

import (
	"math"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// RENAME and COPY within a slot are one keyed command and happen at once. Across slots, and to another database, they
// are three, each at the coordinator of its key:
//
//	kindred.export source           the object and a token of it
//	kindred.import target object    makes target that object, with NX only when it does not exist
//	kindred.forget source token     removes what was exported
//
// Between them others may see both keys. When a step fails the source is still there. A write of the source after the
// export is not covered by the token and stays: nothing that was acknowledged is lost. Of concurrent values the one
// that is shown is taken along, in either case; the others go with the source.

const (
	errNoKey      = "ERR no such key"
	errSameObject = "ERR source and destination objects are the same"
	errDatabase   = "ERR DB index is out of range"
)

// internalSpecs are the commands that others are made of.
func internalSpecs() []Spec {
	row := func(s Spec) Spec {
		s.Name, s.Group, s.Since, s.Category = "kindred."+s.Name, "generic", kindred, CatKeyspace
		if s.NumKeys == 0 {
			s.FirstKey, s.LastKey, s.Step = 1, max(1, s.LastKey), 1
		}
		return s
	}
	return []Spec{
		row(Spec{
			Name: "export", Arity: 2, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Complexity: "O(N) with the size of the object",
			Mode: reads, Run: exportKey, Summary: "A step of RENAME, COPY and MOVE: returns a context token and the encoded object of a key.",
		}),
		row(Spec{
			Name: "import", Arity: -3, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyOW | KeyUpdate},
			Complexity: "O(N) with the size of the object", ModeOf: importMode, Run: importKey,
			Summary: "A step of RENAME, COPY and MOVE: makes a key an encoded object.",
		}),
		row(Spec{
			Name: "forget", Arity: 3, Flags: WriteFlag, KeyFlags: []KeyFlags{KeyRM | KeyDelete}, Complexity: "O(N) with the size of the object",
			Mode: sets, Run: forgetKey, Summary: "A step of RENAME and MOVE: removes what a context token covers.",
		}),
		row(Spec{
			Name: "members", Arity: -2, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyOW | KeyUpdate}, Complexity: "O(N) with the number of members",
			Mode: repeatable, Run: storeMembers, Summary: "A step of SUNIONSTORE, SINTERSTORE and SDIFFSTORE: makes a key a set.",
		}),
		row(Spec{
			Name: "scores", Arity: -2, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Complexity: "O(N) with the number of members",
			Mode: reads, Run: exportScores, Summary: "A step of ZUNION and other commands: returns the members of a sorted set or set, with scores.",
		}),
		row(Spec{
			Name: "ranked", Arity: -2, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyOW | KeyUpdate},
			Complexity: "O(N) with the number of members", Mode: repeatable, Run: storeRanked,
			Summary: "A step of ZUNIONSTORE and other commands: makes a key a sorted set.",
		}),
		row(Spec{
			Name: "geofind", Arity: -3, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Complexity: "O(N) with the number of members searched",
			Mode: reads, Run: exportSearch, Summary: "A step of GEOSEARCHSTORE and GEORADIUS: returns what a search finds, with scores.",
		}),
		row(Spec{
			Name: "geostore", Arity: -4, Flags: WriteFlag | DenyOOM, LastKey: 2, KeyFlags: []KeyFlags{KeyOW | KeyUpdate, KeyRO | KeyAccess},
			Complexity: "O(N) with the number of members searched", Mode: changes, Run: storeSearch,
			Summary: "A step of GEORADIUS: stores what a search of a key in the same slot finds.",
		}),
		row(Spec{
			Name: "combine", Arity: -5, Flags: WriteFlag | DenyOOM | MovableKeys, NumKeys: 2, KeyFlags: []KeyFlags{KeyRW | KeyUpdate},
			Complexity: "O(N) with the number of members", ModeOf: combineMode, Run: combineScores, SlowOf: misnumbered(2), Slow: misnumberedKeys(2),
			Summary: "A step of ZUNIONSTORE, ZINTERSTORE and ZDIFFSTORE: stores a combination of sorted sets of one slot.",
		}),
		row(Spec{
			Name: "xlast", Arity: -2, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO}, Complexity: "O(1)", Mode: reads, Run: xLast,
			Summary: "A step of XREAD and XREADGROUP: returns the last ID of a stream.",
		}),
		row(Spec{
			Name: "xread", Arity: 4, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Complexity: "O(N) with the number of entries",
			Mode: reads, Run: xReadOne, Summary: "A step of XREAD: returns entries of one stream.",
		}),
		row(Spec{
			Name: "xreadgroup", Arity: 7, Flags: WriteFlag, KeyFlags: []KeyFlags{KeyRO | KeyAccess},
			Complexity: "O(N) with the number of entries", Mode: changes, Run: xReadGroupOne,
			Summary: "A step of XREADGROUP: delivers entries of one stream to a consumer.",
		}),
		row(Spec{
			Name: "end", Arity: 3, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Complexity: "O(1)",
			Mode: reads, Run: endOfList, Summary: "A step of LMOVE: returns the element at an end of a list, and its spot.",
		}),
		row(Spec{
			Name: "push", Arity: 4, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyRW | KeyInsert}, Complexity: "O(1)",
			Mode: changes, Run: pushForMove, Summary: "A step of LMOVE: adds an element to a list, and returns its spot.",
		}),
		row(Spec{
			Name: "take", Arity: 3, Flags: WriteFlag, KeyFlags: []KeyFlags{KeyRW | KeyDelete}, Complexity: "O(1)",
			Mode: changes, Run: takeFromList, Summary: "A step of LMOVE: removes the element at a spot of a list.",
		}),
		row(Spec{
			Name: "elements", Arity: 2, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Complexity: "O(N) with the number of elements",
			Mode: reads, Run: exportElements, Summary: "A step of SORT: returns the elements of a list, set or sorted set.",
		}),
		row(Spec{
			Name: "items", Arity: -2, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyOW | KeyUpdate},
			Complexity: "O(N) with the number of elements", Mode: repeatable, Run: storeItems, Summary: "A step of SORT: makes a key a list.",
		}),
		row(Spec{
			Name: "count", Arity: 3, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyRW | KeyInsert}, Complexity: "O(1)",
			Mode: repeatable, Run: storeSketch, Summary: "A step of PFMERGE: takes a HyperLogLog into one.",
		}),
		row(Spec{
			Name: "expire", Arity: 2, Flags: WriteFlag, KeyFlags: []KeyFlags{KeyRM | KeyDelete}, Complexity: "O(N) with the size of the object",
			Mode: repeatable, Run: removeExpired, Summary: "Removes a key whose deadline has passed, or fields.",
		}),
	}
}

// kindred.export key → [token, object], or null
func exportKey(c *Call) {
	key := c.Key(1)
	o := c.Tx.Whole(key)
	if o == nil {
		c.Reply.NullArray()
		return
	}
	c.Reply.Array(2)
	c.Reply.BulkString(kind.Token(key, o))
	c.Reply.Bulk(object.Append(nil, o))
}

func importMode(args [][]byte) cluster.Mode {
	if len(args) > 3 {
		return changes
	}
	return sets
}

// kindred.import key object [NX] → 1, or 0 when NX holds it back
func importKey(c *Call) {
	o, err := object.Decode(append([]byte(nil), c.Args[2]...))
	if err != nil || o.Tombstone() || len(c.Args) > 4 || len(c.Args) == 4 && !c.Is(3, "nx") {
		c.Fail(errSyntax)
		return
	}
	key := c.Key(1)
	if len(c.Args) == 4 && c.Tx.Object(key) != nil {
		c.Reply.Int(0)
		return
	}
	// The positions of a list's elements are times: what is pushed here from now on is to be beyond them. A context from
	// too far ahead is no reason to refuse the object.
	_ = c.Tx.Observe(o.Context)
	kind.Copy(c.Tx.Edit(key), o)
	c.Reply.Int(1)
}

// kindred.expire key: removes the key when its deadline has passed, else those of its fields whose deadlines have. 1 when the
// key is gone by that, else 0. It asks R stores first:
// another node may have been given a later deadline.
func removeExpired(c *Call) {
	key := c.Key(1)
	raw := c.Tx.Raw(key)
	switch next := kind.NextDue(raw); {
	case c.Tx.Expired(key):
		kind.Clear(c.Tx.Edit(key))
	case next != object.NoDeadline && next <= c.Tx.Now():
		kind.RemoveDueFields(c.Tx.Edit(key), c.Tx.Now(), maxDueFields)
	default:
		c.Reply.Int(0)
		return
	}
	c.truth(c.Tx.Raw(key).Tombstone())
}

// maxDueFields bounds how many fields of a key are removed at once, for all of them are one message to each replica.
const maxDueFields = 4096

// kindred.forget key token
func forgetKey(c *Call) {
	key := c.Key(1)
	if seen, ok := c.seen(key, c.Args[2]); ok {
		kind.ClearSeen(c.Tx.Edit(key), *seen)
		c.Reply.SimpleString("OK")
	}
}

// RENAME key newkey, both in one slot.
func rename(c *Call) {
	if c.copyTo(c.Key(1), c.Key(2), false, true) == missing {
		c.Fail(errNoKey)
		return
	}
	c.Reply.SimpleString("OK")
}

// RENAMENX key newkey, both in one slot.
func renameNX(c *Call) {
	switch c.copyTo(c.Key(1), c.Key(2), true, true) {
	case missing:
		c.Fail(errNoKey)
	case taken:
		c.Reply.Int(0)
	default:
		c.Reply.Int(1)
	}
}

// transfer is what became of an attempt to copy a key.
type transfer uint8

const (
	copied  transfer = iota
	missing          // there is no source
	taken            // the target exists and must not be overwritten
)

// copyTo makes a key of the transaction another, and removes the first when it is moved.
func (c *Call) copyTo(from, to object.Key, nx, moves bool) transfer {
	o := c.Tx.Object(from)
	switch {
	case o == nil:
		return missing
	case nx && c.Tx.Object(to) != nil:
		return taken
	case from == to:
		return copied
	}
	kind.Copy(c.Tx.Edit(to), o)
	if moves {
		kind.Clear(c.Tx.Edit(from))
	}
	return copied
}

// RENAME or RENAMENX with keys in two slots.
func renameAcross(r *Request) {
	nx := r.spec.Name == "renamenx"
	result, ok := r.transfer(r.Session.DB, r.Args[2], nx, true)
	switch {
	case !ok:
	case result == missing:
		r.Fail(errNoKey)
	case !nx:
		r.OK()
	case result == taken:
		r.Reply.Int(0)
	default:
		r.Reply.Int(1)
	}
}

// transfer copies the key of argument 1 to a name and database in three steps, or two when it does not move. Without ok
// the error is the reply.
func (r *Request) transfer(db uint8, name []byte, nx, moves bool) (result transfer, ok bool) {
	export := r.Command([]byte("kindred.export"), r.Args[1])
	if !r.executeAll([]*cluster.Command{export}) {
		return 0, false
	}
	n, rest, _ := header(export.Reply)
	if n < 0 {
		return missing, true
	}
	token, rest, _ := bulkOf(rest)
	encoded, _, ok := bulkOf(rest)
	if !ok {
		r.Fail(errBadPart)
		return 0, false
	}
	args := [][]byte{[]byte("kindred.import"), name, encoded}
	if nx {
		args = append(args, []byte("nx"))
	}
	write := r.Command(args...)
	write.DB = db
	if !r.executeAll([]*cluster.Command{write}) {
		return 0, false
	}
	if string(write.Reply) == ":0\r\n" {
		return taken, true
	}
	if moves && !r.executeAll([]*cluster.Command{r.Command([]byte("kindred.forget"), r.Args[1], token)}) {
		return 0, false
	}
	return copied, true
}

// copyOptions are those of COPY.
type copyOptions struct {
	replace   bool
	databases [][]byte // the last counts, and all must exist
}

func parseCopy(args [][]byte) (o copyOptions, ok bool) {
	for i := 3; i < len(args); i++ {
		switch {
		case equalFold(args[i], "replace"):
			o.replace = true
		case equalFold(args[i], "db") && i+1 < len(args):
			i++
			o.databases = append(o.databases, args[i])
		default:
			return o, false
		}
	}
	return o, true
}

// copiesToDatabase reports whether COPY names a database: even the same name has another coordinator's view there.
func copiesToDatabase(args [][]byte) bool {
	o, _ := parseCopy(args)
	return len(o.databases) > 0
}

// COPY source destination [REPLACE], both in one slot.
func copyKey(c *Call) {
	o, ok := parseCopy(c.Args)
	from, to := c.Key(1), c.Key(2)
	switch {
	case !ok:
		c.Fail(errSyntax)
	case from == to:
		c.Fail(errSameObject)
	case c.copyTo(from, to, !o.replace, false) == copied:
		c.Reply.Int(1)
	default:
		c.Reply.Int(0)
	}
}

// COPY source destination [DB destination-db] [REPLACE] with keys in two slots, or to a named database.
func copyAcross(r *Request) {
	o, parsed := parseCopy(r.Args)
	db, ok := r.Session.DB, true
	for _, arg := range o.databases {
		if db, ok = r.database(arg); !ok {
			return
		}
	}
	if !parsed {
		r.Fail(errSyntax)
		return
	}
	if db == r.Session.DB && string(r.Args[1]) == string(r.Args[2]) {
		r.Fail(errSameObject)
		return
	}
	result, ok := r.transfer(db, r.Args[2], !o.replace, false)
	switch {
	case !ok:
	case result == copied:
		r.Reply.Int(1)
	default:
		r.Reply.Int(0)
	}
}

// MOVE key db
func move(r *Request) {
	if r.onClusterPort() {
		r.Fail("ERR MOVE is not allowed in cluster mode")
		return
	}
	db, ok := r.database(r.Args[2])
	if !ok {
		return
	}
	if db == r.Session.DB {
		r.Fail(errSameObject)
		return
	}
	result, ok := r.transfer(db, r.Args[1], true, true)
	switch {
	case !ok:
	case result == copied:
		r.Reply.Int(1)
	default:
		r.Reply.Int(0)
	}
}

// database reads the number of a database. When it is none the error is the reply.
func (r *Request) database(arg []byte) (db uint8, ok bool) {
	n, ok := parseInt(arg)
	switch {
	case !ok:
		r.Fail(errNotInteger)
	case n < math.MinInt32 || n > math.MaxInt32:
		r.Fail("ERR value is out of range, value must between -2147483648 and 2147483647")
		ok = false
	case n < 0 || n >= int64(r.Settings().Databases):
		r.Fail(errDatabase)
		ok = false
	case n != 0 && r.onClusterPort():
		r.Fail("ERR Copying to another database is not allowed in cluster mode")
		ok = false
	}
	return uint8(n), ok
}
