package command

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// XREAD and XREADGROUP take keys of any slots, and what they do is done for each key by a command of its own:
//
//	kindred.xlast key [group]                               the last ID, to begin behind; an error without the group
//	kindred.xread key id count                              the entries behind an ID
//	kindred.xreadgroup key group consumer id|> count noack  what a group was not given yet, or what is pending
//
// Each key is read at one time; several keys, even in one slot, are not.

// streamRead are the arguments of XREAD or XREADGROUP.
type streamRead struct {
	group, consumer []byte // nil without GROUP
	count           []byte
	noAck           bool
	block           int64 // milliseconds, -1 for not at all
	keys, from      [][]byte
	// fault is an error of the argument for a key, which shows unless an earlier key has one. Those behind it are not looked at.
	fault string
}

const (
	errUnbalanced = "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
	errOnlyNew    = "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
	errDollar     = "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by " +
		"specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
)

// streamRead reads the arguments. Without ok the error is the reply.
func (r *Request) streamRead(grouped bool) (s streamRead, ok bool) {
	s.block, s.count = -1, []byte("0")
	for i := 1; i < len(r.Args); i++ {
		more := len(r.Args) - 1 - i
		switch {
		case more > 0 && r.Is(i, "block"):
			if i++; !r.blockTime(&s, i) {
				return s, false
			}
		case more > 0 && r.Is(i, "count"):
			n, ok := r.Int(i + 1)
			if !ok {
				return s, false
			}
			s.count = strconv.AppendInt(nil, max(0, n), 10)
			i++
		case more > 0 && r.Is(i, "streams"):
			return s, r.streams(&s, r.Args[i+1:], grouped)
		case more > 1 && r.Is(i, "group"):
			if !grouped {
				r.Fail("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.")
				return s, false
			}
			s.group, s.consumer = r.Args[i+1], r.Args[i+2]
			i += 2
		case r.Is(i, "noack"):
			if !grouped {
				r.Fail("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.")
				return s, false
			}
			s.noAck = true
		default:
			r.Fail(errSyntax)
			return s, false
		}
	}
	r.Fail(errSyntax)
	return s, false
}

func (r *Request) blockTime(s *streamRead, i int) (ok bool) {
	switch s.block, ok = parseInt(r.Args[i]); {
	case !ok:
		r.Fail("ERR timeout is not an integer or out of range")
	case s.block < 0:
		r.Fail("ERR timeout is negative")
		ok = false
	case s.block > math.MaxInt64/int64(time.Millisecond):
		r.Fail("ERR timeout is out of range")
		ok = false
	}
	return ok
}

// streams reads what is behind STREAMS: keys, and as many IDs.
func (r *Request) streams(s *streamRead, args [][]byte, grouped bool) bool {
	switch {
	case len(args)%2 == 1:
		r.Fail(errUnbalanced)
		return false
	case grouped && s.group == nil:
		r.Fail("ERR Missing GROUP option for XREADGROUP")
		return false
	}
	s.keys, s.from = args[:len(args)/2], args[len(args)/2:]
	for i, from := range s.from {
		_, isID := parseID(from, 0)
		switch {
		case grouped && string(from) == "$":
			s.fault = errDollar
		case !grouped && string(from) == ">":
			s.fault = errOnlyNew
		case !isID && string(from) != "$" && string(from) != ">":
			s.fault = errStreamID
		default:
			continue
		}
		s.keys, s.from = s.keys[:i+1], s.from[:i+1]
		break
	}
	return true
}

// XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]
func xRead(r *Request) {
	if s, ok := r.streamRead(false); ok {
		r.runStreams(&s)
	}
}

// XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]
func xReadGroup(r *Request) {
	if s, ok := r.streamRead(true); ok {
		r.runStreams(&s)
	}
}

// runStreams reads, and waits when nothing is there and that is asked for. What is pending for a consumer is not waited for.
// Consumers of groups are served in the order in which they came.
func (r *Request) runStreams(s *streamRead) {
	if !r.prepareStreams(s) {
		return
	}
	pending := s.group != nil && slices.ContainsFunc(s.from, func(from []byte) bool { return string(from) != ">" })
	if s.block < 0 || pending {
		if !r.readStreams(s) {
			r.Reply.NullArray()
		}
		return
	}
	waits := false
	r.Await(object.Stream, s.keys, time.Duration(s.block)*time.Millisecond, s.group != nil, func() bool {
		mark := len(r.Reply.Buf)
		replied := r.readStreams(s)
		if replied && waits && s.passes(r.Reply.Buf[mark:]) {
			r.Reply.Buf = r.Reply.Buf[:mark]
			replied = false
		}
		waits = true
		return replied
	})
}

// passes reports whether a reply is an error that is none of a client that waits already: the cluster is not there at the moment;
// or a key is of another type, which may be over before there is something to read. Without its group a consumer waits in vain.
func (s *streamRead) passes(reply []byte) bool {
	return bytes.HasPrefix(reply, []byte("-CLUSTERDOWN")) || s.group == nil && bytes.HasPrefix(reply, []byte("-WRONGTYPE"))
}

// prepareStreams looks at the keys before any of them is read, where that is needed: for the last ID in place of $, and so that
// an error of one key comes before entries of another are delivered. Without ok the error is the reply.
func (r *Request) prepareStreams(s *streamRead) bool {
	isDollar := func(i int) bool { return string(s.from[i]) == "$" }
	needed := s.fault != "" || len(s.keys) > 1
	for i := range s.from {
		needed = needed || isDollar(i)
	}
	if !needed {
		return true
	}
	looks := make([]*cluster.Command, len(s.keys))
	for i, key := range s.keys {
		args := [][]byte{[]byte("kindred.xlast"), key}
		if s.group != nil {
			args = append(args, s.group)
		}
		looks[i] = r.Command(args...)
	}
	if !r.executeAll(looks) {
		return false
	}
	if s.fault != "" {
		r.Fail(s.fault)
		return false
	}
	for i := range s.from {
		if isDollar(i) {
			last, _, ok := bulkOf(looks[i].Reply)
			if !ok {
				r.Fail(errBadPart)
				return false
			}
			s.from[i] = last
		}
	}
	return true
}

// streamCommand reads one of the keys.
func (r *Request) streamCommand(s *streamRead, i int) *cluster.Command {
	args := [][]byte{[]byte("kindred.xread"), s.keys[i], s.from[i], s.count}
	if s.group != nil {
		noAck := []byte("0")
		if s.noAck {
			noAck = []byte("1")
		}
		args = [][]byte{[]byte("kindred.xreadgroup"), s.keys[i], s.group, s.consumer, s.from[i], s.count, noAck}
	}
	c := r.Command(args...)
	c.Proto = r.Reply.Proto
	return c
}

// readStreams replies with what the keys have, or an error. It reports false, without a reply, when none has anything.
func (r *Request) readStreams(s *streamRead) bool {
	commands := make([]*cluster.Command, len(s.keys))
	for i := range s.keys {
		commands[i] = r.streamCommand(s, i)
	}
	if !r.executeAll(commands) {
		return true
	}
	var some []int
	for i, c := range commands {
		if !isNull(c.Reply) {
			some = append(some, i)
		}
	}
	if len(some) == 0 {
		return false
	}
	isMap := r.Reply.Proto == 3
	if isMap {
		r.Reply.Map(len(some))
	} else {
		r.Reply.Array(len(some))
	}
	for _, i := range some {
		if !isMap {
			r.Reply.Array(2)
		}
		r.Reply.Bulk(s.keys[i])
		r.Reply.Raw(commands[i].Reply)
	}
	return true
}

// kindred.xlast key [group] → the last ID of a stream, 0-0 of one that does not exist
func xLast(c *Call) {
	o, ok := c.read(c.Key(1), object.Stream)
	switch {
	case !ok:
	case len(c.Args) > 3:
		c.Fail(errSyntax)
	case len(c.Args) == 3 && kind.GroupOf(o, c.Args[2]) == nil:
		c.noGroupToRead(c.Args[1], c.Args[2])
	default:
		c.Reply.BulkString(kind.HeadOf(o).Last.String())
	}
}

func (c *Call) noGroupToRead(key, group []byte) {
	c.Fail("NOGROUP No such key '" + string(key) + "' or consumer group '" + string(group) + "' in XREADGROUP with GROUP option")
}

// kindred.xread key id count → the entries behind the ID, null for none
func xReadOne(c *Call) {
	after, ok := c.id(2)
	if !ok {
		return
	}
	limit, ok := c.Int(3)
	if !ok {
		return
	}
	o, ok := c.read(c.Key(1), object.Stream)
	if !ok {
		return
	}
	from, more := after.Next()
	// The last ID tells that there is nothing new, without a look at the entries.
	if o == nil || !more || !after.Before(kind.HeadOf(o).Last) {
		c.Reply.NullArray()
		return
	}
	if limit == 0 {
		limit = -1
	}
	mark := len(c.Reply.Buf)
	c.entries(kind.StreamEntries(o, from, kind.MaxStreamID), limit)
	if string(c.Reply.Buf[mark:]) == "*0\r\n" {
		c.Reply.Buf = c.Reply.Buf[:mark]
		c.Reply.NullArray()
	}
}

// seenInterval is how often it is noted, in milliseconds, that a consumer has asked, when it is given nothing. Else
// consumers that poll would write with each command.
const seenInterval = 1000

// kindred.xreadgroup key group consumer id|> count noack → the entries, null for no new ones
func xReadGroupOne(c *Call) {
	key := c.Key(1)
	o, ok := c.look(key, object.Stream)
	if !ok {
		return
	}
	group, name := c.Args[2], c.Args[3]
	g := kind.GroupOf(o, group)
	if g == nil {
		c.noGroupToRead(c.Args[1], group)
		return
	}
	limit, ok := c.Int(5)
	if !ok {
		return
	}
	if string(c.Args[4]) == ">" {
		c.deliver(key, o, g, limit, string(c.Args[6]) == "1")
		return
	}
	after, ok := c.id(4)
	if !ok {
		return
	}
	c.noteConsumer(key, o, group, name, false)
	c.deliverAgain(key, o, after, limit)
}

// noteConsumer notes that a consumer has asked, and whether it is given something.
func (c *Call) noteConsumer(key object.Key, o *object.Object, group, name []byte, given bool) {
	now := c.Tx.Now()
	consumer := kind.ConsumerOf(o, group, name)
	switch {
	case consumer == nil:
		consumer = &kind.Consumer{Active: -1}
	case !given && now-consumer.Seen < seenInterval:
		return
	}
	if consumer.Seen = now; given {
		consumer.Active = now
	}
	kind.PutConsumer(c.Tx.Edit(key), group, name, *consumer)
}

// deliver gives a consumer what its group was not given yet.
func (c *Call) deliver(key object.Key, o *object.Object, g *kind.StreamGroup, limit int64, noAck bool) {
	group, name := c.Args[2], c.Args[3]
	var d *kind.Delivery
	n, found := c.gather(func(add func()) {
		d = kind.Deliver(o, g, limit, func(entry *kind.StreamEntry) { c.entry(entry, add) })
	})
	c.noteConsumer(key, o, group, name, n > 0)
	if d.Changed() {
		d.Put(c.Tx.Edit(key), group)
	}
	if n == 0 {
		c.Reply.NullArray()
		return
	}
	if !noAck {
		e := c.Tx.Edit(key)
		for _, id := range d.IDs {
			kind.PutPending(e, group, id, kind.Pending{Consumer: string(name), Delivered: c.Tx.Now(), Deliveries: 1})
		}
	}
	c.Reply.Array(n)
	c.Reply.Raw(found)
}

// deliverAgain gives a consumer what is pending for it behind an ID. An entry that is no longer there is null.
func (c *Call) deliverAgain(key object.Key, o *object.Object, after kind.StreamID, limit int64) {
	group, name := c.Args[2], string(c.Args[3])
	from, more := after.Next()
	n, found := c.gather(func(add func()) {
		if !more {
			return
		}
		for id, p := range kind.PendingEntries(o, group, from) {
			if p.Consumer != name {
				continue
			}
			entry, ok := kind.EntryOf(o, id)
			if ok {
				c.entry(&entry, add)
				p.Delivered, p.Deliveries = c.Tx.Now(), p.Deliveries+1
				kind.PutPending(c.Tx.Edit(key), group, id, *p)
			} else {
				c.Reply.Array(2)
				c.Reply.BulkString(id.String())
				c.Reply.NullArray()
				add()
			}
			if limit--; limit == 0 {
				return
			}
		}
	})
	c.Reply.Array(n)
	c.Reply.Raw(found)
}
