package command

import (
	"maps"
	"slices"
	"strconv"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// XACK key group id [id ...]: the number of entries that were pending.
func xAck(c *Call) {
	key, group := c.Key(1), c.Args[2]
	o, ok := c.look(key, object.Stream)
	if !ok {
		return
	}
	if kind.GroupOf(o, group) == nil {
		c.Reply.Int(0)
		return
	}
	ids, ok := c.ids(3)
	if !ok {
		return
	}
	slices.SortFunc(ids, kind.StreamID.Compare)
	acknowledged := int64(0)
	for _, id := range slices.Compact(ids) {
		if kind.PendingOf(o, group, id) != nil {
			kind.RemovePending(c.Tx.Edit(key), group, id)
			acknowledged++
		}
	}
	c.Reply.Int(acknowledged)
}

// groupOf is the stream of argument 1 when it has the group of argument 2. Without ok the error is the reply.
func (c *Call) groupOf(look func(object.Key, object.Kind) (*object.Object, bool)) (o *object.Object, g *kind.StreamGroup, ok bool) {
	if o, ok = look(c.Key(1), object.Stream); !ok {
		return nil, nil, false
	}
	if g = kind.GroupOf(o, c.Args[2]); g == nil {
		c.Fail("NOGROUP No such key '" + string(c.Args[1]) + "' or consumer group '" + string(c.Args[2]) + "'")
		return nil, nil, false
	}
	return o, g, true
}

// XPENDING key group [[IDLE milliseconds] start end count [consumer]]. The summary costs what is pending in the group.
func xPending(c *Call) {
	if len(c.Args) == 3 {
		if o, _, ok := c.groupOf(c.read); ok {
			c.pendingSummary(o)
		}
		return
	}
	if len(c.Args) < 6 || len(c.Args) > 9 {
		c.Fail(errSyntax)
		return
	}
	at, idle, ok := 3, int64(0), true
	if c.Is(3, "idle") {
		if idle, ok = c.Int(4); !ok {
			return
		}
		if at = 5; len(c.Args) < 8 {
			c.Fail(errSyntax)
			return
		}
	}
	limit, ok := c.Int(at + 2)
	if !ok {
		return
	}
	start, ok := c.rangeStart(at)
	if !ok {
		return
	}
	end, ok := c.rangeEnd(at + 1)
	if !ok {
		return
	}
	o, _, ok := c.groupOf(c.read)
	if !ok {
		return
	}
	var consumer *string
	if at+3 < len(c.Args) {
		name := string(c.Args[at+3])
		consumer = &name
	}
	c.pendingRange(o, start, end, max(0, limit), idle, consumer)
}

// pendingTally is what is pending in a group, found out by one walk over it.
type pendingTally struct {
	total       int64
	first, last kind.StreamID
	counts      map[string]int64          // by consumer
	few         map[string][]pendingEntry // the first ones of each consumer, as many as were asked for
}

type pendingEntry struct {
	id kind.StreamID
	*kind.Pending
}

func tallyPending(o *object.Object, group []byte, few int64) *pendingTally {
	t := &pendingTally{counts: map[string]int64{}, few: map[string][]pendingEntry{}}
	for id, p := range kind.PendingEntries(o, group, kind.StreamID{}) {
		if t.total++; t.total == 1 {
			t.first = id
		}
		t.last = id
		if t.counts[p.Consumer]++; t.counts[p.Consumer] <= few {
			t.few[p.Consumer] = append(t.few[p.Consumer], pendingEntry{id, p})
		}
	}
	return t
}

// pendingSummary replies with the number of pending entries, the first and the last ID, and the number for each consumer.
func (c *Call) pendingSummary(o *object.Object) {
	t := tallyPending(o, c.Args[2], 0)
	c.Reply.Array(4)
	c.Reply.Int(t.total)
	if t.total == 0 {
		c.Reply.Null()
		c.Reply.Null()
		c.Reply.NullArray()
		return
	}
	c.Reply.BulkString(t.first.String())
	c.Reply.BulkString(t.last.String())
	c.Reply.Array(len(t.counts))
	for _, name := range slices.Sorted(maps.Keys(t.counts)) {
		c.Reply.Array(2)
		c.Reply.BulkString(name)
		c.Reply.BulkString(strconv.FormatInt(t.counts[name], 10))
	}
}

// pendingRange replies with pending entries: ID, consumer, milliseconds since the last delivery, number of deliveries.
func (c *Call) pendingRange(o *object.Object, start, end kind.StreamID, limit, idle int64, consumer *string) {
	n, found := c.gather(func(add func()) {
		for id, p := range kind.PendingEntries(o, c.Args[2], start) {
			if limit == 0 || end.Before(id) {
				return
			}
			since := max(0, c.Tx.Now()-p.Delivered)
			if consumer != nil && p.Consumer != *consumer || since < idle {
				continue
			}
			c.Reply.Array(4)
			c.Reply.BulkString(id.String())
			c.Reply.BulkString(p.Consumer)
			c.Reply.Int(since)
			c.Reply.Int(int64(p.Deliveries))
			add()
			limit--
		}
	})
	c.Reply.Array(n)
	c.Reply.Raw(found)
}
