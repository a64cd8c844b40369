package command

import (
	"bytes"
	"math"
	"strconv"

	"github.com/kindredkv/kindred/engine/kind"
)

const (
	errStreamID    = "ERR Invalid stream ID specified as stream command argument"
	errSmallID     = "ERR The ID specified in XADD is equal or smaller than the target stream top item"
	errExhausted   = "ERR The stream has exhausted the last possible ID, unable to add more items"
	errStreamStart = "ERR invalid start ID for the interval"
	errStreamEnd   = "ERR invalid end ID for the interval"
)

// maxIDText is the longest text of two numbers and what is between them, leading zeros aside.
const maxIDText = 127

// parseID reads an ID: a number, or two with a dash between. One alone gets the given sequence number.
func parseID(arg []byte, seq uint64) (id kind.StreamID, ok bool) {
	if len(arg) > maxIDText {
		return id, false
	}
	ms, rest, two := bytes.Cut(arg, []byte{'-'})
	if id.MS, ok = parseUnsigned(ms); !ok {
		return id, false
	}
	if id.Seq = seq; two {
		id.Seq, ok = parseUnsigned(rest)
	}
	return id, ok
}

func parseUnsigned(b []byte) (uint64, bool) {
	if len(b) == 0 || b[0] < '0' || b[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b), 10, 64)
	return n, err == nil
}

// parseBound is parseID that also takes - and + for the smallest and the greatest ID.
func parseBound(arg []byte, seq uint64) (kind.StreamID, bool) {
	switch string(arg) {
	case "-":
		return kind.StreamID{}, true
	case "+":
		return kind.MaxStreamID, true
	default:
		return parseID(arg, seq)
	}
}

// id reads an argument as an ID. When it is none the error is the reply.
func (c *Call) id(i int) (kind.StreamID, bool) {
	id, ok := parseID(c.Args[i], 0)
	if !ok {
		c.Fail(errStreamID)
	}
	return id, ok
}

// ids reads all arguments from one on as IDs.
func (c *Call) ids(i int) (ids []kind.StreamID, ok bool) {
	for ; i < len(c.Args); i++ {
		id, ok := c.id(i)
		if !ok {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}

// rangeStart reads the first ID of a range, behind a parenthesis the one that is left out. Without ok the error is the reply.
func (c *Call) rangeStart(i int) (id kind.StreamID, ok bool) {
	arg := c.Args[i]
	if len(arg) == 0 || arg[0] != '(' {
		if id, ok = parseBound(arg, 0); !ok {
			c.Fail(errStreamID)
		}
		return id, ok
	}
	if id, ok = parseID(arg[1:], 0); !ok {
		c.Fail(errStreamID)
		return id, false
	}
	if id, ok = id.Next(); !ok {
		c.Fail(errStreamStart)
	}
	return id, ok
}

// rangeEnd is rangeStart for the last ID of a range.
func (c *Call) rangeEnd(i int) (id kind.StreamID, ok bool) {
	arg := c.Args[i]
	if len(arg) == 0 || arg[0] != '(' {
		if id, ok = parseBound(arg, math.MaxUint64); !ok {
			c.Fail(errStreamID)
		}
		return id, ok
	}
	if id, ok = parseID(arg[1:], math.MaxUint64); !ok {
		c.Fail(errStreamID)
		return id, false
	}
	if id, ok = id.Previous(); !ok {
		c.Fail(errStreamEnd)
	}
	return id, ok
}
