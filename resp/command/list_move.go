package command

import (
	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// LMOVE and RPOPLPUSH within a slot are one keyed command. Across slots they are three:
//
//	kindred.end source side            the element at an end, and its spot
//	kindred.push target side element   adds it, and tells the spot that it has there
//	kindred.take source spot           removes it, and tells whether it was still there
//
// So others may see it in both lists, it is in both when the last step fails, and it is never in none. Where somebody else has
// taken it meanwhile it is taken back from the target, and the next one moves.

// maxMoves bounds how often a move begins anew.
const maxMoves = 64

const errContended = "ERR the list was taken from by others again and again, nothing was moved"

// ends reads which end a command takes from and which it adds to. Without ok the arguments are none.
func ends(args [][]byte) (from, to kind.Side, ok bool) {
	if len(args) == 3 { // RPOPLPUSH
		return kind.Right, kind.Left, true
	}
	from, ok = sideOf(args[3])
	if ok {
		to, ok = sideOf(args[4])
	}
	return from, to, ok
}

func sideOf(arg []byte) (side kind.Side, ok bool) {
	switch {
	case equalFold(arg, "left"):
		return kind.Left, true
	case equalFold(arg, "right"):
		return kind.Right, true
	default:
		return kind.Left, false
	}
}

// sideWord is what sideOf reads.
func sideWord(side kind.Side) []byte {
	if side == kind.Right {
		return []byte("right")
	}
	return []byte("left")
}

// LMOVE source destination LEFT|RIGHT LEFT|RIGHT and RPOPLPUSH source destination, both keys in one slot: the element.
func lMove(c *Call) {
	from, to, ok := ends(c.Args)
	if !ok {
		c.Fail(errSyntax)
		return
	}
	source, target := c.Key(1), c.Key(2)
	o, ok := c.look(source, object.List)
	if !ok {
		return
	}
	if o == nil {
		c.Reply.Null()
		return
	}
	if _, ok = c.look(target, object.List); !ok {
		return
	}
	e := c.Tx.Edit(source)
	for _, value := range kind.Pop(e, from, 1) {
		if source == target { // its deadline stays, though it may be empty for a moment
			kind.Push(e, to, value)
		} else {
			kind.End(e)
			kind.Push(c.begin(target), to, value)
		}
		c.Reply.Bulk(value)
	}
}

// LMOVE and RPOPLPUSH with keys in two slots.
func lMoveAcross(r *Request) {
	from, to, ok := ends(r.Args)
	if !ok {
		r.Fail(errSyntax)
		return
	}
	for range maxMoves {
		value, ok, done := r.moveOnce(sideWord(from), sideWord(to))
		switch {
		case done && !ok: // the error is the reply
			return
		case done && value == nil:
			r.Reply.Null()
			return
		case done:
			r.Reply.Bulk(value)
			return
		}
	}
	r.Fail(errContended)
}

// moveOnce tries to move an element, and returns it, nil when there is none. It is not done when somebody else has taken
// the element; when it is done and not ok, the error is the reply.
func (r *Request) moveOnce(from, to []byte) (value []byte, ok, done bool) {
	source, target := r.Args[1], r.Args[2]
	end := r.Command([]byte("kindred.end"), source, from)
	if !r.executeAll([]*cluster.Command{end}) {
		return nil, false, true
	}
	if n, _, _ := header(end.Reply); n < 0 {
		return nil, true, true
	}
	_, rest, _ := header(end.Reply)
	spot, rest, _ := bulkOf(rest)
	value, _, ok = bulkOf(rest)
	if !ok {
		r.Fail(errBadPart)
		return nil, false, true
	}
	push := r.Command([]byte("kindred.push"), target, to, value)
	take := r.Command([]byte("kindred.take"), source, spot)
	if !r.executeAll([]*cluster.Command{push}) || !r.executeAll([]*cluster.Command{take}) {
		return nil, false, true
	}
	if string(take.Reply) != ":0\r\n" {
		return value, true, true
	}
	added, _, ok := bulkOf(push.Reply)
	if !ok {
		r.Fail(errBadPart)
		return nil, false, true
	}
	back := r.Command([]byte("kindred.take"), target, added)
	if !r.executeAll([]*cluster.Command{back}) {
		return nil, false, true
	}
	// Who has taken it from the target as well has it from here.
	return value, true, string(back.Reply) == ":0\r\n"
}

// kindred.end key LEFT|RIGHT → [spot, element], or null
func endOfList(c *Call) {
	side, ok := sideOf(c.Args[2])
	if !ok {
		c.Fail(errSyntax)
		return
	}
	o, ok := c.read(c.Key(1), object.List)
	if !ok {
		return
	}
	for it := range kind.Items(o, side, "") {
		c.Reply.Array(2)
		c.Reply.BulkString(string(it.Spot))
		c.Reply.Bulk(it.Value())
		return
	}
	c.Reply.NullArray()
}

// kindred.push key LEFT|RIGHT element → spot
func pushForMove(c *Call) {
	side, ok := sideOf(c.Args[2])
	if !ok {
		c.Fail(errSyntax)
		return
	}
	key := c.Key(1)
	if _, ok := c.look(key, object.List); ok {
		spot := kind.Push(c.begin(key), side, c.Args[3])
		c.Reply.BulkString(string(spot))
	}
}

// kindred.take key spot → 1, or 0 when nothing is there
func takeFromList(c *Call) {
	key := c.Key(1)
	o, ok := c.look(key, object.List)
	if !ok {
		return
	}
	there := kind.HasItem(o, kind.Spot(c.Args[2]))
	if there {
		kind.RemoveItem(c.Tx.Edit(key), kind.Spot(c.Args[2]))
		c.end(key)
	}
	c.truth(there)
}
