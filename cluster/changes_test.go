package cluster

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/ring"
)

func idOf(i int) ring.NodeID { return ring.NodeID(fmt.Sprintf("%04x%036x", i, i)) }

func recordOf(i int, state ring.State) membership.Record {
	return membership.Record{
		ID: idOf(i), Host: "h", PeerPort: 1, GossipPort: 2, Weight: 1, Zone: "z", State: state, Replicas: 3, Vnodes: 8, Version: 1,
	}
}

func recordsOf(states ...ring.State) membership.Records {
	out := membership.Records{}
	for i, s := range states {
		out[idOf(i)] = recordOf(i, s)
	}
	return out
}

func up(nodes ...int) func(ring.NodeID) bool {
	return func(id ring.NodeID) bool {
		return slices.ContainsFunc(nodes, func(i int) bool { return idOf(i) == id })
	}
}

func TestImpossibleChanges(t *testing.T) {
	name := func(i int) string { return string(idOf(i)) }
	records := recordsOf(ring.Member, ring.Member, ring.Joining, ring.Removed, ring.Leaving)
	leaving := records[idOf(4)]
	leaving.Change = 9
	records[idOf(4)] = leaving
	for _, c := range []struct {
		why     string
		changes []RingChange
		want    error
	}{
		{"nobody", []RingChange{{Kind: ChangeLeave, Node: "ffff"}}, ErrUnknownNode},
		{"too short a name", []RingChange{{Kind: ChangeLeave, Node: "000"}}, ErrUnknownNode},
		{"a removed node", []RingChange{{Kind: ChangeLeave, Node: name(3)}}, ErrUnknownNode},
		{"a dead node leaves", []RingChange{{Kind: ChangeLeave, Node: name(1)}}, ErrChange},
		{"a joining node leaves", []RingChange{{Kind: ChangeLeave, Node: name(2)}}, ErrChange},
		{"all leave", []RingChange{{Kind: ChangeLeave, Node: name(0)}, {Kind: ChangeRemove, Node: name(1)}}, ErrChange},
		{"a living node is removed", []RingChange{{Kind: ChangeRemove, Node: name(0)}}, ErrChange},
		{"a living node is replaced", []RingChange{{Kind: ChangeReplace, Node: name(0), By: name(2)}}, ErrChange},
		{"by one with data", []RingChange{{Kind: ChangeReplace, Node: name(1), By: name(0)}}, ErrChange},
		{"by itself", []RingChange{{Kind: ChangeReplace, Node: name(1), By: name(1)}}, ErrChange},
		{"by one that does other things", []RingChange{{Kind: ChangeJoin, Node: name(2)}, {Kind: ChangeReplace, Node: name(1), By: name(2)}}, ErrChange},
		{"a member joins", []RingChange{{Kind: ChangeJoin, Node: name(0)}}, ErrChange},
		{"too heavy", []RingChange{{Kind: ChangeWeight, Node: name(0), Weight: 65}}, ErrChange},
		{"weightless", []RingChange{{Kind: ChangeWeight, Node: name(0)}}, ErrChange},
		{"one that leaves", []RingChange{{Kind: ChangeZone, Node: name(4), Zone: "y"}}, ErrChange},
		{"two at one node", []RingChange{{Kind: ChangeWeight, Node: name(0), Weight: 2}, {Kind: ChangeLeave, Node: name(0)}}, ErrChange},
	} {
		if changed, err := compose(records, c.changes, 1, up(0, 2)); !errors.Is(err, c.want) || changed != nil {
			t.Errorf("%s: %v, %d records", c.why, err, len(changed))
		}
	}
}

func TestChangesOfOneCommitHaveOneNumber(t *testing.T) {
	records := recordsOf(ring.Member, ring.Member, ring.Joining, ring.Member, ring.Member)
	changed, err := compose(records, []RingChange{
		{Kind: ChangeReplace, Node: string(idOf(1)), By: "0002"}, {Kind: ChangeLeave, Node: "0003"},
		{Kind: ChangeWeight, Node: "0004", Weight: 3}, {Kind: ChangeZone, Node: "0004", Zone: "y"},
	}, 7, up(0, 2, 3, 4))
	if err != nil || len(changed) != 4 {
		t.Fatalf("%v, %d records", err, len(changed))
	}
	for i, want := range []ring.State{ring.Removing, ring.Joining, ring.Leaving, ring.Member} {
		if r := changed[i]; r.State != want || r.Change != 7 || r.Phase != ring.Filling {
			t.Errorf("%+v", r)
		}
	}
	if changed[1].Replaces != idOf(1) || changed[3].NextWeight != 3 || changed[3].NextZone != "y" || changed[3].Zone != "z" {
		t.Errorf("%+v", changed)
	}
	if records[idOf(1)].State != ring.Member {
		t.Error("the records were changed in place")
	}
}

// A node that is gone for good while it leaves must not hold the change up, nor be part of another placement.
func TestRemovalOfALeavingNodeKeepsItsChange(t *testing.T) {
	records := recordsOf(ring.Member, ring.Member, ring.Leaving)
	leaving := records[idOf(2)]
	leaving.Change, leaving.Phase = 9, ring.Settling
	records[idOf(2)] = leaving
	changed, err := compose(records, []RingChange{{Kind: ChangeRemove, Node: string(idOf(2))}}, 10, up(0, 1))
	if err != nil || len(changed) != 1 || changed[0].State != ring.Removing || changed[0].Change != 9 || changed[0].Phase != ring.Settling {
		t.Fatalf("%+v, %v", changed, err)
	}
}

// TestPossibleChangesComeAbout commits whatever is possible and carries it out: a member is always left, records stay valid, and
// every slot has its primaries.
func TestPossibleChangesComeAbout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		states := []ring.State{ring.Member}
		for range rapid.IntRange(1, 4).Draw(t, "nodes") {
			states = append(states, rapid.SampledFrom([]ring.State{ring.Member, ring.Member, ring.Joining, ring.Removed}).Draw(t, "state"))
		}
		records := recordsOf(states...)
		node := rapid.IntRange(0, len(states)-1)
		var changes []RingChange
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			changes = append(changes, RingChange{
				Kind: ChangeKind(rapid.IntRange(0, int(ChangeZone)).Draw(t, "kind")), Node: string(idOf(node.Draw(t, "node"))),
				By: string(idOf(node.Draw(t, "by"))), Weight: rapid.IntRange(0, 3).Draw(t, "weight"), Force: rapid.Bool().Draw(t, "force"),
			})
		}
		answers := up(rapid.SliceOfN(node, 0, len(states)).Draw(t, "up")...)
		changed, err := compose(records, changes, 1, answers)
		if err != nil {
			if changed != nil {
				t.Fatal("an error, and changes")
			}
			return
		}
		for _, r := range changed {
			records[r.ID] = r
		}
		members := 0
		var nodes []ring.Node
		for _, r := range records.List() {
			if r.State != ring.Joining || r.Change != 0 {
				r.Carry(ring.Done)
			}
			if _, err := membership.Decode(membership.Encode([]membership.Record{r})); err != nil {
				t.Fatal(err)
			}
			if r.State == ring.Member {
				members++
			}
			nodes = append(nodes, r.Node())
		}
		table := ring.Build(nodes, 8, 3)
		if members == 0 || len(table.Primaries(0)) != min(3, members) || table.Changing() {
			t.Fatalf("%d members, %d primaries", members, len(table.Primaries(0)))
		}
	})
}
