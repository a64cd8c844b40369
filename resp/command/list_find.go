package command

import (
	"bytes"
	"math"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// LINSERT key BEFORE|AFTER pivot element: the length of the list, 0 when there is none, -1 when the pivot is not in it.
func lInsert(c *Call) {
	side := kind.Right
	switch {
	case c.Is(2, "after"):
	case c.Is(2, "before"):
		side = kind.Left
	default:
		c.Fail(errSyntax)
		return
	}
	key := c.Key(1)
	o, ok := c.look(key, object.List)
	if !ok {
		return
	}
	if o == nil {
		c.Reply.Int(0)
		return
	}
	pivot := kind.SpotsOf(o, kind.Left, c.Args[3], 1)
	if len(pivot) == 0 {
		c.Reply.Int(-1)
		return
	}
	gap, err := kind.GapBeside(o, pivot[0], side)
	if err != nil {
		c.FailErr(err)
		return
	}
	kind.Insert(c.begin(key), gap, c.Args[4])
	c.Reply.Int(o.Count(object.List) + 1)
}

// lRemMode: to remove all elements of a value twice does no harm.
func lRemMode(args [][]byte) cluster.Mode {
	if string(args[2]) == "0" {
		return repeatable
	}
	return changes
}

// LREM key count element: the number of elements that were removed, at most count from the left, or -count from the right.
func lRem(c *Call) {
	limit, ok := c.Int(2)
	if !ok {
		return
	}
	key := c.Key(1)
	o, ok := c.look(key, object.List)
	if !ok {
		return
	}
	side := kind.Left
	switch {
	case limit == 0:
		limit = math.MaxInt64
	case limit < 0:
		side, limit = kind.Right, -max(limit, -math.MaxInt64)
	}
	spots := kind.SpotsOf(o, side, c.Args[3], limit)
	for _, s := range spots {
		kind.RemoveItem(c.Tx.Edit(key), s)
	}
	c.end(key)
	c.Reply.Int(int64(len(spots)))
}

const errNoRank = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
	"or use negative to start from the end of the list"

// search is what LPOS looks for.
type search struct {
	rank   int64 // which match is the first to be given, from the right when negative
	count  int64 // how many are given, 0: all
	many   bool  // the reply is an array
	maxLen int64 // how many elements are looked at, 0: all
}

// LPOS key element [RANK rank] [COUNT count] [MAXLEN len]: an index, or with COUNT an array of them.
func lPos(c *Call) {
	s, ok := c.parseSearch()
	if !ok {
		return
	}
	o, ok := c.read(c.Key(1), object.List)
	if !ok {
		return
	}
	found := s.in(o, c.Args[2])
	if s.many {
		c.Reply.Array(len(found))
	} else if len(found) == 0 {
		c.Reply.Null()
	}
	for _, index := range found {
		c.Reply.Int(index)
	}
}

// parseSearch reads the options of LPOS. Without ok the error is the reply.
func (c *Call) parseSearch() (s search, ok bool) {
	s = search{rank: 1, count: 1}
	for i := 3; i < len(c.Args); i += 2 {
		more := i+1 < len(c.Args)
		switch {
		case more && c.Is(i, "rank"):
			if s.rank, ok = c.Int(i + 1); !ok {
				return s, false
			}
			if s.rank == math.MinInt64 {
				c.Fail(errLeast)
				return s, false
			}
			if s.rank == 0 {
				c.Fail(errNoRank)
				return s, false
			}
		case more && c.Is(i, "count"):
			s.many = true
			if s.count, ok = c.positive(i+1, "ERR COUNT can't be negative"); !ok {
				return s, false
			}
		case more && c.Is(i, "maxlen"):
			if s.maxLen, ok = c.positive(i+1, "ERR MAXLEN can't be negative"); !ok {
				return s, false
			}
		default:
			c.Fail(errSyntax)
			return s, false
		}
	}
	return s, true
}

// positive reads argument i as an integer that is not negative. Else the error is the reply.
func (c *Call) positive(i int, fault string) (n int64, ok bool) {
	if n, ok = parseInt(c.Args[i]); !ok || n < 0 {
		c.Fail(fault)
		return 0, false
	}
	return n, true
}

// in returns the indexes of the matches.
func (s search) in(o *object.Object, value []byte) (found []int64) {
	side, skip, index, step := kind.Left, s.rank-1, int64(0), int64(1)
	if s.rank < 0 {
		side, skip, index, step = kind.Right, -s.rank-1, count(o, object.List)-1, -1
	}
	looked := int64(0)
	for it := range kind.Items(o, side, "") {
		if looked++; s.maxLen > 0 && looked > s.maxLen {
			break
		}
		if bytes.Equal(it.Value(), value) {
			if skip--; skip < 0 {
				found = append(found, index)
			}
			if s.count > 0 && int64(len(found)) == s.count {
				break
			}
		}
		index += step
	}
	return found
}
