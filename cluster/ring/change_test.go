package ring

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/object"
)

func samePlacement(a, b func(object.Slot) []NodeID) bool {
	for slot := range object.Slot(object.Slots) {
		if !slices.Equal(a(slot), b(slot)) {
			return false
		}
	}
	return true
}

// drawNodes is some nodes with changes as operators and nodes may have made them.
func drawNodes(t *rapid.T) []Node {
	nodes := members(rapid.IntRange(1, 5).Draw(t, "series"), rapid.IntRange(2, 5).Draw(t, "nodes"))
	for i := range nodes {
		n := &nodes[i]
		n.Zone = rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "zone")
		n.Weight = rapid.IntRange(1, 3).Draw(t, "weight")
		if i == 0 || rapid.Bool().Draw(t, "stays") {
			continue
		}
		n.Change = uint64(rapid.IntRange(0, 3).Draw(t, "change"))
		n.State = rapid.SampledFrom([]State{Joining, Member, Leaving, Removed, Removing}).Draw(t, "state")
		n.Phase = rapid.SampledFrom([]Phase{Filling, Filling, Filling, Settling}).Draw(t, "phase")
		if n.State == Member && rapid.Bool().Draw(t, "reweighs") {
			n.NextWeight, n.NextZone = rapid.IntRange(1, 3).Draw(t, "next weight"), "c"
		}
	}
	return nodes
}

// TestChangesTakeTurns carries out whatever changes there are, as nodes do, one phase after the other. Every step is between
// two placements that the nodes were filled for, and in the end nothing is left to do.
func TestChangesTakeTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := drawNodes(t)
		table := Build(nodes, 8, replicas)
		for step := 0; table.Changing(); step++ {
			if step > 3*len(nodes) {
				t.Fatal("it does not come to an end")
			}
			marked := rapid.IntRange(0, len(nodes)-1).Draw(t, "marked first")
			before, wasSettling := table, table.Settling()
			var mixed []Node
			for i := range nodes {
				n := &nodes[(marked+i)%len(nodes)]
				if !table.Takes(n) {
					continue
				}
				if !wasSettling {
					n.Phase = Settling
				} else {
					n.apply()
				}
				if mixed == nil {
					mixed = slices.Clone(nodes) // as a node sees it that has heard of one record only
				}
			}
			table = Build(nodes, 8, replicas)
			if step == 0 && len(before.Active()) == 1 && Build(mixed, 8, replicas).Changing() == before.Changing() &&
				!samePlacement(Build(mixed, 8, replicas).Primaries, table.Primaries) {
				t.Fatal("half of the news makes another placement")
			}
			if !wasSettling {
				if !samePlacement(table.Primaries, before.Next) || !samePlacement(table.Next, before.Primaries) {
					t.Fatal("settling does not have the placements change places")
				}
			} else if !samePlacement(table.Primaries, before.Primaries) {
				t.Fatal("a change that is done reads elsewhere than while it settled")
			}
		}
		for _, n := range nodes {
			if n.Open() && !stuck(nodes) {
				t.Fatalf("left over: %+v", n)
			}
		}
	})
}

// stuck reports whether what is left would leave nobody.
func stuck(nodes []Node) bool {
	return !slices.ContainsFunc(nodes, func(n Node) bool { return n.State == Member })
}

// TestZonesComeFirst: the primaries of every slot are in as many zones as there can be, before, during and after a change.
func TestZonesComeFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := Build(drawNodes(t), 8, replicas)
		for _, p := range []placement{table.current, table.next} {
			zones := map[NodeID]string{}
			count := map[string]bool{}
			for _, n := range p.nodes {
				zones[n.ID], count[n.Zone] = n.Zone, true
			}
			for slot := range object.Slot(object.Slots) {
				met := map[string]bool{}
				for _, id := range p.primaries(slot) {
					met[zones[id]] = true
				}
				if len(met) != min(len(count), replicas, len(p.nodes)) {
					t.Fatalf("slot %d has primaries in %d zones of %d", slot, len(met), len(count))
				}
			}
		}
	})
}

// TestReplacementMovesNothingElse: who replaces a node takes over just its slots, and who replaces that one too.
func TestReplacementMovesNothingElse(t *testing.T) {
	nodes := members(9, 6)
	before := Build(nodes[:5], vnodes, replicas)
	replace := func(old, by int) *Table {
		nodes[old].State, nodes[old].Change, nodes[old].Phase = Removing, uint64(by), Filling
		nodes[by] = Node{ID: nodes[by].ID, State: Joining, Change: uint64(by), Replaces: nodes[old].ID}
		table := Build(nodes, vnodes, replicas)
		for _, i := range []int{old, by} {
			nodes[i].apply()
		}
		return table
	}
	check := func(table *Table, first, last int) {
		t.Helper()
		for slot := range object.Slot(object.Slots) {
			want := slices.Clone(before.Primaries(slot))
			if i := slices.Index(want, nodes[first].ID); i >= 0 {
				want[i] = nodes[last].ID
			}
			if got := table.Next(slot); !slices.Equal(got, want) {
				t.Fatalf("slot %d: %v, want %v", slot, got, want)
			}
		}
	}
	check(replace(2, 5), 2, 5)
	nodes = append(nodes, members(10, 1)...)
	check(replace(5, 6), 2, 6)
	check(Build(nodes, vnodes, replicas), 2, 6)
}

// TestTheLastMemberStays: a change that would leave nobody does not take place.
func TestTheLastMemberStays(t *testing.T) {
	nodes := members(11, 2)
	for i := range nodes {
		nodes[i].State, nodes[i].Change = Leaving, 1
	}
	if table := Build(nodes, 8, replicas); table.Changing() || len(table.Primaries(0)) != 2 {
		t.Fatalf("%v", fmt.Sprint(table.Primaries(0)))
	}
}
