package sim

import (
	"bytes"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// witness sees every command run, at whichever coordinator, and notes what it changed and what it knew. It wraps the
// product's runner, so it sees objects as the command does and takes nobody's word for what a context covers.
type witness struct {
	start time.Time

	mu      sync.Mutex // guards the fields below
	changes map[string][]*change
	byOp    map[int][]*change
	tokens  map[string][]version
}

func newWitness() *witness {
	return &witness{
		start: time.Now(), changes: map[string][]*change{}, byOp: map[int][]*change{}, tokens: map[string][]version{},
	}
}

// A client's command travels as "sim", its number, and the command itself: coordinators then tell for whom they run it.
const (
	envelope     = "sim"
	envelopeArgs = 2
)

// Commands of the simulation's own, on members of a set as the engine has them.
const (
	cmdAdd    = "sim.add"    // key member ...
	cmdRemove = "sim.remove" // key member ...
	cmdSee    = "sim.see"    // key → context token
)

// runner is the runner of one run of a node.
type runner struct {
	w       *witness
	run     int
	product cluster.Runner
}

// Run runs a command and notes it.
func (r runner) Run(tx *engine.Tx, c *cluster.Command) {
	id, inner := 0, *c
	if string(c.Args[0]) == envelope {
		id, _ = strconv.Atoi(string(c.Args[1]))
		inner.Args = c.Args[envelopeArgs:]
		at := keyAt(len(inner.Args), string(inner.Args[0]))
		inner.FirstKey, inner.LastKey, inner.Step = at, at, 1
	}
	key := inner.Key(inner.FirstKey)
	before := tx.Raw(key)
	switch string(inner.Args[0]) {
	case cmdAdd:
		e := tx.Edit(key)
		for _, member := range inner.Args[2:] {
			e.Put(memberCell(member), []byte(strconv.Itoa(id)))
		}
		inner.Reply = append(inner.Reply, "+OK\r\n"...)
	case cmdRemove:
		removeMembers(tx, key, inner.Args[2:])
		inner.Reply = append(inner.Reply, "+OK\r\n"...)
	case cmdSee:
		var t object.Token
		if before != nil {
			t.Context = before.Context
		}
		inner.Reply = append(inner.Reply, "+"+object.EncodeToken(key, t)+"\r\n"...)
	default:
		r.product.Run(tx, &inner)
	}
	c.Reply = inner.Reply
	r.note(tx, id, &inner, key, before)
}

func memberCell(member []byte) object.CellName {
	return object.CellName(append([]byte{byte(object.Set)}, member...))
}

func removeMembers(tx *engine.Tx, key object.Key, members [][]byte) {
	for _, member := range members {
		if o := tx.Object(key); o != nil && o.Cell(memberCell(member)) != nil {
			tx.Edit(key).Remove(memberCell(member))
		}
	}
}

func (r runner) note(tx *engine.Tx, id int, c *cluster.Command, key object.Key, before *object.Object) {
	w := r.w
	ch := &change{opID: id, name: string(c.Args[0]), at: time.Since(w.start), run: r.run, atFallback: tx.StandsIn()}
	if before != nil {
		ch.base = before.Context
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if edit := tx.Edited(key); edit != nil {
		ch.compare(before, edit)
		if token := tokenOf(c.Args); token != "" {
			ch.killed = append(ch.killed, w.tokens[token]...)
		}
	} else if token := tokenIn(c.Reply); token != "" && c.Mode&cluster.Write == 0 {
		w.tokens[token] = versionsOf(before)
	}
	if ch.dot.Time != 0 {
		w.changes[key.Name] = append(w.changes[key.Name], ch)
	}
	if id != 0 {
		w.byOp[id] = append(w.byOp[id], ch)
	}
}

// compare finds what the edit wrote and what it removed of the object as it was before.
func (c *change) compare(before *object.Object, edit *object.Edit) {
	c.dot, c.wrote = edit.Dot(), map[version]uint64{}
	after := edit.Object()
	c.buries = after.Tombstone()
	for cell := range after.From("") {
		for _, v := range cell.Versions {
			if v.Dot == c.dot {
				c.wrote[version{cell.Name, v.Dot}] = xxh3.Hash(v.Payload)
			}
		}
	}
	for _, v := range versionsOf(before) {
		if !alive(after, v) {
			c.killed = append(c.killed, v)
		}
	}
}

func versionsOf(o *object.Object) []version {
	if o == nil {
		return nil
	}
	var out []version
	for cell := range o.From("") {
		for _, v := range cell.Versions {
			out = append(out, version{cell.Name, v.Dot})
		}
	}
	return out
}

func alive(o *object.Object, v version) bool {
	cell := o.Cell(v.cell)
	if cell == nil {
		return false
	}
	for i := range cell.Versions {
		if cell.Versions[i].Dot == v.dot {
			return true
		}
	}
	return false
}

// tokenOf is the context token that a write carries.
func tokenOf(args [][]byte) string {
	switch name := string(args[0]); {
	case name == "resolve":
		return string(args[2])
	case name == "set" && len(args) > 4 && string(args[3]) == "context":
		return string(args[4])
	}
	return ""
}

// tokenIn is the context token in the reply of sim.see or siblings.
func tokenIn(reply []byte) string {
	lines := bytes.SplitN(reply, []byte("\r\n"), 4)
	switch {
	case len(lines) >= 2 && bytes.HasPrefix(reply, []byte("+")):
		return string(lines[0][1:])
	case len(lines) == 4 && bytes.HasPrefix(reply, []byte("*")):
		return string(lines[2])
	}
	return ""
}

// history joins what was seen with what the clients know.
func (w *witness) history(ops []*op) *history {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := &history{ops: ops, changes: map[string][]*change{}, tokens: w.tokens}
	for key, changes := range w.changes {
		h.changes[key] = slices.Clone(changes)
	}
	for _, o := range ops {
		o.changes = slices.Clone(w.byOp[o.id])
		for _, c := range o.changes {
			c.op, c.amount = o, o.amount
		}
		if len(o.changes) == 1 {
			o.run, o.atFallback = o.changes[0].run, o.changes[0].atFallback
		}
	}
	return h
}
