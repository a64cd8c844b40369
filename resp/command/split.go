package command

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

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
	first, last, step := spec.keys(len(args))
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
	var parts []Part
	for i, p := range places {
		if i == 0 || p.slot != places[i-1].slot {
			parts = append(parts, Part{slot: p.slot, args: slices.Clone(args[:first])})
		}
		part := &parts[len(parts)-1]
		part.Keys = append(part.Keys, p.key)
		from := first + p.key*step
		part.args = append(part.args, args[from:min(from+step, len(args))]...)
	}
	return parts
}

// MergeSum adds integers, as for DEL and EXISTS.
func MergeSum(w *resp.Writer, parts []Part) {
	var sum int64
	for _, p := range parts {
		n, _ := parseInt(bytes.TrimSuffix(p.Reply[1:], []byte("\r\n")))
		sum += n
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
		_, rest := header(p.Reply)
		for _, key := range p.Keys {
			size := replySize(rest)
			elements[key], rest = rest[:size], rest[size:]
		}
	}
	w.Array(count)
	for _, e := range elements {
		w.Raw(e)
	}
}

// header reads the number of a reply's first line, and what is behind the line.
func header(reply []byte) (n int, rest []byte) {
	line, rest, _ := bytes.Cut(reply, []byte("\r\n"))
	n, _ = strconv.Atoi(string(line[1:]))
	return n, rest
}

// replySize is the length of the first value of some replies, which were encoded by this program.
func replySize(b []byte) int {
	n, rest := header(b)
	size := len(b) - len(rest)
	switch b[0] {
	case '$', '=', '!':
		if n >= 0 {
			size += n + 2
		}
	case '*', '~', '>':
		for range n {
			size += replySize(b[size:])
		}
	case '%', '|':
		for range 2 * n {
			size += replySize(b[size:])
		}
	}
	return size
}
