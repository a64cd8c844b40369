package command

import (
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// addition are the arguments of XADD, or those of XTRIM, which has the part about trimming alone.
type addition struct {
	trim      *kind.StreamTrim
	noMake    bool          // the stream must exist
	automatic bool          // the sequence number of the ID is left to the store
	wholly    bool          // the millisecond too
	id        kind.StreamID // what is given of it
	fields    [][]byte
}

// maxApproximate bounds an approximate trim without a LIMIT, as in Redis: a hundred blocks.
const maxApproximate = 10_000

// addition reads the arguments. Without ok the error is the reply.
func (c *Call) addition(adds bool) (a addition, ok bool) {
	limit, limited, i, found := int64(0), false, 2, false
	for ; i < len(c.Args) && !found; i++ {
		more := len(c.Args) - 1 - i
		switch {
		case adds && c.Is(i, "*"):
			a.automatic, a.wholly, found = true, true, true
		case more > 0 && (c.Is(i, "maxlen") || c.Is(i, "minid")):
			if i, ok = c.trimming(&a, i, more); !ok {
				return a, false
			}
		case more > 0 && c.Is(i, "limit"):
			if limit, ok = c.Int(i + 1); !ok {
				return a, false
			}
			if limit < 0 {
				c.Fail("ERR The LIMIT argument must be >= 0.")
				return a, false
			}
			limited = true
			i++
		case adds && c.Is(i, "nomkstream"):
			a.noMake = true
		case adds:
			if a.id, a.automatic, ok = newID(c.Args[i]); !ok {
				c.Fail(errStreamID)
				return a, false
			}
			found = true
		default:
			c.Fail(errSyntax)
			return a, false
		}
	}
	a.fields = c.Args[i:]
	switch {
	case limit > 0 && a.trim == nil:
		c.Fail("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
	case !adds && a.trim == nil:
		c.Fail("ERR syntax error, XTRIM must be called with a trimming strategy")
	case limited && (a.trim == nil || !a.trim.Approximate):
		c.Fail("ERR syntax error, LIMIT cannot be used without the special ~ option")
	case adds && (len(a.fields) < 2 || len(a.fields)%2 == 1):
		c.Fail(wrongArity(c.spec))
	case adds && !a.automatic && a.id == kind.StreamID{}:
		c.Fail("ERR The ID specified in XADD must be greater than 0-0")
	default:
		if a.trim != nil && a.trim.Approximate {
			if a.trim.Limit = limit; !limited {
				a.trim.Limit = maxApproximate
			}
		}
		return a, true
	}
	return a, false
}

// newID reads an ID whose sequence number may be left to the store by an asterisk.
func newID(arg []byte) (id kind.StreamID, automatic, ok bool) {
	if n := len(arg); n > 2 && string(arg[n-2:]) == "-*" {
		id.MS, ok = parseUnsigned(arg[:n-2])
		return id, true, ok
	}
	id, ok = parseID(arg, 0)
	return id, false, ok
}

// trimming reads MAXLEN or MINID at i and returns where its last argument is.
func (c *Call) trimming(a *addition, i, more int) (last int, ok bool) {
	if a.trim != nil {
		c.Fail("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
		return i, false
	}
	a.trim = &kind.StreamTrim{ByLength: c.Is(i, "maxlen")}
	if i++; more > 1 && (c.Is(i, "~") || c.Is(i, "=")) {
		a.trim.Approximate = c.Is(i, "~")
		i++
	}
	if !a.trim.ByLength {
		a.trim.MinID, ok = c.id(i)
		return i, ok
	}
	if a.trim.MaxLength, ok = c.Int(i); ok && a.trim.MaxLength < 0 {
		c.Fail("ERR The MAXLEN argument must be >= 0.")
		ok = false
	}
	return i, ok
}

// XADD key [NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value [field value ...]: the entry's ID. It is
// above all IDs that the stream had at the R stores that were asked, and no other node makes the same automatic one.
func xAdd(c *Call) {
	a, ok := c.addition(true)
	if !ok {
		return
	}
	key := c.Key(1)
	o, ok := c.look(key, object.Stream)
	switch {
	case !ok:
		return
	case o == nil && a.noMake:
		c.Reply.Null()
		return
	}
	h := kind.HeadOf(o)
	if fault := a.fault(h); fault != "" {
		c.Fail(fault)
		return
	}
	e := c.Tx.Edit(key)
	kind.BeginStream(e)
	first := c.handler.Cluster.LeadsSlot(key.Slot())
	home := h.IsHome(e.Dot().Node, first)
	id := a.id
	switch {
	case a.wholly:
		id, _ = h.NextID(e.Dot(), home)
	case a.automatic:
		id, _ = h.NextIDIn(id.MS, e.Dot(), home)
	}
	kind.AddEntry(e, id, a.fields, a.automatic, home)
	if a.trim != nil {
		kind.DropEntries(e, a.trim.Doomed(e.Object()))
	}
	c.Reply.BulkString(id.String())
}

// fault is why a stream with this head cannot take the entry, empty when it can.
func (a *addition) fault(h *kind.StreamHead) string {
	switch {
	case h.Last == kind.MaxStreamID, a.wholly && h.Exhausted():
		return errExhausted
	case a.wholly:
		return ""
	case a.automatic && (a.id.MS < h.Last.MS || a.id.MS == h.Last.MS && h.MillisecondExhausted()):
		return errSmallID
	case !a.automatic && !h.Last.Before(a.id):
		return errSmallID
	default:
		return ""
	}
}

// XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count]: the number of entries that are gone.
func xTrim(c *Call) {
	a, ok := c.addition(false)
	if !ok {
		return
	}
	key := c.Key(1)
	o, ok := c.look(key, object.Stream)
	if !ok {
		return
	}
	doomed := a.trim.Doomed(o)
	if len(doomed) > 0 {
		kind.DropEntries(c.Tx.Edit(key), doomed)
	}
	c.Reply.Int(int64(len(doomed)))
}

// XDEL key id [id ...]: the number of entries that were there.
func xDel(c *Call) {
	key := c.Key(1)
	o, ok := c.look(key, object.Stream)
	if !ok {
		return
	}
	if o == nil {
		c.Reply.Int(0)
		return
	}
	ids, ok := c.ids(2)
	if !ok {
		return
	}
	removed := int64(0)
	for _, id := range ids {
		// The edit begins with the first entry that is there: it must not be empty.
		if kind.HasEntry(o, id) && kind.RemoveEntry(c.Tx.Edit(key), id) {
			removed++
		}
	}
	if removed > 0 {
		kind.EndRemovals(c.Tx.Edit(key))
	}
	c.Reply.Int(removed)
}

// XSETID key last-id [ENTRIESADDED count] [MAXDELETEDID id]
func xSetID(c *Call) {
	last, ok := c.id(2)
	if !ok {
		return
	}
	added, maxDeleted, ok := c.setIDOptions(last)
	if !ok {
		return
	}
	key := c.Key(1)
	o, ok := c.look(key, object.Stream)
	if !ok {
		return
	}
	if o == nil {
		c.Fail(errNoKey)
		return
	}
	top, _ := kind.LastEntry(o)
	switch {
	case last.Before(top):
		c.Fail("ERR The ID specified in XSETID is smaller than the target stream top item")
	case added != nil && *added < uint64(kind.StreamLength(o)):
		c.Fail("ERR The entries_added specified in XSETID is smaller than the target stream length")
	default:
		kind.SetStream(c.Tx.Edit(key), last, added, maxDeleted)
		c.Reply.SimpleString("OK")
	}
}

// setIDOptions reads what is behind the ID. Without ok the error is the reply.
func (c *Call) setIDOptions(last kind.StreamID) (added *uint64, maxDeleted *kind.StreamID, ok bool) {
	for i := 3; i < len(c.Args); i += 2 {
		switch more := i+1 < len(c.Args); {
		case more && c.Is(i, "entriesadded"):
			n, ok := c.Int(i + 1)
			if !ok {
				return nil, nil, false
			}
			if n < 0 {
				c.Fail("ERR entries_added must be positive")
				return nil, nil, false
			}
			count := uint64(n)
			added = &count
		case more && c.Is(i, "maxdeletedid"):
			id, ok := c.id(i + 1)
			if !ok {
				return nil, nil, false
			}
			if last.Before(id) {
				c.Fail("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
				return nil, nil, false
			}
			if maxDeleted = nil; id != (kind.StreamID{}) { // which means none, as in Redis
				maxDeleted = &id
			}
		default:
			c.Fail(errSyntax)
			return nil, nil, false
		}
	}
	return added, maxDeleted, true
}
