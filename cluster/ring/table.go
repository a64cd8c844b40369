package ring

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/engine/object"
)

// Token is a position on the circle.
type Token uint64

// Table is the placement of every slot. It is immutable.
type Table struct {
	nodes   []Node // without removed ones, by id
	index   map[NodeID]int
	current placement
	next    placement  // like current when there is no change
	pending [][]NodeID // by slot: those of next that are not of current; nil when there is no change
	change  change
	version uint64
	id      uint64 // of the change
	// fallbacks are kept by slot when they are first asked for; nil when all nodes are primaries of everything.
	fallbacks []atomic.Pointer[[]NodeID]
}

// Build places the slots on the nodes, whatever their order. Every slot gets replicas primaries, or as many as there are
// nodes. Removed nodes are needed too: they tell whose tokens another took over, and which changes are done.
func Build(nodes []Node, vnodes, replicas int) *Table {
	t := &Table{index: map[NodeID]int{}}
	all := slices.Clone(nodes)
	slices.SortFunc(all, func(a, b Node) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for i := range all {
		all[i].Weight = max(1, all[i].Weight)
		all[i].Replaces = tokensOf(all, &all[i])
		if all[i].State != Removed {
			t.index[all[i].ID] = len(t.nodes)
			t.nodes = append(t.nodes, all[i])
		}
	}
	t.version = versionOf(all, vnodes, replicas)
	t.change = resolve(all)
	t.id = t.change.id(vnodes, replicas)
	t.current = place(t.change.before, vnodes, replicas)
	t.next = t.current
	if len(t.change.active) > 0 {
		t.next = place(t.change.after, vnodes, replicas)
		if t.change.settling {
			t.current, t.next = t.next, t.current
		}
		t.pending = make([][]NodeID, object.Slots)
		for slot := range t.pending {
			now := t.current.primaries(object.Slot(slot))
			for _, id := range t.next.primaries(object.Slot(slot)) {
				if !slices.Contains(now, id) {
					t.pending[slot] = append(t.pending[slot], id)
				}
			}
		}
	}
	if len(t.current.nodes) > t.current.n {
		t.fallbacks = make([]atomic.Pointer[[]NodeID], object.Slots)
	}
	return t
}

// versionOf hashes what the placement is a function of.
func versionOf(nodes []Node, vnodes, replicas int) uint64 {
	var b []byte
	b = binary.AppendUvarint(b, uint64(vnodes))
	b = binary.AppendUvarint(b, uint64(replicas))
	for _, n := range nodes {
		b = binary.AppendUvarint(b, uint64(n.Weight))
		b = append(b, byte(n.State), byte(n.Phase))
		b = binary.AppendUvarint(b, n.Change)
		b = binary.AppendUvarint(b, uint64(n.NextWeight))
		for _, text := range []string{n.Zone, n.NextZone, string(n.ID), string(n.Replaces)} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
	}
	return xxh3.Hash(b)
}

// Version is equal on all nodes that know the same records.
func (t *Table) Version() uint64 { return t.version }

// Nodes are all nodes that are not removed, by id. The slice must not be changed.
func (t *Table) Nodes() []Node { return t.nodes }

// Index is the position of a node in Nodes.
func (t *Table) Index(id NodeID) (int, bool) {
	i, ok := t.index[id]
	return i, ok
}

// Primaries are the replicas that a slot is read from, the coordinator of a healthy cluster first. The slice must not
// be changed.
func (t *Table) Primaries(slot object.Slot) []NodeID { return t.current.primaries(slot) }

// Pending are the nodes of Next that are not primaries now. The slice must not be changed.
func (t *Table) Pending(slot object.Slot) []NodeID {
	if t.pending == nil {
		return nil
	}
	return t.pending[slot]
}

// Next are those that a write must reach too while the ring changes: the primaries that the slot will have, or, while the
// change settles, those that it had. At rest they are the primaries. The slice must not be changed.
func (t *Table) Next(slot object.Slot) []NodeID { return t.next.primaries(slot) }

// Changing reports whether a change of the placement is under way.
func (t *Table) Changing() bool { return t.pending != nil }

// Settling reports whether the change under way is settling: all who gain slots are filled and read from.
func (t *Table) Settling() bool { return t.change.settling }

// ChangeID names the two placements of the change under way: equal on all nodes that see the same, whatever else waits.
func (t *Table) ChangeID() uint64 { return t.id }

// Active are the numbers of the changes under way. The slice must not be changed.
func (t *Table) Active() []uint64 { return t.change.active }

// Takes reports whether a node is part of the change under way.
func (t *Table) Takes(n *Node) bool { return slices.Contains(t.change.active, n.Change) && n.Open() }

// Preference is the slot's whole preference list: its primaries, then the fallbacks. It is computed at each call.
func (t *Table) Preference(slot object.Slot) []NodeID {
	return t.current.walk(slot, len(t.nodes))
}

// Fallbacks are the nodes that stand in for primaries of the slot, in order: the rest of its preference list, without those that
// the change under way takes out of the cluster, for what they keep would go with them. The slice must not be changed.
func (t *Table) Fallbacks(slot object.Slot) []NodeID {
	if t.fallbacks == nil {
		return nil
	}
	if have := t.fallbacks[slot].Load(); have != nil {
		return *have
	}
	list := slices.DeleteFunc(t.current.walk(slot, len(t.current.nodes))[t.current.n:], t.goes)
	t.fallbacks[slot].Store(&list)
	return list
}

// goes reports whether a node is part of the cluster before the change under way and not after it.
func (t *Table) goes(id NodeID) bool {
	after := t.next.nodes
	if t.Settling() {
		after = t.current.nodes
	}
	return !slices.ContainsFunc(after, func(n Node) bool { return n.ID == id })
}

// Tokens are the tokens of a node, in order.
func (t *Table) Tokens(id NodeID) []Token {
	var out []Token
	for _, v := range t.current.ring {
		if t.current.nodes[v.node].ID == id {
			out = append(out, v.token)
		}
	}
	return out
}

// placement is a ring of some of the nodes.
type placement struct {
	nodes []Node
	ring  []vnode // by token
	zones int     // how many distinct ones there are
	n     int     // primaries of each slot
	table []NodeID
}

type vnode struct {
	token Token
	node  int32
}

func place(nodes []Node, vnodes, replicas int) placement {
	p := placement{nodes: nodes}
	zones := map[string]bool{}
	weights := 0
	for i := range nodes {
		weights += nodes[i].Weight
	}
	p.ring = make([]vnode, 0, vnodes*weights)
	for i, n := range nodes {
		zones[n.Zone] = true
		tokens := n.ID
		if n.Replaces != "" {
			tokens = n.Replaces
		}
		for v := range vnodes * n.Weight {
			p.ring = append(p.ring, vnode{tokenOf(tokens, v), int32(i)})
		}
	}
	slices.SortFunc(p.ring, func(a, b vnode) int {
		if a.token != b.token {
			return cmp.Compare(a.token, b.token)
		}
		return cmp.Compare(a.node, b.node)
	})
	p.zones, p.n = len(zones), min(replicas, len(nodes))
	p.table = make([]NodeID, 0, p.n*object.Slots)
	if p.n > 0 {
		w, start := newWalker(&p), 0
		for slot := range object.Slot(object.Slots) {
			for start < len(p.ring) && p.ring[start].token < positionOf(slot) {
				start++
			}
			for _, node := range w.walk(start, p.n) {
				p.table = append(p.table, p.nodes[node].ID)
			}
		}
	}
	return p
}

// tokenOf is a hash, so a node's tokens are the same in every ring and whoever else is in it: adding a node moves only
// what the new node takes.
func tokenOf(id NodeID, v int) Token {
	return Token(xxh3.HashStringSeed(string(id), uint64(v)+1))
}

// positionOf spreads the slots evenly over the circle.
func positionOf(slot object.Slot) Token { return Token(slot) << (64 - 14) }

func (p *placement) primaries(slot object.Slot) []NodeID {
	from := int(slot) * p.n
	return p.table[from : from+p.n : from+p.n]
}

// walk is the first count nodes of the slot's preference list.
func (p *placement) walk(slot object.Slot, count int) []NodeID {
	start, _ := slices.BinarySearchFunc(p.ring, positionOf(slot), func(v vnode, at Token) int { return cmp.Compare(v.token, at) })
	w := newWalker(p)
	out := make([]NodeID, 0, min(count, len(p.nodes)))
	for _, node := range w.walk(start, count) {
		out = append(out, p.nodes[node].ID)
	}
	return out
}
