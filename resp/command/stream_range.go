package command

import (
	"iter"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// XLEN key
func xLen(c *Call) {
	if o, ok := c.read(c.Key(1), object.Stream); ok {
		c.Reply.Int(kind.StreamLength(o))
	}
}

// XRANGE key start end [COUNT count]
func xRange(c *Call) { c.streamRange(2, 3, kind.StreamEntries) }

// XREVRANGE key end start [COUNT count]
func xRevRange(c *Call) {
	c.streamRange(3, 2, func(o *object.Object, start, end kind.StreamID) iter.Seq[kind.StreamEntry] {
		return kind.StreamEntriesBack(o, end, start)
	})
}

// streamRange replies with the entries between two arguments.
func (c *Call) streamRange(first, last int, entries func(o *object.Object, start, end kind.StreamID) iter.Seq[kind.StreamEntry]) {
	start, ok := c.rangeStart(first)
	if !ok {
		return
	}
	end, ok := c.rangeEnd(last)
	if !ok {
		return
	}
	limit := int64(-1)
	for i := 4; i < len(c.Args); i += 2 {
		if i+1 == len(c.Args) || !c.Is(i, "count") {
			c.Fail(errSyntax)
			return
		}
		if limit, ok = c.Int(i + 1); !ok {
			return
		}
		limit = max(0, limit)
	}
	o, ok := c.read(c.Key(1), object.Stream)
	switch {
	case !ok:
	case o == nil:
		c.Reply.Array(0)
	case limit == 0:
		c.Reply.NullArray()
	default:
		c.entries(entries(o, start, end), limit)
	}
}

// entries replies with up to limit entries, any number when it is negative.
func (c *Call) entries(entries iter.Seq[kind.StreamEntry], limit int64) {
	c.list(-1, c.Reply.Array, func(add func()) {
		left := limit
		for entry := range entries {
			c.entry(&entry, add)
			if left--; left == 0 {
				return
			}
		}
	})
}

// entry appends what a stream has under an ID, and calls add for each entry. More than one is rare, see kind.StreamEntry.
func (c *Call) entry(entry *kind.StreamEntry, add func()) {
	id := entry.ID.String()
	for _, values := range entry.Values() {
		c.Reply.Array(2)
		c.Reply.BulkString(id)
		c.Reply.Array(len(values))
		for _, v := range values {
			c.Reply.Bulk(v)
		}
		add()
	}
}
