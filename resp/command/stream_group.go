package command

import (
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

const errGroupKey = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM " +
	"option to create an empty stream automatically."

// groupOptions are those of XGROUP CREATE and SETID.
type groupOptions struct {
	makes bool
	read  int64
}

// groupOptions reads what is behind the ID. Without ok the error is the reply.
func (c *Call) groupOptions(creates bool) (o groupOptions, ok bool) {
	o.read = kind.EntriesUnknown
	for i := 5; i < len(c.Args); i++ {
		switch {
		case creates && c.Is(i, "mkstream"):
			o.makes = true
		case c.Is(i, "entriesread") && i+1 < len(c.Args):
			i++
			if o.read, ok = c.Int(i); !ok {
				return o, false
			}
			if o.read < kind.EntriesUnknown {
				c.Fail("ERR value for ENTRIESREAD must be positive or -1")
				return o, false
			}
		default:
			c.FailSubcommand()
			return o, false
		}
	}
	return o, true
}

// groupStream is the stream of a subcommand of XGROUP, which must exist. Without ok the error is the reply.
func (c *Call) groupStream() (o *object.Object, ok bool) {
	o, ok = c.look(c.Key(2), object.Stream)
	if ok && o == nil {
		c.Fail(errGroupKey)
		return nil, false
	}
	return o, ok
}

// ofGroup is groupStream for a subcommand whose group must exist.
func (c *Call) ofGroup() (o *object.Object, ok bool) {
	if o, ok = c.groupStream(); ok && kind.GroupOf(o, c.Args[3]) == nil {
		c.noGroup(c.Args[2], c.Args[3])
		return nil, false
	}
	return o, ok
}

func (c *Call) noGroup(key, group []byte) {
	c.Fail("NOGROUP No such consumer group '" + string(group) + "' for key name '" + string(key) + "'")
}

// groupID reads the ID that a group is set to, by one of the ways to read IDs. Without ok the error is the reply.
func (c *Call) groupID(o *object.Object, parse func([]byte, uint64) (kind.StreamID, bool)) (kind.StreamID, bool) {
	if string(c.Args[4]) == "$" {
		return kind.HeadOf(o).Last, true
	}
	id, ok := parse(c.Args[4], 0)
	if !ok {
		c.Fail(errStreamID)
	}
	return id, ok
}

// XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD count]
func xGroupCreate(c *Call) {
	options, ok := c.groupOptions(true)
	if !ok {
		return
	}
	key := c.Key(2)
	o, ok := c.look(key, object.Stream)
	if !ok {
		return
	}
	switch {
	case o == nil && !options.makes:
		c.Fail(errGroupKey)
		return
	case len(c.Args) > 8: // some option twice
		c.FailSubcommand()
		return
	}
	id, ok := c.groupID(o, parseID)
	if !ok {
		return
	}
	if kind.GroupOf(o, c.Args[3]) != nil {
		c.Fail("BUSYGROUP Consumer Group name already exists")
		return
	}
	e := c.Tx.Edit(key)
	kind.MakeStream(e)
	kind.SetGroup(e, c.Args[3], id, options.read)
	c.Reply.SimpleString("OK")
}

// XGROUP SETID key group id|$ [ENTRIESREAD count]
func xGroupSetID(c *Call) {
	options, ok := c.groupOptions(false)
	if !ok {
		return
	}
	o, ok := c.ofGroup()
	if !ok {
		return
	}
	if len(c.Args) > 7 {
		c.FailSubcommand()
		return
	}
	id, ok := c.groupID(o, parseBound)
	if !ok {
		return
	}
	kind.SetGroup(c.Tx.Edit(c.Key(2)), c.Args[3], id, options.read)
	c.Reply.SimpleString("OK")
}

// XGROUP DESTROY key group
func xGroupDestroy(c *Call) {
	o, ok := c.groupStream()
	if !ok {
		return
	}
	there := kind.GroupOf(o, c.Args[3]) != nil
	if there {
		kind.DestroyGroup(c.Tx.Edit(c.Key(2)), o, c.Args[3])
	}
	c.truth(there)
}

// XGROUP CREATECONSUMER key group consumer
func xGroupCreateConsumer(c *Call) {
	o, ok := c.ofGroup()
	if !ok {
		return
	}
	is := kind.ConsumerOf(o, c.Args[3], c.Args[4]) != nil
	if !is {
		c.noteConsumer(c.Key(2), o, c.Args[3], c.Args[4], false)
	}
	c.truth(!is)
}

// XGROUP DELCONSUMER key group consumer: the number of entries that were pending for it, which are pending no longer.
func xGroupDelConsumer(c *Call) {
	o, ok := c.ofGroup()
	if !ok {
		return
	}
	pending := int64(0)
	if kind.ConsumerOf(o, c.Args[3], c.Args[4]) != nil {
		pending = kind.RemoveConsumer(c.Tx.Edit(c.Key(2)), o, c.Args[3], c.Args[4])
	}
	c.Reply.Int(pending)
}
