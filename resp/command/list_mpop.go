package command

import (
	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// listPop is what LMPOP asks for.
type listPop struct {
	keys  int
	side  kind.Side
	count []byte // a number that is positive
}

// parseListPop reads the arguments from the number of keys on. The error is empty when all is well.
func parseListPop(args [][]byte) (q listPop, fault string) {
	n, ok := parseInt(args[0])
	switch {
	case !ok || n < 1:
		return q, "ERR numkeys should be greater than 0"
	case n > int64(len(args)-2):
		return q, errSyntax
	}
	q.keys, q.count = int(n), []byte("1")
	rest := args[1+n:]
	if q.side, ok = sideOf(rest[0]); !ok {
		return q, errSyntax
	}
	if rest = rest[1:]; len(rest) == 0 {
		return q, ""
	}
	if len(rest) == 1 || !equalFold(rest[0], "count") {
		return q, errSyntax
	}
	if n, ok := parseInt(rest[1]); !ok || n < 1 {
		return q, "ERR count should be greater than 0"
	}
	if len(rest) > 2 {
		return q, errSyntax
	}
	q.count = rest[1]
	return q, ""
}

// LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count], all keys in one slot: the first key that is a list, and elements of it.
func lMPop(c *Call) {
	q, fault := parseListPop(c.Args[1:])
	if fault != "" {
		c.Fail(fault)
		return
	}
	for i := 2; i < 2+q.keys; i++ {
		key := c.Key(i)
		o, ok := c.look(key, object.List)
		if !ok {
			return
		}
		if o != nil {
			n, _ := parseInt(q.count)
			c.Reply.Array(2)
			c.Reply.Bulk(c.Args[i])
			c.bulks(c.popEnd(key, q.side, n))
			return
		}
	}
	c.Reply.NullArray()
}

// LMPOP with keys in several slots: they are tried one after the other.
func lMPopAcross(r *Request) {
	q, fault := parseListPop(r.Args[1:])
	if fault != "" {
		r.Fail(fault)
		return
	}
	name := []byte("lpop")
	if q.side == kind.Right {
		name = []byte("rpop")
	}
	for _, key := range r.Args[2 : 2+q.keys] {
		pop := r.Command(name, key, q.count)
		if !r.executeAll([]*cluster.Command{pop}) {
			return
		}
		if n, _, _ := header(pop.Reply); n > 0 {
			r.Reply.Array(2)
			r.Reply.Bulk(key)
			r.Reply.Raw(pop.Reply)
			return
		}
	}
	r.Reply.NullArray()
}
