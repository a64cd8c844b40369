package command

import (
	"math"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// SADD key member [member ...]: the number of members that are new. One that is there is added again, so that it outlives
// a removal on another node that does not know of this.
func sAdd(c *Call) {
	key := c.Key(1)
	if _, ok := c.look(key, object.Set); !ok {
		return
	}
	e := c.begin(key)
	added := int64(0)
	for _, member := range c.Args[2:] {
		if kind.AddMember(e, member) {
			added++
		}
	}
	c.Reply.Int(added)
}

// SREM key member [member ...]: the number of members that were there.
func sRem(c *Call) {
	key := c.Key(1)
	o, ok := c.look(key, object.Set)
	if !ok {
		return
	}
	removed := int64(0)
	for _, member := range c.Args[2:] {
		// The edit begins with the first member that is there: it must not be empty.
		if kind.HasMember(o, member) && kind.RemoveMember(c.Tx.Edit(key), member) {
			removed++
		}
	}
	c.end(key)
	c.Reply.Int(removed)
}

// SCARD key
func sCard(c *Call) {
	if o, ok := c.read(c.Key(1), object.Set); ok {
		c.Reply.Int(count(o, object.Set))
	}
}

// SISMEMBER key member
func sIsMember(c *Call) {
	if o, ok := c.read(c.Key(1), object.Set); ok {
		c.truth(kind.HasMember(o, c.Args[2]))
	}
}

// SMISMEMBER key member [member ...]
func sMIsMember(c *Call) {
	o, ok := c.read(c.Key(1), object.Set)
	if !ok {
		return
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		c.truth(kind.HasMember(o, member))
	}
}

// SMEMBERS key
func sMembers(c *Call) {
	o, ok := c.read(c.Key(1), object.Set)
	if !ok {
		return
	}
	c.list(exactly(o, object.Set), c.Reply.Set, func(add func()) {
		if o == nil {
			return
		}
		for el := range kind.All(o, object.Set) {
			c.Reply.BulkString(el.Name)
			add()
		}
	})
}

// SSCAN key cursor [MATCH pattern] [COUNT count]
func sScan(c *Call) {
	c.scanOf(object.Set, 1, func(_ *object.Object, el *kind.Element) { c.Reply.BulkString(el.Name) })
}

// SRANDMEMBER key [count]
func sRandMember(c *Call) {
	n, alone := int64(1), len(c.Args) == 2
	switch ok := true; {
	case len(c.Args) > 3:
		c.Fail(errSyntax)
		return
	case !alone:
		if n, ok = c.randomCount(2); !ok {
			return
		}
	}
	o, ok := c.read(c.Key(1), object.Set)
	if !ok {
		return
	}
	if alone && o == nil {
		c.Reply.Null()
		return
	}
	drawn, found := c.gather(func(add func()) {
		if o == nil {
			return
		}
		for el := range kind.Draw(o, object.Set, max(n, -n), n < 0) {
			c.Reply.BulkString(el.Name)
			add()
		}
	})
	if !alone {
		c.Reply.Array(drawn)
	}
	c.Reply.Raw(found)
}

// SPOP key [count]
func sPop(c *Call) {
	n, alone, ok := c.popCount()
	if !ok {
		return
	}
	key := c.Key(1)
	o, ok := c.read(key, object.Set)
	if !ok {
		return
	}
	if alone && o == nil {
		c.Reply.Null()
		return
	}
	popped := c.pop(key, o, n)
	if !alone {
		c.Reply.Set(len(popped))
	}
	for _, member := range popped {
		c.Reply.BulkString(member)
	}
}

// pop removes n random members of a set, all when there are no more.
func (c *Call) pop(key object.Key, o *object.Object, n int64) (popped []string) {
	if o == nil || n == 0 {
		return nil
	}
	for el := range kind.Draw(o, object.Set, min(n, math.MaxInt32), false) {
		popped = append(popped, string([]byte(el.Name)))
	}
	e := c.Tx.Edit(key)
	for _, member := range popped {
		kind.RemoveMember(e, []byte(member))
	}
	kind.End(e)
	return popped
}

// SMOVE source destination member, both keys in one slot.
func sMove(c *Call) {
	from, to, member := c.Key(1), c.Key(2), c.Args[3]
	source, ok := c.look(from, object.Set)
	if !ok {
		return
	}
	if source == nil {
		c.Reply.Int(0)
		return
	}
	if _, ok = c.look(to, object.Set); !ok {
		return
	}
	there := kind.HasMember(source, member)
	if there && from != to {
		kind.RemoveMember(c.Tx.Edit(from), member)
		c.end(from)
		kind.AddMember(c.begin(to), member)
	}
	c.truth(there)
}

// SMOVE with keys in two slots. The member is added before it is removed, so others may see it in both sets, and it is in
// both when the second step fails.
func sMoveAcross(r *Request) {
	member := r.Args[3]
	has := r.Command([]byte("sismember"), r.Args[1], member)
	if !r.executeAll([]*cluster.Command{has}) {
		return
	}
	if string(has.Reply) == ":0\r\n" {
		// Redis looks at the type of the destination unless there is no source.
		exists, check := r.Command([]byte("exists"), r.Args[1]), r.Command([]byte("scard"), r.Args[2])
		r.Execute(exists, check)
		if string(exists.Reply) == ":0\r\n" || check.Err == nil && check.Reply[0] != '-' {
			r.Reply.Int(0)
		} else {
			sendReply(r.Reply, check)
		}
		return
	}
	add, remove := r.Command([]byte("sadd"), r.Args[2], member), r.Command([]byte("srem"), r.Args[1], member)
	if r.executeAll([]*cluster.Command{add}) && r.executeAll([]*cluster.Command{remove}) {
		r.Reply.Int(1)
	}
}
