package cluster

import (
	"slices"

	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// RingPlan is what changes of the ring would come to, together with those under way.
type RingPlan struct {
	// Staged are the changes that RingCommit would begin.
	Staged []RingChange
	Nodes  []PlannedNode
	// Moves is how many copies of slots have to be made, Bytes about how much data that is.
	Moves int
	Bytes int64
}

// PlannedNode is a node's share before and after.
type PlannedNode struct {
	ID string
	// Before and After are how many slots the node is a primary of, and Gains how many it would have to be filled with.
	Before, After, Gains int
	// Weight and Zone are as they would be.
	Weight int
	Zone   string
	// State is as it would be.
	State string
}

// RingStage adds a change to those that RingCommit begins together. They are kept by this node alone, until it stops.
func (n *Node) RingStage(change RingChange) error {
	n.staging.Lock()
	defer n.staging.Unlock()
	staged := append(slices.Clone(n.staged), change)
	if _, err := n.planned(staged); err != nil {
		return err
	}
	n.staged = staged
	return nil
}

// RingClear forgets the staged changes.
func (n *Node) RingClear() {
	n.staging.Lock()
	defer n.staging.Unlock()
	n.staged = nil
}

// RingPlan tells what the staged changes would come to. It fails when they are not possible any more.
func (n *Node) RingPlan() (RingPlan, error) {
	n.staging.Lock()
	staged := slices.Clone(n.staged)
	n.staging.Unlock()
	records, err := n.planned(staged)
	if err != nil {
		return RingPlan{}, err
	}
	own, _ := n.record(n.self)
	plan := planOf(n.Ring(), records, int(own.Vnodes), int(own.Replicas))
	plan.Staged = staged
	plan.Bytes = int64(float64(plan.Moves) * n.bytesPerSlot())
	return plan, nil
}

// planned is the records as they would be when changes were begun.
func (n *Node) planned(changes []RingChange) (membership.Records, error) {
	records := membership.Records{}
	for _, r := range n.membership.Records() {
		records[r.ID] = r
	}
	changed, err := compose(records, changes, n.stamp(), n.whoAnswers())
	for _, r := range changed {
		records[r.ID] = r
	}
	return records, err
}

// planOf compares the present placement with the one that all changes that the records tell of lead to.
func planOf(now *ring.Table, records membership.Records, vnodes, replicas int) RingPlan {
	var plan RingPlan
	var nodes []ring.Node
	at := map[ring.NodeID]int{}
	for _, r := range records.List() {
		if r.State != ring.Removed {
			at[r.ID] = len(plan.Nodes)
			plan.Nodes = append(plan.Nodes, PlannedNode{ID: string(r.ID)})
		}
		if r.State != ring.Joining || r.Change != 0 {
			r.Carry(ring.Done)
		}
		if i, ok := at[r.ID]; ok {
			p := &plan.Nodes[i]
			p.Weight, p.Zone, p.State = int(r.Weight), r.Zone, r.State.String()
		}
		nodes = append(nodes, r.Node())
	}
	after := ring.Build(nodes, vnodes, replicas)
	for slot := range object.Slot(object.Slots) {
		before := now.Primaries(slot)
		for _, id := range before {
			plan.Nodes[at[id]].Before++
		}
		for _, id := range after.Primaries(slot) {
			p := &plan.Nodes[at[id]]
			p.After++
			if !slices.Contains(before, id) {
				p.Gains++
				plan.Moves++
			}
		}
	}
	return plan
}

const (
	// sampledPlaces and sampledRun are where, and how many keys each, a sample of the store is taken of.
	sampledPlaces, sampledRun = 32, 8
)

// bytesPerSlot is about what a slot takes to be sent, by a sample of this node's store.
func (n *Node) bytesPerSlot() float64 {
	held := &engine.SlotSet{}
	slots := 0
	table := n.Ring()
	for slot := range object.Slot(object.Slots) {
		if slices.Contains(table.Primaries(slot), n.self) {
			held.Add(slot)
			slots++
		}
	}
	if slots == 0 {
		return 0
	}
	places := make([]engine.Place, sampledPlaces)
	for i := range places {
		places[i].Slot = object.Slot(i * object.Slots / sampledPlaces)
	}
	keys, bytes := 0, 0
	err := n.store.Sample(held, places, sampledRun, func(key object.Key, o *object.Object) {
		keys++
		bytes += len(key.Name) + len(object.Append(nil, o))
	})
	if err != nil || keys == 0 {
		return 0
	}
	return float64(n.store.Keys(held)) / float64(slots) * float64(bytes) / float64(keys)
}

// RingStatus is how far the change of the ring under way has come.
type RingStatus struct {
	Version uint64
	// Phase is filling or settling; empty when nothing is under way.
	Phase string
	// Nodes are those that the change under way waits for, or has waited for, and those whose change has to wait for it.
	Nodes []ChangingNode
	// Leftover is how many slots this node holds a copy of that it is to drop.
	Leftover int
	// Dropped is how many keys of such copies it has dropped since it started.
	Dropped uint64
	// Bytes is what this node took on the wire for changes since it started: pages, comparisons and what they found, for slots that it
	// gains and for copies that it gives away. Messages that a peer began count there.
	Bytes uint64
}

// ChangingNode is a node's part in changes.
type ChangingNode struct {
	ID, State string
	// Gains is how many slots it gains. Ready says that it has them, or that others cover what it gives away.
	Gains int
	Ready bool
	// Waits says that its change has to wait for the one under way.
	Waits bool
	Alive bool
}

// RingStatus tells how far the change of the ring under way has come.
func (n *Node) RingStatus() RingStatus {
	table := n.Ring()
	s := RingStatus{Version: table.Version(), Leftover: len(n.leftovers(table)), Dropped: n.stats.dropped.Load(), Bytes: n.handoff.Stats().Bytes}
	gains := map[ring.NodeID]*engine.SlotSet{}
	switch {
	case table.Settling():
		s.Phase = ring.Settling.String()
	case table.Changing():
		s.Phase = ring.Filling.String()
		gains = gainsOf(table)
	}
	for i := range table.Nodes() {
		node := &table.Nodes()[i]
		takes := table.Takes(node)
		if gains[node.ID] == nil && !takes && !node.Open() {
			continue
		}
		r, _ := n.record(node.ID)
		c := ChangingNode{
			ID: string(node.ID), State: node.State.String(), Alive: n.answers(node.ID), Waits: !takes && node.Open(),
			Ready: table.Settling() || node.State == ring.Removing || r.Ready == table.ChangeID(),
		}
		for slot := range object.Slot(object.Slots) {
			if set := gains[node.ID]; set != nil && set.Has(slot) {
				c.Gains++
			}
		}
		s.Nodes = append(s.Nodes, c)
	}
	return s
}
