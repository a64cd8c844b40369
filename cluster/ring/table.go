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
	next    placement  // like current when no node joins or leaves
	pending [][]NodeID // by slot: next primaries that are not current ones; nil when no node joins or leaves
	version uint64
	// fallbacks are kept by slot when they are first asked for; nil when all nodes are primaries of everything.
	fallbacks []atomic.Pointer[[]NodeID]
}

// Build places the slots on the nodes, whatever their order. Every slot gets replicas primaries, or as many as there are
// nodes.
func Build(nodes []Node, vnodes, replicas int) *Table {
	t := &Table{index: map[NodeID]int{}}
	for _, n := range nodes {
		if n.State != Removed {
			n.Weight = max(1, n.Weight)
			t.nodes = append(t.nodes, n)
		}
	}
	slices.SortFunc(t.nodes, func(a, b Node) int { return strings.Compare(string(a.ID), string(b.ID)) })
	changing := false
	for i, n := range t.nodes {
		t.index[n.ID] = i
		changing = changing || n.State != Member
	}
	t.version = versionOf(t.nodes, vnodes, replicas)
	t.current = place(t.nodes, vnodes, replicas, func(s State) bool { return s == Member || s == Leaving })
	if t.current.members > t.current.n {
		t.fallbacks = make([]atomic.Pointer[[]NodeID], object.Slots)
	}
	t.next = t.current
	if changing {
		t.next = place(t.nodes, vnodes, replicas, func(s State) bool { return s == Member || s == Joining })
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
	return t
}

// versionOf hashes what the placement is a function of.
func versionOf(nodes []Node, vnodes, replicas int) uint64 {
	var b []byte
	b = binary.AppendUvarint(b, uint64(vnodes))
	b = binary.AppendUvarint(b, uint64(replicas))
	for _, n := range nodes {
		b = binary.AppendUvarint(b, uint64(n.Weight))
		b = append(b, byte(n.State))
		b = binary.AppendUvarint(b, uint64(len(n.Zone)))
		b = append(b, n.Zone...)
		b = append(b, n.ID...)
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

// Pending are the nodes that will be primaries of the slot and are not yet. The slice must not be changed.
func (t *Table) Pending(slot object.Slot) []NodeID {
	if t.pending == nil {
		return nil
	}
	return t.pending[slot]
}

// Next are the primaries that the slot will have when the nodes that join and leave have done so. The slice must not be
// changed.
func (t *Table) Next(slot object.Slot) []NodeID { return t.next.primaries(slot) }

// Changing reports whether any node is joining or leaving.
func (t *Table) Changing() bool { return t.pending != nil }

// Preference is the slot's whole preference list: its primaries, then the fallbacks. It is computed at each call.
func (t *Table) Preference(slot object.Slot) []NodeID {
	return t.current.walk(slot, len(t.nodes))
}

// Fallbacks are the nodes that stand in for primaries of the slot, in order: the rest of its preference list. The slice must not
// be changed.
func (t *Table) Fallbacks(slot object.Slot) []NodeID {
	if t.fallbacks == nil {
		return nil
	}
	if have := t.fallbacks[slot].Load(); have != nil {
		return *have
	}
	list := t.current.walk(slot, t.current.members)[t.current.n:]
	t.fallbacks[slot].Store(&list)
	return list
}

// Tokens are the tokens of a node, in order.
func (t *Table) Tokens(id NodeID) []Token {
	i, ok := t.index[id]
	if !ok {
		return nil
	}
	var out []Token
	for _, v := range t.current.ring {
		if int(v.node) == i {
			out = append(out, v.token)
		}
	}
	return out
}

// placement is a ring of some of the nodes.
type placement struct {
	nodes   []Node
	ring    []vnode // by token
	zones   int     // how many distinct ones there are
	n       int     // primaries of each slot
	members int     // nodes that it places slots on
	table   []NodeID
}

type vnode struct {
	token Token
	node  int32
}

func place(nodes []Node, vnodes, replicas int, takes func(State) bool) placement {
	p := placement{nodes: nodes}
	zones := map[string]bool{}
	members := 0
	for i, n := range nodes {
		if !takes(n.State) {
			continue
		}
		members++
		zones[n.Zone] = true
		for v := range vnodes * n.Weight {
			p.ring = append(p.ring, vnode{tokenOf(n.ID, v), int32(i)})
		}
	}
	slices.SortFunc(p.ring, func(a, b vnode) int {
		return cmp.Or(cmp.Compare(a.token, b.token), cmp.Compare(a.node, b.node))
	})
	p.zones, p.members, p.n = len(zones), members, min(replicas, members)
	p.table = make([]NodeID, 0, p.n*object.Slots)
	if p.n > 0 {
		for slot := range object.Slot(object.Slots) {
			p.table = append(p.table, p.walk(slot, p.n)...)
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
	if len(p.ring) == 0 {
		return nil
	}
	start, _ := slices.BinarySearchFunc(p.ring, positionOf(slot), func(v vnode, at Token) int { return cmp.Compare(v.token, at) })
	chosen := make([]int32, 0, min(count, len(p.nodes)))
	var passed []int32 // nodes of zones that were already met
	met := make([]string, 0, 4)
	for i := 0; i < len(p.ring) && len(chosen) < count; i++ {
		node := p.ring[(start+i)%len(p.ring)].node
		if slices.Contains(chosen, node) || slices.Contains(passed, node) {
			continue
		}
		zone := p.nodes[node].Zone
		if len(met) < p.zones && slices.Contains(met, zone) {
			passed = append(passed, node)
			continue
		}
		if len(met) < p.zones {
			met = append(met, zone)
		}
		chosen = append(chosen, node)
		if len(met) == p.zones && len(passed) > 0 {
			// Every zone has a replica now: the rest follows in the order of the circle.
			room := min(count-len(chosen), len(passed))
			chosen = append(chosen, passed[:room]...)
			passed = passed[room:]
		}
	}
	out := make([]NodeID, len(chosen))
	for i, node := range chosen {
		out[i] = p.nodes[node].ID
	}
	return out
}
