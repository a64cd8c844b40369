package command

import (
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// claim is what XCLAIM and XAUTOCLAIM do with an entry.
type claim struct {
	key      object.Key
	group    []byte
	consumer string
	minIdle  int64
	justID   bool
	force    bool          // also what is not pending
	at       int64         // when the entries count as delivered
	retries  int64         // the number of deliveries, -1 for one more
	lastID   kind.StreamID // what the group is advanced to
	given    bool          // some entry was claimed
}

// XCLAIM key group consumer min-idle-time id [id ...] [IDLE milliseconds] [TIME unix-milliseconds] [RETRYCOUNT count] [FORCE]
// [JUSTID] [LASTID id]
func xClaim(c *Call) {
	o, g, ok := c.groupOf(c.look)
	if !ok {
		return
	}
	claim := c.newClaim()
	if claim.minIdle, ok = parseInt(c.Args[4]); !ok {
		c.Fail("ERR Invalid min-idle-time argument for XCLAIM")
		return
	}
	var ids []kind.StreamID
	i := 5
	for ; i < len(c.Args); i++ {
		id, ok := parseID(c.Args[i], 0)
		if !ok {
			break
		}
		ids = append(ids, id)
	}
	if !c.claimOptions(claim, i) {
		return
	}
	n, found := c.gather(func(add func()) {
		for _, id := range ids {
			p := kind.PendingOf(o, claim.group, id)
			if e := c.Tx.Edited(claim.key); e != nil { // an ID may be given twice
				p = kind.PendingOf(e, claim.group, id)
			}
			c.claim(claim, o, id, p, add)
		}
	})
	c.noteConsumer(claim.key, o, claim.group, c.Args[3], claim.given)
	if g.Last.Before(claim.lastID) {
		g.Advance(c.Tx.Edit(claim.key), claim.group, claim.lastID)
	}
	c.Reply.Array(n)
	c.Reply.Raw(found)
}

func (c *Call) newClaim() *claim {
	return &claim{key: c.Key(1), group: c.Args[2], consumer: string(c.Args[3]), at: c.Tx.Now(), retries: -1}
}

// claimOptions reads what is behind the IDs. Without ok the error is the reply.
func (c *Call) claimOptions(claim *claim, i int) bool {
	now := c.Tx.Now()
	number := func(n *int64, name string) (ok bool) {
		i++
		if *n, ok = parseInt(c.Args[i]); !ok {
			c.Fail("ERR Invalid " + name + " option argument for XCLAIM")
		}
		return ok
	}
	for ; i < len(c.Args); i++ {
		ok := true
		switch more := i+1 < len(c.Args); {
		case c.Is(i, "force"):
			claim.force = true
		case c.Is(i, "justid"):
			claim.justID = true
		case more && c.Is(i, "idle"):
			var idle int64
			ok = number(&idle, "IDLE")
			claim.at = now - idle
		case more && c.Is(i, "time"):
			ok = number(&claim.at, "TIME")
		case more && c.Is(i, "retrycount"):
			ok = number(&claim.retries, "RETRYCOUNT")
		case more && c.Is(i, "lastid"):
			i++
			claim.lastID, ok = c.id(i)
		default:
			c.Fail("ERR Unrecognized XCLAIM option '" + quoted(c.Args[i]) + "'")
			return false
		}
		if !ok {
			return false
		}
	}
	if claim.at < 0 || claim.at > now {
		claim.at = now
	}
	return true
}

// claim makes an entry pending for the consumer and replies with it, when it has been pending for long enough. One that is no
// longer in the stream is pending no longer.
func (c *Call) claim(claim *claim, o *object.Object, id kind.StreamID, p *kind.Pending, add func()) {
	entry, there := kind.EntryOf(o, id)
	switch {
	case !there:
		if p != nil {
			kind.RemovePending(c.Tx.Edit(claim.key), claim.group, id)
		}
		return
	case p == nil && !claim.force:
		return
	case p == nil:
		p = &kind.Pending{Deliveries: 1}
	case claim.minIdle > 0 && c.Tx.Now()-p.Delivered < claim.minIdle:
		return
	}
	p.Consumer, p.Delivered = claim.consumer, claim.at
	switch {
	case claim.retries >= 0:
		p.Deliveries = uint64(claim.retries)
	case !claim.justID:
		p.Deliveries++
	}
	kind.PutPending(c.Tx.Edit(claim.key), claim.group, id, *p)
	claim.given = true
	if claim.justID {
		c.Reply.BulkString(id.String())
		add()
		return
	}
	c.entry(&entry, add)
}

const (
	defaultClaims = 100
	// maxClaims bounds an XAUTOCLAIM, looksPerClaim how many pending entries it looks at for each that it may claim.
	maxClaims     = 1 << 40
	looksPerClaim = 10
)

// XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]: where to go on, what was claimed, and the IDs of
// entries that are no longer in the stream, which are pending no longer.
func xAutoClaim(c *Call) {
	claim, ok := c.newClaim(), true
	if claim.minIdle, ok = parseInt(c.Args[4]); !ok {
		c.Fail("ERR Invalid min-idle-time argument for XAUTOCLAIM")
		return
	}
	start, ok := c.rangeStart(5)
	if !ok {
		return
	}
	limit := int64(defaultClaims)
	for i := 6; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "count") && i+1 < len(c.Args):
			i++
			if limit, ok = parseInt(c.Args[i]); !ok || limit < 1 || limit > maxClaims {
				c.Fail("ERR COUNT must be > 0")
				return
			}
		case c.Is(i, "justid"):
			claim.justID = true
		default:
			c.Fail(errSyntax)
			return
		}
	}
	o, _, ok := c.groupOf(c.look)
	if !ok {
		return
	}
	var next kind.StreamID
	var gone []kind.StreamID
	n, found := c.gather(func(add func()) { next, gone = c.claimFrom(claim, o, start, limit, add) })
	c.noteConsumer(claim.key, o, claim.group, c.Args[3], claim.given)
	c.Reply.Array(3)
	c.Reply.BulkString(next.String())
	c.Reply.Array(n)
	c.Reply.Raw(found)
	c.Reply.Array(len(gone))
	for _, id := range gone {
		c.Reply.BulkString(id.String())
	}
}

// claimFrom claims up to limit of what is pending from an ID on. It returns the ID to go on from, 0-0 at the end.
func (c *Call) claimFrom(
	claim *claim, o *object.Object, start kind.StreamID, limit int64, add func(),
) (next kind.StreamID, gone []kind.StreamID) {
	looks := limit * looksPerClaim
	for id, p := range kind.PendingEntries(o, claim.group, start) {
		if limit == 0 || looks == 0 {
			return id, gone
		}
		looks--
		before := len(c.Reply.Buf)
		c.claim(claim, o, id, p, add)
		switch {
		case !kind.HasEntry(o, id):
			gone = append(gone, id)
			limit--
		case len(c.Reply.Buf) > before:
			limit--
		}
	}
	return kind.StreamID{}, gone
}
