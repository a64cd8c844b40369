package command

import (
	"bytes"
	"math"
	"slices"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// Combining sets of one slot is one keyed command, and sees all of them at one time. Of several slots the sets are read one by
// one, each under its own quorum, by the node that the client is connected to; a result is stored by kindred.members.

// members is a set that is read for a combination.
type members interface {
	size() int64
	has(member string) bool
	each(visit func(member string) bool)
}

// combination yields the members of a combination of sets, each once.
type combination func(sets []members, yield func(member string) bool)

func union(sets []members, yield func(string) bool) {
	for i, s := range sets {
		stopped := false
		s.each(func(member string) bool {
			before := func(o members) bool { return o.has(member) }
			stopped = !slices.ContainsFunc(sets[:i], before) && !yield(member)
			return !stopped
		})
		if stopped {
			return
		}
	}
}

func intersection(sets []members, yield func(string) bool) {
	sets = slices.Clone(sets)
	slices.SortFunc(sets, func(a, b members) int { return int(min(max(a.size()-b.size(), -1), 1)) })
	sets[0].each(func(member string) bool {
		lacks := func(o members) bool { return !o.has(member) }
		return slices.ContainsFunc(sets[1:], lacks) || yield(member)
	})
}

func difference(sets []members, yield func(string) bool) {
	sets[0].each(func(member string) bool {
		has := func(o members) bool { return o.has(member) }
		return slices.ContainsFunc(sets[1:], has) || yield(member)
	})
}

// heldSet is a set in the store, nil for one that does not exist.
type heldSet struct{ *object.Object }

func (s heldSet) size() int64            { return count(s.Object, object.Set) }
func (s heldSet) has(member string) bool { return kind.HasMember(s.Object, []byte(member)) }

func (s heldSet) each(visit func(string) bool) {
	if s.Object == nil {
		return
	}
	for el := range kind.Elements(s.Object, object.Set, 0) {
		if !visit(el.Name) {
			return
		}
	}
}

// readSet is a set that was read from its coordinator.
type readSet map[string]struct{}

func (s readSet) size() int64 { return int64(len(s)) }

func (s readSet) has(member string) bool {
	_, ok := s[member]
	return ok
}

func (s readSet) each(visit func(string) bool) {
	for member := range s {
		if !visit(member) {
			return
		}
	}
}

// sets are those of the keys from argument i on. Without ok the error is the reply.
func (c *Call) sets(i int) (out []members, ok bool) {
	for ; i < len(c.Args); i++ {
		o, ok := c.read(c.Key(i), object.Set)
		if !ok {
			return nil, false
		}
		out = append(out, heldSet{o})
	}
	return out, true
}

// SUNION, SINTER and SDIFF key [key ...] in one slot.
func combined(how combination) func(*Call) {
	return func(c *Call) {
		sets, ok := c.sets(1)
		if !ok {
			return
		}
		c.list(-1, c.Reply.Set, func(add func()) {
			how(sets, func(member string) bool {
				c.Reply.BulkString(member)
				add()
				return true
			})
		})
	}
}

// storeMode: a destination that is among the sources is another set when the command runs again.
func storeMode(args [][]byte) cluster.Mode {
	if slices.ContainsFunc(args[2:], func(key []byte) bool { return bytes.Equal(key, args[1]) }) {
		return changes
	}
	return repeatable
}

// SUNIONSTORE, SINTERSTORE and SDIFFSTORE destination key [key ...] in one slot.
func combinedInto(how combination) func(*Call) {
	return func(c *Call) {
		sets, ok := c.sets(2)
		if !ok {
			return
		}
		var result [][]byte
		how(sets, func(member string) bool {
			result = append(result, []byte(member))
			return true
		})
		c.store(c.Key(1), result)
	}
}

// store makes a key the set of some members, or removes it when there are none, and replies with their number.
func (c *Call) store(key object.Key, result [][]byte) {
	if len(result) > 0 || c.Tx.Object(key) != nil || c.Tx.Expired(key) {
		e := c.Tx.Edit(key)
		kind.Clear(e)
		for _, member := range result {
			kind.AddMember(e, member)
		}
	}
	c.Reply.Int(int64(len(result)))
}

// kindred.members key [member ...]
func storeMembers(c *Call) {
	result := make([][]byte, len(c.Args)-2)
	for i := range result {
		result[i] = []byte(string(c.Args[2+i]))
	}
	c.store(c.Key(1), result)
}

// readSets reads sets wherever they are. Without ok the error is the reply.
func (r *Request) readSets(keys [][]byte) (out []members, ok bool) {
	commands := make([]*cluster.Command, len(keys))
	for i, key := range keys {
		commands[i] = r.Command([]byte("smembers"), key)
	}
	if !r.executeAll(commands) {
		return nil, false
	}
	for _, c := range commands {
		n, rest, ok := header(c.Reply)
		set := make(readSet, max(0, min(n, len(rest))))
		for range n {
			var member []byte
			if member, rest, ok = bulkOf(rest); !ok {
				break
			}
			set[string(member)] = struct{}{}
		}
		if !ok {
			r.Fail(errBadPart)
			return nil, false
		}
		out = append(out, set)
	}
	return out, true
}

func combinedAcross(how combination) func(*Request) {
	return func(r *Request) {
		sets, ok := r.readSets(r.Args[1:])
		if !ok {
			return
		}
		var result []string
		how(sets, func(member string) bool {
			result = append(result, member)
			return true
		})
		r.Reply.Set(len(result))
		for _, member := range result {
			r.Reply.BulkString(member)
		}
	}
}

func combinedIntoAcross(how combination) func(*Request) {
	return func(r *Request) {
		sets, ok := r.readSets(r.Args[2:])
		if !ok {
			return
		}
		args := [][]byte{[]byte("kindred.members"), r.Args[1]}
		how(sets, func(member string) bool {
			args = append(args, []byte(member))
			return true
		})
		write := r.Command(args...)
		if r.executeAll([]*cluster.Command{write}) {
			r.Reply.Raw(write.Reply)
		}
	}
}

// SINTERCARD numkeys key [key ...] [LIMIT limit]
func sInterCard(r *Request) {
	keys, rest, ok := r.numKeys(1)
	if !ok {
		return
	}
	limit := int64(math.MaxInt64)
	for ; len(rest) > 0; rest = rest[2:] {
		if len(rest) < 2 || !equalFold(rest[0], "limit") {
			r.Fail(errSyntax)
			return
		}
		n, ok := parseInt(rest[1])
		if !ok || n < 0 {
			r.Fail("ERR LIMIT can't be negative")
			return
		}
		if limit = n; n == 0 {
			limit = math.MaxInt64
		}
	}
	sets, ok := r.readSets(keys)
	if !ok {
		return
	}
	n := int64(0)
	intersection(sets, func(string) bool {
		n++
		return n < limit
	})
	r.Reply.Int(n)
}

// numKeys are the keys whose number is argument i, and what is behind them. Without ok the error is the reply.
func (r *Request) numKeys(i int) (keys, rest [][]byte, ok bool) {
	n, ok := parseInt(r.Args[i])
	behind := r.Args[i+1:]
	switch {
	case !ok || n < 1:
		r.Fail("ERR numkeys should be greater than 0")
	case n > int64(len(behind)):
		r.Fail("ERR Number of keys can't be greater than number of args")
	default:
		return behind[:n], behind[n:], true
	}
	return nil, nil, false
}
