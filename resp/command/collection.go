package command

import (
	"math"
	"slices"
	"strconv"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/glob"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// What the commands on hashes and sets have in common.

const (
	errPositive   = "ERR value is out of range, must be positive"
	errOutOfRange = "ERR value is out of range"
	errLeast      = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
)

// read looks a key up for a read of a type. o is nil when it does not exist; without ok the error is the reply.
func (c *Call) read(key object.Key, k object.Kind) (o *object.Object, ok bool) {
	o = c.Lookup(key)
	return o, c.isKind(o, k)
}

// truth replies with 1 or 0.
func (c *Call) truth(yes bool) {
	if yes {
		c.Reply.Int(1)
		return
	}
	c.Reply.Int(0)
}

// look is read for a command that looks in order to change the key.
func (c *Call) look(key object.Key, k object.Kind) (o *object.Object, ok bool) {
	o = c.Tx.Object(key)
	return o, c.isKind(o, k)
}

func (c *Call) isKind(o *object.Object, k object.Kind) bool {
	if o != nil && o.Kind() != k {
		c.Fail(ErrWrongType)
		return false
	}
	return true
}

// begin is the edit that adds to a collection, or makes one.
func (c *Call) begin(key object.Key) *object.Edit {
	e := c.Tx.Edit(key)
	kind.Begin(e)
	return e
}

// end ends the removal of elements: with the last of them the key goes, its deadline too.
func (c *Call) end(key object.Key) {
	if e := c.Tx.Edited(key); e != nil {
		kind.End(e)
	}
}

// count is the number of elements of a collection that may not exist.
func count(o *object.Object, k object.Kind) int64 {
	if o == nil {
		return 0
	}
	return o.Count(k)
}

// scanOf is a step of HSCAN or SSCAN: the elements from the cursor, which is the place of the first of them. Elements at one
// place belong to one step. A small collection is one step, as it is in Redis.
//
// An element that is there during a whole iteration is given in it, for its place never changes.
//
// with replies with an element, in so many values.
func (c *Call) scanOf(k object.Kind, values int, with func(*object.Object, *kind.Element)) {
	cursor, err := strconv.ParseUint(string(c.Args[2]), 10, 64)
	if err != nil {
		c.Fail("ERR invalid cursor")
		return
	}
	o, ok := c.read(c.Key(1), k)
	if !ok {
		return
	}
	limit, pattern, ok := 10, "*", true
	if o != nil {
		if limit, pattern, ok = c.scanOptions(); !ok {
			return
		}
	}
	if o != nil && o.Kept == nil {
		limit = math.MaxInt
	}
	next := uint64(0)
	n, found := c.gather(func(add func()) {
		if o == nil || cursor > math.MaxUint32 {
			return
		}
		elements := kind.Elements(o, k, kind.Place(cursor))
		if cursor == 0 {
			elements = kind.All(o, k)
		}
		for el := range elements {
			if limit--; limit < 0 && uint64(el.Place) != next {
				next = uint64(el.Place)
				return
			}
			next = uint64(el.Place)
			if glob.Match(pattern, el.Name) {
				with(o, &el)
				add()
			}
		}
		next = 0
	})
	c.Reply.Array(2)
	c.Reply.BulkString(strconv.FormatUint(next, 10))
	c.Reply.Array(n * values)
	c.Reply.Raw(found)
}

// list replies with what body appends, behind a header that tells how often body calls add. known is how often that is, or
// negative where it is found out: body is then called twice when the reply is long. Both times it must do the same.
//
// A reply that takes a walk over many rows is not made in memory: it goes out while the walk goes on.
func (c *Call) list(known int64, header func(n int), body func(add func())) {
	if !c.command.Pageable() || c.gathering > 0 {
		c.listInPlace(max(0, int(known)), header, body)
		return
	}
	n := int(known)
	if known < 0 {
		n = c.counted(body)
	}
	header(n)
	body(func() {
		n--
		if len(c.Reply.Buf) >= cluster.PageBytes {
			c.Reply.Buf = c.command.Page(c.Reply.Buf)
		}
	})
	if n != 0 && c.Tx.Failed() == nil {
		panic("command: a list is not as long as it was said to be")
	}
}

// listInPlace appends the elements behind the header that is expected. When there are more or fewer, for others write meanwhile,
// the header is made anew and the elements are moved.
func (c *Call) listInPlace(expected int, header func(n int), body func(add func())) {
	start := len(c.Reply.Buf)
	header(expected)
	at, n := len(c.Reply.Buf), 0
	c.gathering++
	body(func() {
		if n++; n == 1 && expected > 1 {
			// The others are about as long as the first.
			c.Reply.Buf = slices.Grow(c.Reply.Buf, min(expected*(len(c.Reply.Buf)-at), maxExpected))
		}
	})
	c.gathering--
	if n != expected {
		elements := slices.Clone(c.Reply.Buf[at:])
		c.Reply.Buf = c.Reply.Buf[:start]
		header(n)
		c.Reply.Raw(elements)
	}
}

// maxExpected bounds the memory that is taken for elements before they are read.
const maxExpected = 64 << 10

// counted is how often body calls add. What it replies with is dropped.
func (c *Call) counted(body func(add func())) (n int) {
	before := c.Reply.Buf
	c.Reply.Buf = nil
	c.gathering++
	defer func() { c.gathering-- }()
	body(func() {
		n++
		if len(c.Reply.Buf) >= cluster.PageBytes {
			c.Reply.Buf = c.Reply.Buf[:0]
		}
	})
	c.Reply.Buf = before
	return n
}

// exactly is how many elements a walk over all of a type shows, negative when that takes the walk: some may be hidden.
func exactly(o *object.Object, k object.Kind) int64 {
	if o != nil && o.HasAttributes(k) {
		return -1
	}
	return count(o, k)
}

// gather returns what body appends to the reply, for something to go before it, and how often body calls add. How many
// elements there are is known when all were read, for others may write meanwhile.
func (c *Call) gather(body func(add func())) (n int, found []byte) {
	before := c.Reply.Buf
	c.Reply.Buf = nil
	c.gathering++
	body(func() { n++ })
	c.gathering--
	found, c.Reply.Buf = c.Reply.Buf, before
	return n, found
}

// scanOptions reads what stands behind the cursor. Without ok the error is the reply.
func (c *Call) scanOptions() (limit int, pattern string, ok bool) {
	limit, pattern = 10, "*"
	for i := 3; i < len(c.Args); i += 2 {
		more := i+1 < len(c.Args)
		switch {
		case more && c.Is(i, "count"):
			n, ok := c.Int(i + 1)
			if !ok {
				return 0, "", false
			}
			if n < 1 {
				c.Fail(errSyntax)
				return 0, "", false
			}
			limit = int(min(n, maxScanCount))
		case more && c.Is(i, "match"):
			pattern = string(c.Args[i+1])
		default:
			c.Fail(errSyntax)
			return 0, "", false
		}
	}
	return limit, pattern, true
}

// maxRandom bounds how many elements a command draws, which may be more than there are.
const maxRandom = 16 << 20

// popCount reads the count of a command that pops elements, which may be left out: alone, one is popped. Without ok the error is the
// reply.
func (c *Call) popCount() (n int64, alone, ok bool) {
	switch len(c.Args) {
	case 2:
		return 1, true, true
	case 3:
		if n, ok = parseInt(c.Args[2]); ok && n >= 0 {
			return n, false, true
		}
		c.Fail(errPositive)
	default:
		c.Fail(errSyntax)
	}
	return 0, false, false
}

// randomCount reads the count of a command that draws elements. Without ok the error is the reply.
func (c *Call) randomCount(i int) (n int64, ok bool) {
	n, ok = c.Int(i)
	switch {
	case !ok:
	case n == math.MinInt64:
		c.Fail(errLeast)
		return 0, false
	case n < -maxRandom:
		c.Fail(errOutOfRange)
		return 0, false
	}
	return n, ok
}
