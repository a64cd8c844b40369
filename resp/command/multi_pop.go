package command

import (
	"github.com/kindredkv/kindred/cluster"
)

// The sides that a command may pop from.
var (
	listSides  = [2]string{"left", "right"}
	scoreSides = [2]string{"min", "max"}
)

// multiPop is what LMPOP and ZMPOP ask for, and what BLMPOP and BZMPOP wait for.
type multiPop struct {
	keys  int
	last  bool // from the second of the sides
	count int64
}

// parseMultiPop reads numkeys key [key ...] side [COUNT count]. The error is empty when all is well.
func parseMultiPop(args [][]byte, sides [2]string) (q multiPop, fault string) {
	n, ok := parseInt(args[0])
	switch {
	case !ok || n < 1:
		return q, errNumKeys
	case n > int64(len(args)-2):
		return q, errSyntax
	}
	q.keys = int(n)
	rest := args[1+n:]
	if q.last = equalFold(rest[0], sides[1]); !q.last && !equalFold(rest[0], sides[0]) {
		return q, errSyntax
	}
	for rest = rest[1:]; len(rest) > 0; rest = rest[2:] {
		if q.count > 0 || len(rest) < 2 || !equalFold(rest[0], "count") {
			return q, errSyntax
		}
		if q.count, ok = parseInt(rest[1]); !ok || q.count < 1 {
			return q, errCount
		}
	}
	q.count = max(1, q.count)
	return q, ""
}

// multiPopAcross is LMPOP or ZMPOP with keys in several slots: they are tried one after the other.
func multiPopAcross(name string, sides [2]string) func(*Request) {
	return func(r *Request) {
		q, fault := parseMultiPop(r.Args[1:], sides)
		if fault != "" {
			r.Fail(fault)
			return
		}
		rest := r.Args[2+q.keys:]
		for _, key := range r.Args[2 : 2+q.keys] {
			pop := r.Command(append([][]byte{[]byte(name), []byte("1"), key}, rest...)...)
			pop.Proto = r.Reply.Proto
			if !r.executeAll([]*cluster.Command{pop}) {
				return
			}
			if n, _, ok := header(pop.Reply); ok && n > 0 {
				r.Reply.Raw(pop.Reply)
				return
			}
		}
		r.Reply.NullArray()
	}
}
