package command

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// blockSpecs are the commands that wait until there is something to take.
func blockSpecs() []Spec {
	take := []KeyFlags{KeyRW | KeyAccess | KeyDelete}
	move := []KeyFlags{KeyRW | KeyAccess | KeyDelete, KeyRW | KeyInsert}
	const (
		list   = "O(N) where N is the number of provided keys."
		sorted = "O(log(N)) with N being the number of elements in the sorted set."
		many   = "O(N+M) where N is the number of provided keys and M is the number of elements returned."
	)
	// first takes from the first of its keys that has something, the timeout stands behind them.
	first := func(name, pop string, k object.Kind, since, complexity, summary string) Spec {
		return Spec{
			Name: name, Arity: -3, Flags: WriteFlag | NoScript | Blocking, FirstKey: 1, LastKey: -2, Step: 1, KeyFlags: take,
			Since: since, Complexity: complexity, Summary: summary,
			Block: &Block{Kind: k, Read: readPop, Attempt: popOf(pop), Reply: withKey(k), Undo: unpop(pop)},
		}
	}
	min := first("bzpopmin", "zpopmin", object.ZSet, "5.0.0", sorted,
		"Removes and returns the member with the lowest score from one or more sorted sets. Waits until there is one.")
	max := first("bzpopmax", "zpopmax", object.ZSet, "5.0.0", sorted,
		"Removes and returns the member with the highest score from one or more sorted sets. Waits until there is one.")
	min.Flags |= Fast
	max.Flags |= Fast
	specs := []Spec{
		min, max,
		{
			Name: "bzmpop", Arity: -5, Flags: WriteFlag | Blocking | MovableKeys, NumKeys: 2, KeyFlags: take, Since: "7.0.0",
			Complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
			Summary:    "Removes and returns members from one of several sorted sets, the first that has some. Waits until one has.",
			Block:      &Block{Kind: object.ZSet, Read: readMPop(scoreSides), Attempt: sortedMPop, Reply: prefixedPairs, Undo: unzpop},
		},
		first("blpop", "lpop", object.List, "2.0.0", list,
			"Removes and returns the first element in a list. Waits until there is one. Deletes the list if the last element was popped."),
		first("brpop", "rpop", object.List, "2.0.0", list,
			"Removes and returns the last element in a list. Waits until there is one. Deletes the list if the last element was popped."),
		{
			Name: "blmpop", Arity: -5, Flags: WriteFlag | Blocking | MovableKeys, NumKeys: 2, KeyFlags: take, Since: "7.0.0", Complexity: many,
			Summary: "Pops elements from the first of several lists that has some. Waits until one has.",
			Block:   &Block{Kind: object.List, Read: readMPop(listSides), Attempt: listMPop, Reply: prefixed, Undo: unmpop},
		},
		{
			Name: "blmove", Arity: 6, Flags: WriteFlag | DenyOOM | NoScript | Blocking, FirstKey: 1, LastKey: 2, Step: 1, KeyFlags: move,
			Since: "6.2.0", Complexity: "O(1)", Summary: "Pops an element from a list and pushes it to another list. Waits until there is one.",
			Block: &Block{Kind: object.List, Read: readMove, Attempt: listMove},
		},
		{
			Name: "brpoplpush", Arity: 4, Flags: WriteFlag | DenyOOM | NoScript | Blocking, FirstKey: 1, LastKey: 2, Step: 1, KeyFlags: move,
			Since: "2.2.0", Complexity: "O(1)", Deprecated: "`BLMOVE` with the `RIGHT` and `LEFT` arguments", DeprecatedSince: "6.2.0",
			Summary: "Pops the last element of a list and pushes it to the front of another list. Waits until there is one.",
			Block:   &Block{Kind: object.List, Read: readPopPush, Attempt: listPopPush},
		},
	}
	for i := range specs {
		s := &specs[i]
		if s.Category, s.Group = CatList, "list"; s.Block.Kind == object.ZSet {
			s.Category, s.Group = CatSortedSet, "sorted-set"
		}
	}
	_ = sorted
	return specs
}

const (
	errTimeoutFloat    = "ERR timeout is not a float or out of range"
	errTimeoutNegative = "ERR timeout is negative"
	errTimeoutRange    = "ERR timeout is out of range"
	errNumKeys         = "ERR numkeys should be greater than 0"
	errCount           = "ERR count should be greater than 0"
)

// waitTime reads argument i as seconds, which may have a fraction. What is less than a millisecond counts as one, and 0 means
// for ever. When it is none the error is the reply.
func (r *Request) waitTime(i int) (time.Duration, bool) {
	seconds, ok := kind.ParseFloat(r.Args[i])
	if !ok {
		r.Fail(errTimeoutFloat)
		return 0, false
	}
	ms, _ := new(big.Float).Mul(seconds, big.NewFloat(1000)).Float64()
	ms = math.Ceil(ms)
	switch {
	case ms < 0:
		r.Fail(errTimeoutNegative)
	case ms > math.MaxInt64 || int64(ms) > math.MaxInt64-r.Handler.Now().UnixMilli():
		r.Fail(errTimeoutRange)
	default:
		return time.Duration(min(int64(ms), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond, true
	}
	return 0, false
}

// readPop reads key [key ...] timeout.
func readPop(r *Request) (w wanted, ok bool) {
	w.first, w.last = 1, len(r.Args)-2
	w.timeout, ok = r.waitTime(len(r.Args) - 1)
	return w, ok
}

// readMove reads source destination LEFT|RIGHT LEFT|RIGHT timeout. Only the source is waited for.
func readMove(r *Request) (w wanted, ok bool) {
	for i := 3; i <= 4; i++ {
		if !r.Is(i, "left") && !r.Is(i, "right") {
			r.Fail(errSyntax)
			return w, false
		}
	}
	w.first, w.last = 1, 1
	w.timeout, ok = r.waitTime(5)
	return w, ok
}

// readPopPush reads source destination timeout.
func readPopPush(r *Request) (w wanted, ok bool) {
	w.first, w.last = 1, 1
	w.timeout, ok = r.waitTime(3)
	return w, ok
}

// listMove is an attempt of BLMOVE, listPopPush one of BRPOPLPUSH.
func listMove(args [][]byte, _ *wanted, _ []byte) [][]byte {
	return [][]byte{[]byte("lmove"), args[1], args[2], args[3], args[4]}
}

func listPopPush(args [][]byte, _ *wanted, _ []byte) [][]byte {
	return [][]byte{[]byte("rpoplpush"), args[1], args[2]}
}

// readMPop reads timeout numkeys key [key ...] side [COUNT count].
func readMPop(sides [2]string) func(r *Request) (wanted, bool) {
	return func(r *Request) (w wanted, ok bool) {
		q, fault := parseMultiPop(r.Args[2:], sides)
		if fault != "" {
			r.Fail(fault)
			return w, false
		}
		w.first, w.last = 3, 2+q.keys
		w.count = strconv.AppendInt(nil, q.count, 10)
		w.timeout, ok = r.waitTime(1)
		return w, ok
	}
}

// popOf is an attempt by a command that takes a key alone.
func popOf(name string) func([][]byte, *wanted, []byte) [][]byte {
	return func(_ [][]byte, _ *wanted, key []byte) [][]byte { return [][]byte{[]byte(name), key} }
}

// listMPop is an attempt of BLMPOP.
func listMPop(args [][]byte, w *wanted, key []byte) [][]byte {
	name := []byte("lpop")
	if equalFold(args[w.last+1], "right") {
		name = []byte("rpop")
	}
	return [][]byte{name, key, w.count}
}

// sortedMPop is an attempt of BZMPOP.
func sortedMPop(args [][]byte, w *wanted, key []byte) [][]byte {
	name := []byte("zpopmin")
	if equalFold(args[w.last+1], "max") {
		name = []byte("zpopmax")
	}
	return [][]byte{name, key, w.count}
}

// prefixedPairs replies with the key and pairs of members and scores. In RESP2 a pop does not pair them.
func prefixedPairs(w *resp.Writer, key, reply []byte) {
	if w.Proto > 2 {
		prefixed(w, key, reply)
		return
	}
	n, rest, _ := header(reply)
	w.Array(2)
	w.Bulk(key)
	w.Array(n / 2)
	for range n / 2 {
		var member, score []byte
		member, rest, _ = firstReply(rest)
		score, rest, _ = firstReply(rest)
		w.Array(2)
		w.Raw(member)
		w.Raw(score)
	}
}

// withKey replies with the key and what a pop has answered, as one array.
func withKey(k object.Kind) func(w *resp.Writer, key, reply []byte) {
	if k == object.List {
		return prefixed
	}
	return func(w *resp.Writer, key, reply []byte) {
		n, rest, _ := header(reply)
		w.Array(n + 1)
		w.Bulk(key)
		w.Raw(rest)
	}
}

// prefixed replies with the key and a reply.
func prefixed(w *resp.Writer, key, reply []byte) {
	w.Array(2)
	w.Bulk(key)
	w.Raw(reply)
}

// unpop puts back what a pop took, at the end that it took it from.
func unpop(pop string) func(args [][]byte, key, reply []byte) [][]byte {
	push := map[string]string{"lpop": "lpush", "rpop": "rpush"}[pop]
	if push == "" {
		return unzpop
	}
	return func(_ [][]byte, key, reply []byte) [][]byte {
		return append([][]byte{[]byte(push), key}, elementsOf(reply)...)
	}
}

// unmpop puts back what BLMPOP took. The last that was taken was the farthest from the end.
func unmpop(args [][]byte, key, reply []byte) [][]byte {
	n, _ := strconv.Atoi(string(args[2]))
	push := "lpush"
	if equalFold(args[3+n], "right") {
		push = "rpush"
	}
	elements := elementsOf(reply)
	undo := [][]byte{[]byte(push), key}
	for i := len(elements) - 1; i >= 0; i-- {
		undo = append(undo, elements[i])
	}
	return undo
}

// unzpop puts back members with their scores, but where they were added again since.
func unzpop(_ [][]byte, key, reply []byte) [][]byte {
	elements := elementsOf(reply)
	undo := [][]byte{[]byte("zadd"), key, []byte("nx")}
	for i := 0; i+1 < len(elements); i += 2 {
		undo = append(undo, elements[i+1], elements[i])
	}
	return undo
}

// elementsOf are the strings and numbers in a reply, in order.
func elementsOf(reply []byte) (out [][]byte) {
	for len(reply) > 0 {
		n, rest, ok := header(reply)
		switch {
		case !ok:
			return out
		case reply[0] == '$' && n >= 0 && n+2 <= len(rest):
			out = append(out, rest[:n])
			rest = rest[n+2:]
		case reply[0] == ',' || reply[0] == ':':
			line, _, _ := bytes.Cut(reply[1:], []byte("\r\n"))
			out = append(out, line)
		}
		reply = rest
	}
	return out
}
