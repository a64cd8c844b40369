package command

import (
	"fmt"
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
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
			Name: "siblings", Arity: -2, Flags: ReadOnly, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Mode: reads, Run: siblings,
			Complexity: "O(N) where N is the number of values", Summary: "Returns a context token and the concurrent values of a key or a field of a hash.",
		}),
		row(Spec{
			Name: "resolve", Arity: -4, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Mode: repeatable, Run: resolve,
			Complexity: "O(N) where N is the number of values; with KIND, the size of what is removed",
			Summary:    "Sets the value of a key or field over what a context token covers. Returns the number of values it has then.",
		}),
	}
}

// SIBLINGS key [FIELD field] → [token, [value, node, unix milliseconds] ...], what GET or HGET shows first.
//
// node is the number of the store that the value was written at, 16 hexadecimal digits. A key that does not exist has
// no values, and a token all the same: with it a client can set a value in full knowledge of the removal. Values that are
// equal are given once. A key of several types has [value, node, unix milliseconds, type] for each value of a string and, with null
// for a value, for each other type, the one that shows first.
func siblings(c *Call) {
	if len(c.Args) != 2 && !(len(c.Args) == 4 && c.Is(2, "field")) {
		c.Fail(errSyntax)
		return
	}
	key := c.Key(1)
	var values []kind.Sibling
	// One reading for both: a token must not cover a value that is not shown, or the client would settle what it never saw.
	o, raw := c.lookupRaw(key)
	switch {
	case o == nil:
	case len(c.Args) == 4 && !hasKind(o, object.Hash):
		c.Fail(ErrWrongType)
		return
	case len(c.Args) == 4:
		values = kind.FieldValues(o, c.Args[3])
	case len(o.Kinds()) > 1:
		c.kindSiblings(key, o, raw)
		return
	case o.Kind() != object.String:
		c.Fail(ErrWrongType)
		return
	default:
		values = kind.Values(o)
	}
	c.Reply.Array(1 + len(values))
	c.Reply.BulkString(kind.Token(key, raw))
	for _, v := range values {
		c.Reply.Array(3)
		c.Reply.Bulk(v.Value)
		c.writeOrigin(v.Dot)
	}
}

func hasKind(o *object.Object, k object.Kind) bool {
	return slices.ContainsFunc(o.Kinds(), func(have object.KindDot) bool { return have.Kind == k })
}

// writeOrigin writes where and when a value was written.
func (c *Call) writeOrigin(dot causal.Dot) {
	c.Reply.BulkString(fmt.Sprintf("%016x", uint64(dot.Node)))
	c.Reply.Int(dot.Time.Milliseconds())
}

// kindSiblings is SIBLINGS of a key of several types.
func (c *Call) kindSiblings(key object.Key, o, raw *object.Object) {
	kinds, values := o.Kinds(), kind.Values(o)
	n := len(kinds) + max(0, len(values)-1)
	c.Reply.Array(1 + n)
	c.Reply.BulkString(kind.Token(key, raw))
	for _, k := range kinds {
		if k.Kind != object.String {
			c.Reply.Array(4)
			c.Reply.Null()
			c.writeOrigin(k.Dot)
			c.Reply.BulkString(k.Kind.String())
			continue
		}
		for _, v := range values {
			c.Reply.Array(4)
			c.Reply.Bulk(v.Value)
			c.writeOrigin(v.Dot)
			c.Reply.BulkString(k.Kind.String())
		}
	}
}

// RESOLVE key token value → the number of values that the key has then, 1 when the conflict is settled.
// RESOLVE key token value FIELD field → the number of values that the field has then.
// RESOLVE key token KIND type → the number of types that the key has then: those that the token covers and are not the one go.
//
// As with SET the deadline that the token covers goes, that of the key or of the field; SET … CONTEXT can give another or keep
// it. KIND leaves it.
func resolve(c *Call) {
	key := c.Key(1)
	field, keep := len(c.Args) == 6 && c.Is(4, "field"), len(c.Args) == 5 && c.Is(3, "kind")
	if len(c.Args) != 4 && !field && !keep {
		c.Fail(errSyntax)
		return
	}
	seen, ok := c.seen(key, c.Args[2])
	switch {
	case !ok:
	case field:
		c.resolveField(key, *seen)
	case keep:
		c.resolveKind(key, *seen)
	default:
		c.writeString(key, c.Args[3], object.NoDeadline, false, seen)
		c.Reply.Int(int64(len(kind.Values(c.Tx.Raw(key)))))
	}
}

func (c *Call) resolveField(key object.Key, seen kind.Seen) {
	o := c.Tx.Object(key)
	if o != nil && !hasKind(o, object.Hash) {
		c.Fail(ErrWrongType)
		return
	}
	kind.SetFieldSeen(c.beginField(key, c.Args[5]), c.Args[5], c.Args[3], seen)
	c.Reply.Int(int64(len(kind.FieldValues(c.Tx.Raw(key), c.Args[5]))))
}

func (c *Call) resolveKind(key object.Key, seen kind.Seen) {
	o := c.Tx.Object(key)
	keep := kindNamed(c.Args[4])
	switch {
	case keep == object.None:
		c.Fail("ERR unknown type")
		return
	case o == nil || !hasKind(o, keep):
		c.Fail("ERR the key has no value of that type")
		return
	}
	if others := kind.Others(o, keep, seen); len(others) > 0 {
		kind.RemoveSeen(c.Tx.Edit(key), others, seen)
	}
	c.Reply.Int(int64(len(c.Tx.Object(key).Kinds())))
}

// kindNamed is the type that TYPE gives a name, object.None for no name of one.
func kindNamed(name []byte) object.Kind {
	for k := object.String; k <= object.Stream; k++ {
		if equalFold(name, k.String()) {
			return k
		}
	}
	return object.None
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
