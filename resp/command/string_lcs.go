package command

import (
	"math"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/resp"
)

// lcsOptions are those of LCS.
type lcsOptions struct {
	length, indexes, withLength bool
	minLength                   int64
}

// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]
//
// It takes time in proportion to the product of the lengths, so it runs beside the appliers, on values that it reads
// one after the other.
func lcs(r *Request) {
	a, b, ok := r.twoStrings()
	if !ok {
		return
	}
	o, ok := r.lcsOptions()
	if !ok {
		return
	}
	// Redis takes 4 bytes for each pair of positions.
	if cells := uint64(len(a)+1) * uint64(len(b)+1); len(a) >= math.MaxUint32-1 || len(b) >= math.MaxUint32-1 {
		r.Fail("ERR String too long for LCS")
		return
	} else if cells > uint64(max(0, r.Settings().ProtoMaxBulkLen))/4 {
		r.Fail("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
		return
	}
	t := newLCSTable(a, b)
	switch {
	case o.indexes:
		t.writeMatches(r.Reply, o)
	case o.length:
		r.Reply.Int(int64(t.length))
	default:
		r.Reply.Bulk(t.subsequence())
	}
}

// twoStrings reads the values of both keys, empty when there is none. When one is no string the error is the reply.
func (r *Request) twoStrings() (a, b []byte, ok bool) {
	first, second := r.Command([]byte("get"), r.Args[1]), r.Command([]byte("get"), r.Args[2])
	r.Execute(first, second)
	if a, ok = r.stringOf(first); ok {
		b, ok = r.stringOf(second)
	}
	return a, b, ok
}

// stringOf is what a GET found. An error is the reply.
func (r *Request) stringOf(get *cluster.Command) (value []byte, ok bool) {
	if get.Err == nil {
		if value, _, ok = bulkOf(get.Reply); ok {
			return value, true
		}
		if string(get.Reply) == "-"+ErrWrongType+"\r\n" {
			r.Fail("ERR The specified keys must contain string values")
			return nil, false
		}
	}
	sendReply(r.Reply, get)
	return nil, false
}

// bulkOf is the first of some replies in RESP2, a bulk string or null, and what is behind it.
func bulkOf(reply []byte) (value, rest []byte, ok bool) {
	first, rest, ok := firstReply(reply)
	n, value, _ := header(first)
	switch {
	case !ok || first[0] != '$':
		return nil, nil, false
	case n < 0:
		return nil, rest, true
	default:
		return value[:n], rest, true
	}
}

func (r *Request) lcsOptions() (o lcsOptions, ok bool) {
	for i := 3; i < len(r.Args); i++ {
		switch {
		case r.Is(i, "idx"):
			o.indexes = true
		case r.Is(i, "len"):
			o.length = true
		case r.Is(i, "withmatchlen"):
			o.withLength = true
		case r.Is(i, "minmatchlen") && i+1 < len(r.Args):
			i++
			if o.minLength, ok = r.Int(i); !ok {
				return o, false
			}
		default:
			r.Fail(errSyntax)
			return o, false
		}
	}
	if o.indexes && o.length {
		r.Fail("ERR If you want both the length and indexes, please just use IDX.")
		return o, false
	}
	return o, true
}

// lcsTable is the table of dynamic programming, of which only the way back is kept: a bit for each pair of positions.
type lcsTable struct {
	a, b   []byte
	length int
	// back says of (i, j), where a[i-1] ≠ b[j-1], whether the longest subsequence is longer without a[i-1] than
	// without b[j-1].
	back []uint64
}

func newLCSTable(a, b []byte) *lcsTable {
	t := &lcsTable{a: a, b: b, back: make([]uint64, (len(a)*len(b)+63)/64)}
	above, row := make([]uint32, len(b)+1), make([]uint32, len(b)+1)
	for i := range a {
		for j := range b {
			switch {
			case a[i] == b[j]:
				row[j+1] = above[j] + 1
			case above[j+1] > row[j]:
				row[j+1] = above[j+1]
				at := i*len(b) + j
				t.back[at/64] |= 1 << (at % 64)
			default:
				row[j+1] = row[j]
			}
		}
		above, row = row, above
	}
	t.length = int(above[len(b)])
	return t
}

// walk goes the way back, calling match with each pair of positions that is part of the subsequence, from the last to the
// first.
func (t *lcsTable) walk(match func(i, j int)) {
	i, j := len(t.a), len(t.b)
	for i > 0 && j > 0 {
		at := (i-1)*len(t.b) + j - 1
		switch {
		case t.a[i-1] == t.b[j-1]:
			i, j = i-1, j-1
			match(i, j)
		case t.back[at/64]&(1<<(at%64)) != 0:
			i--
		default:
			j--
		}
	}
}

func (t *lcsTable) subsequence() []byte {
	out := make([]byte, t.length)
	at := t.length
	t.walk(func(i, _ int) {
		at--
		out[at] = t.a[i]
	})
	return out
}

// lcsMatch is a run that both strings have, its ends included.
type lcsMatch struct{ aStart, aEnd, bStart, bEnd int }

func (m lcsMatch) length() int64 { return int64(m.aEnd - m.aStart + 1) }

// matches are the runs of the subsequence, from the last to the first.
func (t *lcsTable) matches() []lcsMatch {
	var out []lcsMatch
	t.walk(func(i, j int) {
		if n := len(out); n > 0 && out[n-1].aStart == i+1 && out[n-1].bStart == j+1 {
			out[n-1].aStart, out[n-1].bStart = i, j
			return
		}
		out = append(out, lcsMatch{i, i, j, j})
	})
	return out
}

func (t *lcsTable) writeMatches(w *resp.Writer, o lcsOptions) {
	matches := t.matches()
	kept := matches[:0]
	for _, m := range matches {
		if m.length() >= o.minLength {
			kept = append(kept, m)
		}
	}
	w.Map(2)
	w.BulkString("matches")
	w.Array(len(kept))
	for _, m := range kept {
		if o.withLength {
			w.Array(3)
		} else {
			w.Array(2)
		}
		for _, ends := range [][2]int{{m.aStart, m.aEnd}, {m.bStart, m.bEnd}} {
			w.Array(2)
			w.Int(int64(ends[0]))
			w.Int(int64(ends[1]))
		}
		if o.withLength {
			w.Int(m.length())
		}
	}
	w.BulkString("len")
	w.Int(int64(t.length))
}
