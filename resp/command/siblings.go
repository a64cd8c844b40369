package command

import (
	"fmt"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// Values of a key that were written without knowledge of each other, on two sides of a partition say, are all kept. A
// client that wants to decide between them reads them with SIBLINGS, which also gives a context token: the name of all
// that the client has now seen. A write with that token, RESOLVE or SET … CONTEXT, supersedes just that, on whichever node
// it arrives. What was written in the meantime is not lost but becomes a sibling of it.

// siblingSpecs are Kindred's own commands on conflicts.
func siblingSpecs() []Spec {
	row := func(s Spec) Spec {
		s.FirstKey, s.LastKey, s.Step = 1, 1, 1
		s.Category, s.Group, s.Since = CatString, "string", kindred
		return s
	}
	return []Spec{
		row(Spec{
			Name: "siblings", Arity: 2, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Mode: reads, Run: siblings,
			Complexity: "O(N) where N is the number of values", Summary: "Returns a context token and the concurrent values of a key.",
		}),
		row(Spec{
			Name: "resolve", Arity: 4, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Mode: repeatable, Run: resolve,
			Complexity: "O(N) where N is the number of values",
			Summary:    "Sets the value of a key over what a context token covers. Returns the number of values it has then.",
		}),
	}
}

// SIBLINGS key → [token, [value, node, unix milliseconds] ...], what GET shows first.
//
// node is the number of the store that the value was written at, 16 hexadecimal digits. A key that does not exist has
// no values, and a token all the same: with it a client can set a value in full knowledge of the removal. Values that are
// equal are given once.
func siblings(c *Call) {
	key := c.Key(1)
	var values []kind.Sibling
	// One reading for both: a token must not cover a value that is not shown, or the client would settle what it never saw.
	o, raw := c.lookupRaw(key)
	if o != nil {
		if o.Kind() != object.String {
			c.Fail(ErrWrongType)
			return
		}
		values = kind.Values(o)
	}
	c.Reply.Array(1 + len(values))
	c.Reply.BulkString(kind.Token(key, raw))
	for _, v := range values {
		c.Reply.Array(3)
		c.Reply.Bulk(v.Value)
		c.Reply.BulkString(fmt.Sprintf("%016x", uint64(v.Dot.Node)))
		c.Reply.Int(v.Dot.Time.Milliseconds())
	}
}

// RESOLVE key token value → the number of values that the key has then, 1 when the conflict is settled.
//
// As with SET the deadline that the token covers goes; SET … CONTEXT can give another or keep it.
func resolve(c *Call) {
	key := c.Key(1)
	seen, ok := c.seen(key, c.Args[2])
	if !ok {
		return
	}
	c.writeString(key, c.Args[3], object.NoDeadline, false, seen)
	c.Reply.Int(int64(len(kind.Values(c.Tx.Raw(key)))))
}

// seen reads a context token of the key. When it is none the error is the reply.
func (c *Call) seen(key object.Key, token []byte) (*kind.Seen, bool) {
	seen, err := kind.ParseToken(key, token)
	if err == nil {
		err = c.Tx.Observe(seen.Context)
	}
	if err != nil {
		c.FailErr(err)
		return nil, false
	}
	return &seen, true
}
