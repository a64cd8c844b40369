package command

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// Part is what one slot answered to its part of a command.
type Part struct {
	// Reply is the part's reply, which is no error.
	Reply []byte
	// Keys are the places that the part's keys have among the keys of the whole command, ascending.
	Keys []int

	args [][]byte
	slot object.Slot
}

// Merge puts together the replies to the parts of a command, which together have all its keys.
type Merge func(w *resp.Writer, parts []Part)

// cut divides a command whose keys are in several slots. Each part has the name and, in their order, the keys of one slot
// with the arguments that follow them.
func cut(spec *Spec, args [][]byte) []Part {
	first, last, step := spec.keys(args)
	type place struct {
		slot object.Slot
		key  int
	}
	places := make([]place, 0, (last-first)/step+1)
	for i := first; i <= last; i += step {
		places = append(places, place{object.SlotOf(args[i]), len(places)})
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.key, b.key))
	})
	count := 0
	for i, p := range places {
		if i == 0 || p.slot != places[i-1].slot {
			count++
		}
	}
	// All parts share two arrays; each has its stretch of them.
	parts := make([]Part, 0, count)
	words := make([][]byte, 0, count*first+len(places)*step)
	keys := make([]int, 0, len(places))
	fromWord, fromKey := 0, 0
	for i, p := range places {
		if i == 0 || p.slot != places[i-1].slot {
			fromWord, fromKey = len(words), len(keys)
			words = append(words, args[:first]...)
			parts = append(parts, Part{slot: p.slot})
		}
		at := first + p.key*step
		words = append(words, args[at:min(at+step, len(args))]...)
		keys = append(keys, p.key)
		part := &parts[len(parts)-1]
		part.args, part.Keys = words[fromWord:len(words):len(words)], keys[fromKey:len(keys):len(keys)]
	}
	return parts
}

// errBadPart is the reply when a part's reply is not of the form that its command has on every node of this version.
const errBadPart = "ERR a node gave a reply of another form"

// MergeSum adds integers, as for DEL and EXISTS.
func MergeSum(w *resp.Writer, parts []Part) {
	var sum int64
	for _, p := range parts {
		n, _, ok := header(p.Reply)
		if !ok || p.Reply[0] != ':' {
			w.Error(errBadPart)
			return
		}
		sum += int64(n)
	}
	w.Int(sum)
}

// MergeOK answers OK, as for MSET.
func MergeOK(w *resp.Writer, _ []Part) { w.SimpleString("OK") }

// MergeArrays makes one array of arrays with one element for each key, as for MGET.
func MergeArrays(w *resp.Writer, parts []Part) {
	count := 0
	for _, p := range parts {
		count += len(p.Keys)
	}
	elements := make([][]byte, count)
	for _, p := range parts {
		n, rest, ok := header(p.Reply)
		if !ok || n != len(p.Keys) || p.Reply[0] != '*' {
			w.Error(errBadPart)
			return
		}
		for _, key := range p.Keys {
			if elements[key], rest, ok = firstReply(rest); !ok {
				w.Error(errBadPart)
				return
			}
		}
	}
	w.Array(count)
	for _, e := range elements {
		w.Raw(e)
	}
}

// header reads the number of a reply's first line, 0 when it has none, and what is behind the line.
func header(reply []byte) (n int, rest []byte, ok bool) {
	line, rest, ok := bytes.Cut(reply, []byte("\r\n"))
	if !ok || len(line) == 0 {
		return 0, nil, false
	}
	number, _ := parseInt(line[1:]) // a status or an error is no number
	return int(number), rest, true
}

// firstReply cuts the first of some encoded values.
func firstReply(b []byte) (first, rest []byte, ok bool) {
	n, rest, ok := header(b)
	if !ok {
		return nil, nil, false
	}
	values := 0
	switch b[0] {
	case '$', '=', '!':
		if n >= 0 && n+2 > len(rest) {
			return nil, nil, false
		}
		if n >= 0 {
			rest = rest[n+2:]
		}
	case '*', '~', '>':
		values = n
	case '%', '|':
		values = 2 * n
	}
	for range values {
		if _, rest, ok = firstReply(rest); !ok {
			return nil, nil, false
		}
	}
	return b[:len(b)-len(rest)], rest, true
}
