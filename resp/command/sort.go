package command

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// SORT reads a collection at its coordinator, then the keys that BY and GET lead to at theirs, a few hundred at a time, and
// stores the result at the coordinator of the destination. These are not one moment.

const errNotSortable = "ERR One or more scores can't be converted into double"

// sortSpecs are SORT and SORT_RO.
func sortSpecs() []Spec {
	row := func(name, since, summary string, flags Flags) Spec {
		return Spec{
			Name: name, Arity: -2, Flags: flags | MovableKeys, Category: CatSet | CatSortedSet | CatList | CatDangerous,
			FirstKey: 1, LastKey: 1, Step: 1, KeyFlags: []KeyFlags{KeyRO | KeyAccess}, Group: "generic", Since: since,
			Complexity: "O(N+M*log(M)) where N is the number of elements and M the number of those that are returned; and one read for each BY and GET of an element",
			Summary:    summary, Slow: sortKey,
		}
	}
	return []Spec{
		row("sort", "1.0.0", "Sorts the elements of a list, a set or a sorted set, and may store the result.", WriteFlag|DenyOOM),
		row("sort_ro", "7.0.0", "Returns the sorted elements of a list, a set or a sorted set.", ReadOnly),
	}
}

// sortOptions are what stands behind the key of SORT.
type sortOptions struct {
	desc, alpha   bool
	by            []byte   // nil without one
	gets          [][]byte // patterns, or "#"
	offset, limit int64    // limit is negative for none
	store         []byte   // nil without one
}

// sortOptions reads the options. Without ok the error is the reply.
func (r *Request) sortOptions() (o sortOptions, ok bool) {
	o.limit = -1
	for i := 2; i < len(r.Args); i++ {
		more := len(r.Args) - i - 1
		switch {
		case r.Is(i, "asc"):
			o.desc = false
		case r.Is(i, "desc"):
			o.desc = true
		case r.Is(i, "alpha"):
			o.alpha = true
		case r.Is(i, "limit") && more >= 2:
			if o.offset, ok = r.Int(i + 1); !ok {
				return o, false
			}
			if o.limit, ok = r.Int(i + 2); !ok {
				return o, false
			}
			i += 2
		case r.Is(i, "store") && more >= 1 && r.spec.Name == "sort":
			i++
			o.store = r.Args[i]
		case r.Is(i, "by") && more >= 1:
			i++
			o.by = r.Args[i]
		case r.Is(i, "get") && more >= 1:
			i++
			o.gets = append(o.gets, r.Args[i])
		default:
			r.Fail(errSyntax)
			return o, false
		}
	}
	return o, true
}

// unsorted reports whether the elements are to stay in the order of the collection, as BY without a "*" says.
func (o *sortOptions) unsorted() bool { return o.by != nil && !bytes.Contains(o.by, []byte("*")) }

// cut are the elements that LIMIT leaves.
func (o *sortOptions) cut(elements []sortElement) []sortElement {
	n := int64(len(elements))
	first, last := min(max(o.offset, 0), n), n
	if o.limit >= 0 && o.limit < n-first {
		last = first + o.limit
	}
	return elements[first:last]
}

// sortElement is an element with what it is sorted by.
type sortElement struct {
	value  []byte
	weight []byte // nil where BY leads to nothing
	score  float64
}

// SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] [STORE destination]
func sortKey(r *Request) {
	o, ok := r.sortOptions()
	if !ok {
		return
	}
	elements, of, ok := r.readElements(r.Args[1])
	if !ok {
		return
	}
	switch {
	case o.unsorted() && of == object.Set && o.store != nil: // the order must not depend on how a set is kept
		o.by, o.alpha = nil, true
	case o.unsorted() && of == object.ZSet && o.desc:
		slices.Reverse(elements)
	}
	if !o.unsorted() && !r.sortElements(elements, &o) {
		return
	}
	values, ok := r.sortedValues(o.cut(elements), o.gets)
	switch {
	case !ok:
	case o.store != nil:
		r.storeSorted(o.store, values)
	default:
		r.Reply.Array(len(values))
		for _, v := range values {
			if v == nil {
				r.Reply.Null()
			} else {
				r.Reply.Bulk(v)
			}
		}
	}
}

// readElements reads a collection, which may not exist. Without ok the error is the reply.
func (r *Request) readElements(key []byte) (elements []sortElement, of object.Kind, ok bool) {
	read := r.Command([]byte("kindred.elements"), key)
	if !r.executeAll([]*cluster.Command{read}) {
		return nil, 0, false
	}
	n, rest, ok := header(read.Reply)
	for i := range n {
		var value []byte
		if value, rest, ok = bulkOf(rest); !ok {
			break
		}
		if i == 0 {
			of = kindNamed(value)
			continue
		}
		elements = append(elements, sortElement{value: value, weight: value})
	}
	if !ok {
		r.Fail(errBadPart)
	}
	return elements, of, ok
}

// kindred.elements key → [type, element ...], in the order of the collection, a sorted set's by score.
func exportElements(c *Call) {
	o := c.Lookup(c.Key(1))
	if o == nil {
		c.Reply.Array(0)
		return
	}
	of := o.Kind()
	n, found := 0, []byte(nil)
	switch of {
	case object.Set:
		n, found = c.gather(func(add func()) {
			for el := range kind.Elements(o, of, 0) {
				c.Reply.BulkString(el.Name)
				add()
			}
		})
	case object.ZSet:
		n, found = c.gather(func(add func()) {
			for spot := range kind.Ascend(o, of, "") {
				c.Reply.BulkString(spot.Member())
				add()
			}
		})
	case object.List:
		n, found = c.gather(func(add func()) {
			for it := range kind.ItemsFrom(o, 0) {
				c.Reply.Bulk(it.Value())
				add()
			}
		})
	default:
		c.Fail(ErrWrongType)
		return
	}
	c.Reply.Array(1 + n)
	c.Reply.BulkString(of.String())
	c.Reply.Raw(found)
}

// sortElements sorts elements by themselves or by what BY leads to. Without ok the error is the reply.
func (r *Request) sortElements(elements []sortElement, o *sortOptions) bool {
	if o.by != nil {
		weights, ok := r.lookUp(elements, o.by)
		if !ok {
			return false
		}
		for i := range elements {
			elements[i].weight = weights[i]
		}
	}
	order := func(a, b sortElement) int {
		if c := cmp.Compare(count01(a.weight != nil), count01(b.weight != nil)); c != 0 {
			return c
		}
		return bytes.Compare(a.weight, b.weight)
	}
	if !o.alpha {
		for i := range elements {
			e := &elements[i]
			if e.weight == nil {
				continue
			}
			var ok bool
			if e.score, ok = scoreOfText(e.weight); !ok {
				r.Fail(errNotSortable)
				return false
			}
		}
		order = func(a, b sortElement) int {
			return cmp.Or(cmp.Compare(a.score, b.score), bytes.Compare(a.value, b.value))
		}
	}
	slices.SortStableFunc(elements, func(a, b sortElement) int {
		if o.desc {
			return order(b, a)
		}
		return order(a, b)
	})
	return true
}

// scoreOfText reads a number as SORT does: up to a zero byte, blanks before it are skipped, and an empty string is 0.
func scoreOfText(b []byte) (float64, bool) {
	if b, _, _ = bytes.Cut(b, []byte{0}); len(b) == 0 {
		return 0, true
	}
	return kind.ParseScore(bytes.TrimLeft(b, " \t\n\v\f\r"))
}

func count01(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// sortedValues are what GET leads to for each element, or the elements. Without ok the error is the reply.
func (r *Request) sortedValues(elements []sortElement, gets [][]byte) (values [][]byte, ok bool) {
	if len(gets) == 0 {
		for _, e := range elements {
			values = append(values, e.value)
		}
		return values, true
	}
	values = make([][]byte, len(elements)*len(gets))
	for g, pattern := range gets {
		found, ok := r.lookUp(elements, pattern)
		if !ok {
			return nil, false
		}
		for i, v := range found {
			values[i*len(gets)+g] = v
		}
	}
	return values, true
}

// lookUpBatch is how many keys of a pattern are read together.
const lookUpBatch = 256

// lookUp is what a pattern of BY or GET leads to for each element, nil for nothing. Without ok the error is the reply.
func (r *Request) lookUp(elements []sortElement, pattern []byte) (found [][]byte, ok bool) {
	found = make([][]byte, len(elements))
	if string(pattern) == "#" {
		for i := range elements {
			found[i] = elements[i].value
		}
		return found, true
	}
	before, after, ok := bytes.Cut(pattern, []byte("*"))
	if !ok {
		return found, true
	}
	after, field, _ := bytes.Cut(after, []byte("->"))
	if len(field) == 0 { // an arrow at the end is part of the name
		after = pattern[len(before)+1:]
	}
	for from := 0; from < len(elements); from += lookUpBatch {
		some := elements[from:min(from+lookUpBatch, len(elements))]
		commands := make([]*cluster.Command, len(some))
		for i := range some {
			key := slices.Concat(before, some[i].value, after)
			commands[i] = r.Command([]byte("get"), key)
			if len(field) > 0 {
				commands[i] = r.Command([]byte("hget"), key, field)
			}
		}
		if r.Ctx.Err() != nil { // nobody waits for the reply any more
			r.Fail("ERR the client is gone")
			return nil, false
		}
		r.Execute(commands...)
		for i, c := range commands {
			if found[from+i], ok = r.lookedUp(c); !ok {
				return nil, false
			}
		}
	}
	return found, true
}

// lookedUp is the value that a command has read. A key of another type counts as missing. Without ok the error is the reply.
func (r *Request) lookedUp(c *cluster.Command) (value []byte, ok bool) {
	switch {
	case c.Err == nil && bytes.HasPrefix(c.Reply, []byte("-WRONGTYPE ")):
		return nil, true
	case c.Err != nil || len(c.Reply) > 0 && c.Reply[0] == '-':
		sendReply(r.Reply, c)
		return nil, false
	}
	if value, _, ok = bulkOf(c.Reply); !ok {
		r.Fail(errBadPart)
	}
	return value, ok
}

// storeSorted makes a key a list of values, or removes it when there are none, and replies with their number.
func (r *Request) storeSorted(key []byte, values [][]byte) {
	write := r.Command(append([][]byte{[]byte("kindred.items"), key}, values...)...)
	if r.executeAll([]*cluster.Command{write}) {
		r.Reply.Raw(write.Reply)
	}
}

// kindred.items key [value ...] → the number of values
func storeItems(c *Call) {
	key, values := c.Key(1), c.Args[2:]
	if len(values) > 0 || c.Tx.Object(key) != nil || c.Tx.Expired(key) {
		e := c.Tx.Edit(key)
		kind.Clear(e)
		if len(values) > 0 {
			kind.Push(e, kind.Right, values...)
		}
	}
	c.Reply.Int(int64(len(values)))
}
