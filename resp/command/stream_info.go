package command

import (
	"iter"
	"math"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// infoStream is the stream of a subcommand of XINFO, which must exist. Without ok the error is the reply.
func (c *Call) infoStream() (o *object.Object, ok bool) {
	o, ok = c.read(c.Key(2), object.Stream)
	if ok && o == nil {
		c.Fail(errNoKey)
		return nil, false
	}
	return o, ok
}

func (c *Call) infoInt(name string, n int64) {
	c.Reply.BulkString(name)
	c.Reply.Int(n)
}

func (c *Call) infoString(name, value string) {
	c.Reply.BulkString(name)
	c.Reply.BulkString(value)
}

// infoMaybe shows a number, or null when it is not known.
func (c *Call) infoMaybe(name string, n int64, known bool) {
	c.Reply.BulkString(name)
	if known {
		c.Reply.Int(n)
		return
	}
	c.Reply.Null()
}

// defaultFull is how many entries XINFO STREAM FULL shows.
const defaultFull = 10

// XINFO STREAM key [FULL [COUNT count]]
func xInfoStream(c *Call) {
	o, ok := c.infoStream()
	if !ok {
		return
	}
	limit := int64(defaultFull)
	switch n := len(c.Args); {
	case n == 3:
		c.Reply.Map(10)
		c.streamHead(o)
		c.infoInt("groups", int64(kind.CountGroups(o)))
		c.firstEntry("first-entry", kind.StreamEntries(o, kind.StreamID{}, kind.MaxStreamID))
		c.firstEntry("last-entry", kind.StreamEntriesBack(o, kind.MaxStreamID, kind.StreamID{}))
		return
	case n != 4 && n != 6, !c.Is(3, "full"), n == 6 && !c.Is(4, "count"):
		c.FailSubcommand()
		return
	case n == 6:
		if limit, ok = c.Int(5); !ok {
			return
		}
		switch {
		case limit < 0:
			limit = defaultFull
		case limit == 0:
			limit = math.MaxInt64
		}
	}
	c.Reply.Map(9)
	c.streamHead(o)
	c.Reply.BulkString("entries")
	c.entries(kind.StreamEntries(o, kind.StreamID{}, kind.MaxStreamID), limit)
	c.Reply.BulkString("groups")
	c.fullGroups(o, limit)
}

// entriesPerNode is how many entries Redis keeps in a node of its radix tree, of which there is none here.
const entriesPerNode = 100

// streamHead shows the seven facts that both forms of XINFO STREAM begin with.
func (c *Call) streamHead(o *object.Object) {
	h, length := kind.HeadOf(o), kind.StreamLength(o)
	first, _ := kind.FirstEntry(o)
	c.infoInt("length", length)
	c.infoInt("radix-tree-keys", (length+entriesPerNode-1)/entriesPerNode)
	c.infoInt("radix-tree-nodes", (length+entriesPerNode-1)/entriesPerNode+1)
	c.infoString("last-generated-id", h.Last.String())
	c.infoString("max-deleted-entry-id", h.MaxDeleted.String())
	c.infoInt("entries-added", int64(h.Added()))
	c.infoString("recorded-first-entry-id", first.String())
}

// firstEntry shows the first of some entries, null when there is none.
func (c *Call) firstEntry(name string, entries iter.Seq[kind.StreamEntry]) {
	c.Reply.BulkString(name)
	n, found := c.gather(func(add func()) {
		for entry := range entries {
			c.entry(&entry, add)
			return
		}
	})
	if n == 0 {
		c.Reply.Null()
		return
	}
	first, _, _ := firstReply(found)
	c.Reply.Raw(first)
}

// groupPosition shows how far a group has read.
func (c *Call) groupPosition(o *object.Object, g *kind.StreamGroup) {
	c.infoString("last-delivered-id", g.Last.String())
	c.infoMaybe("entries-read", g.Read, g.Read != kind.EntriesUnknown)
	lag, known := g.Lag(o, kind.HeadOf(o))
	c.infoMaybe("lag", lag, known)
}

// XINFO GROUPS key. It costs what is pending.
func xInfoGroups(c *Call) {
	o, ok := c.infoStream()
	if !ok {
		return
	}
	n, found := c.gather(func(add func()) {
		for name, g := range kind.StreamGroups(o) {
			consumers := int64(0)
			for range kind.Consumers(o, []byte(name)) {
				consumers++
			}
			c.Reply.Map(6)
			c.infoString("name", name)
			c.infoInt("consumers", consumers)
			c.infoInt("pending", tallyPending(o, []byte(name), 0).total)
			c.groupPosition(o, g)
			add()
		}
	})
	c.Reply.Array(n)
	c.Reply.Raw(found)
}

// XINFO CONSUMERS key group. It costs what is pending in the group.
func xInfoConsumers(c *Call) {
	o, ok := c.infoStream()
	if !ok {
		return
	}
	group := c.Args[3]
	if kind.GroupOf(o, group) == nil {
		c.noGroup(c.Args[2], group)
		return
	}
	pending := tallyPending(o, group, 0).counts
	now := c.Tx.Now()
	n, found := c.gather(func(add func()) {
		for name, consumer := range kind.Consumers(o, group) {
			c.Reply.Map(4)
			c.infoString("name", name)
			c.infoInt("pending", pending[name])
			c.infoInt("idle", max(0, now-consumer.Seen))
			inactive := int64(-1)
			if consumer.Active >= 0 {
				inactive = max(0, now-consumer.Active)
			}
			c.infoInt("inactive", inactive)
			add()
		}
	})
	c.Reply.Array(n)
	c.Reply.Raw(found)
}

// fullGroups shows the groups as XINFO STREAM FULL does, with up to limit pending entries each.
func (c *Call) fullGroups(o *object.Object, limit int64) {
	n, found := c.gather(func(add func()) {
		for name, g := range kind.StreamGroups(o) {
			t := tallyPending(o, []byte(name), limit)
			c.Reply.Map(7)
			c.infoString("name", name)
			c.groupPosition(o, g)
			c.infoInt("pel-count", t.total)
			c.Reply.BulkString("pending")
			c.fullPending(o, []byte(name), limit)
			c.Reply.BulkString("consumers")
			c.fullConsumers(o, []byte(name), t)
			add()
		}
	})
	c.Reply.Array(n)
	c.Reply.Raw(found)
}

// fullPending shows what is pending in a group.
func (c *Call) fullPending(o *object.Object, group []byte, limit int64) {
	n, found := c.gather(func(add func()) {
		for id, p := range kind.PendingEntries(o, group, kind.StreamID{}) {
			c.Reply.Array(4)
			c.Reply.BulkString(id.String())
			c.Reply.BulkString(p.Consumer)
			c.Reply.Int(p.Delivered)
			c.Reply.Int(int64(p.Deliveries))
			add()
			if limit--; limit == 0 {
				return
			}
		}
	})
	c.Reply.Array(n)
	c.Reply.Raw(found)
}

// fullConsumers shows the consumers of a group, each with the first that is pending for it.
func (c *Call) fullConsumers(o *object.Object, group []byte, t *pendingTally) {
	n, found := c.gather(func(add func()) {
		for name, consumer := range kind.Consumers(o, group) {
			c.Reply.Map(5)
			c.infoString("name", name)
			c.infoInt("seen-time", consumer.Seen)
			c.infoInt("active-time", consumer.Active)
			c.infoInt("pel-count", t.counts[name])
			c.Reply.BulkString("pending")
			c.Reply.Array(len(t.few[name]))
			for _, p := range t.few[name] {
				c.Reply.Array(3)
				c.Reply.BulkString(p.id.String())
				c.Reply.Int(p.Delivered)
				c.Reply.Int(int64(p.Deliveries))
			}
			add()
		}
	})
	c.Reply.Array(n)
	c.Reply.Raw(found)
}
