package ring

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kindredkv/kindred/engine/object"
)

// members makes n member nodes; different series have different ids.
func members(series, n int) []Node {
	rng := rand.New(rand.NewPCG(uint64(series), 7))
	out := make([]Node, n)
	for i := range out {
		out[i] = Node{ID: NodeID(fmt.Sprintf("%016x%016x%08x", rng.Uint64(), rng.Uint64(), rng.Uint32())), State: Member}
	}
	return out
}

const (
	vnodes   = 256
	replicas = 3
)

// load is how many slots each node replicates, and coordinates.
func load(t *Table) (replicated, coordinated map[NodeID]int) {
	replicated, coordinated = map[NodeID]int{}, map[NodeID]int{}
	for slot := range object.Slot(object.Slots) {
		primaries := t.Primaries(slot)
		coordinated[primaries[0]]++
		for _, id := range primaries {
			replicated[id]++
		}
	}
	return replicated, coordinated
}

func busiest(load map[NodeID]int, nodes int) float64 {
	most, sum := 0, 0
	for _, n := range load {
		most, sum = max(most, n), sum+n
	}
	return float64(most) * float64(nodes) / float64(sum)
}

func TestLoadIsBalanced(t *testing.T) {
	worstReplicated, worstCoordinated := 0.0, 0.0
	for _, n := range []int{3, 4, 5, 6, 8, 10, 13, 16, 20, 32, 50, 75, 100} {
		for series := range 3 {
			replicated, coordinated := load(Build(members(series, n), vnodes, replicas))
			r, c := busiest(replicated, n), busiest(coordinated, n)
			worstReplicated, worstCoordinated = max(worstReplicated, r), max(worstCoordinated, c)
			if r > 1.15 || c > 1.25 {
				t.Errorf("%d nodes, series %d: the busiest replicates %.3f and coordinates %.3f times the mean", n, series, r, c)
			}
		}
	}
	t.Logf("worst: replicated %.3f, coordinated %.3f times the mean", worstReplicated, worstCoordinated)
}

func TestAddingANodeMovesItsShare(t *testing.T) {
	for _, n := range []int{3, 4, 5, 9, 20, 50} {
		for series := range 3 {
			nodes := members(series, n+1)
			before, after := Build(nodes[:n], vnodes, replicas), Build(nodes, vnodes, replicas)
			moved := 0
			for slot := range object.Slot(object.Slots) {
				for _, id := range after.Primaries(slot) {
					if !slices.Contains(before.Primaries(slot), id) {
						moved++
					}
				}
			}
			fair := float64(object.Slots*replicas) / float64(n+1)
			if ratio := float64(moved) / fair; ratio > 1.1 {
				t.Errorf("%d nodes and one more, series %d: %.3f times its fair share moved", n, series, ratio)
			}
		}
	}
}

func TestPlacementDependsOnRecordsOnly(t *testing.T) {
	nodes := members(1, 7)
	nodes[2].Zone, nodes[3].Weight = "b", 3
	a := Build(nodes, 64, replicas)
	shuffled := slices.Clone(nodes)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	b := Build(shuffled, 64, replicas)
	if a.Version() != b.Version() {
		t.Fatal("the order of the records changed the version")
	}
	for slot := range object.Slot(object.Slots) {
		if !slices.Equal(a.Primaries(slot), b.Primaries(slot)) {
			t.Fatalf("slot %d: %v and %v", slot, a.Primaries(slot), b.Primaries(slot))
		}
	}
	nodes[0].Weight = 2
	if Build(nodes, 64, replicas).Version() == a.Version() {
		t.Fatal("another weight, the same version")
	}
}

func TestPreferenceListsAreDistinctNodesAndZonesFirst(t *testing.T) {
	nodes := members(2, 9)
	for i := range nodes {
		nodes[i].Zone = string(rune('a' + i%3))
	}
	table := Build(nodes, 64, replicas)
	zone := map[NodeID]string{}
	for _, n := range nodes {
		zone[n.ID] = n.Zone
	}
	for slot := range object.Slot(object.Slots) {
		list := table.Preference(slot)
		if again := table.Fallbacks(slot); !slices.Equal(list[replicas:], again) || !slices.Equal(again, table.Fallbacks(slot)) {
			t.Fatalf("slot %d: the rest of the list is not the fallbacks", slot)
		}
		if !slices.Equal(list[:replicas], table.Primaries(slot)) {
			t.Fatalf("slot %d: the list does not begin with the primaries", slot)
		}
		seen, zones := map[NodeID]bool{}, map[string]bool{}
		for i, id := range list {
			if seen[id] {
				t.Fatalf("slot %d: %s twice", slot, id)
			}
			seen[id] = true
			if i < replicas {
				zones[zone[id]] = true
			}
		}
		if len(list) != len(nodes) || len(zones) != 3 {
			t.Fatalf("slot %d: %d nodes, primaries in %d zones", slot, len(list), len(zones))
		}
	}
}

func TestFewerNodesThanReplicas(t *testing.T) {
	for n := range 3 {
		table := Build(members(3, n), vnodes, replicas)
		if got := len(table.Primaries(77)); got != n {
			t.Errorf("%d nodes: %d primaries", n, got)
		}
	}
}

func TestJoiningNodesGetWritesAndLeavingOnesServe(t *testing.T) {
	nodes := members(4, 5)
	before := Build(nodes[:4], vnodes, replicas)
	nodes[4].State = Joining
	if waiting := Build(nodes, vnodes, replicas); waiting.Changing() || !samePlacement(waiting.Primaries, before.Primaries) {
		t.Fatal("a node that takes no part yet changes the ring")
	}
	nodes[4].Change = 7
	during := Build(nodes, vnodes, replicas)
	nodes[4].Phase = Settling
	settling := Build(nodes, vnodes, replicas)
	nodes[4].State, nodes[4].Phase = Member, Done
	after := Build(nodes, vnodes, replicas)
	if !samePlacement(during.Primaries, before.Primaries) || !samePlacement(during.Next, after.Primaries) || during.Settling() {
		t.Fatal("while a node joins slots are read as before and written as after")
	}
	if !samePlacement(settling.Primaries, after.Primaries) || !samePlacement(settling.Next, before.Primaries) || !settling.Settling() {
		t.Fatal("while a change settles slots are read as after and written as before")
	}
	if after.Changing() || during.ChangeID() != settling.ChangeID() {
		t.Fatal("phases of one change")
	}
	pending := 0
	for slot := range object.Slot(object.Slots) {
		for _, id := range after.Primaries(slot) {
			if !slices.Contains(before.Primaries(slot), id) && !slices.Contains(during.Pending(slot), id) {
				t.Fatalf("slot %d: a future primary gets no writes", slot)
			}
		}
		pending += len(during.Pending(slot))
	}
	if pending == 0 {
		t.Fatal("the joining node got nothing")
	}
	nodes[0].State, nodes[0].Change = Leaving, 8
	if leaving := Build(nodes, vnodes, replicas); !samePlacement(leaving.Primaries, after.Primaries) {
		t.Fatal("slots are read elsewhere while a node leaves")
	}
}

// What a node keeps for others must not go with it.
func TestLeavingNodesAreNoFallbacks(t *testing.T) {
	nodes := members(4, 5)
	nodes[0].State, nodes[0].Change = Leaving, 7
	for _, phase := range []Phase{Filling, Settling} {
		nodes[0].Phase = phase
		table := Build(nodes, vnodes, replicas)
		for slot := range object.Slot(object.Slots) {
			if fallbacks := table.Fallbacks(slot); slices.Contains(fallbacks, nodes[0].ID) || len(fallbacks) == 0 {
				t.Fatalf("%s: slot %d has the fallbacks %v", phase, slot, fallbacks)
			}
		}
	}
}

func TestParseNodeID(t *testing.T) {
	good := "0123456789abcdef0123456789abcdef01234567"
	if id, err := ParseNodeID(good); err != nil || string(id) != good {
		t.Fatalf("%q, %v", id, err)
	}
	for _, bad := range []string{"", good[1:], good + "0", "0123456789ABCDEF0123456789abcdef01234567", "g" + good[1:]} {
		if _, err := ParseNodeID(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// BenchmarkBuild builds the ring of n nodes in three zones, of which one joins: two placements.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{3, 10, 100, 500} {
		nodes := members(5, n)
		for i := range nodes {
			nodes[i].Zone = fmt.Sprint("zone", i%3)
		}
		nodes[n-1].State, nodes[n-1].Change = Joining, 1
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				Build(nodes, vnodes, replicas)
			}
		})
	}
}

func BenchmarkPrimaries(b *testing.B) {
	table := Build(members(6, 5), vnodes, replicas)
	b.ReportAllocs()
	for n := range b.N {
		if len(table.Primaries(object.Slot(n%object.Slots))) != replicas {
			b.Fatal("no primaries")
		}
	}
}
