package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine/object"
)

// Status describes the cluster as this node sees it. Nodes are in the order of their ids.
func (n *Node) Status() Status {
	n.mu.Lock()
	records := slices.Clone(n.records)
	n.mu.Unlock()
	slices.SortFunc(records, func(a, b membership.Record) int { return strings.Compare(string(a.ID), string(b.ID)) })
	table, assigned := n.Ring(), n.assignment()
	s := Status{RingVersion: table.Version(), Stats: n.Stats()}
	replicated := map[ring.NodeID]int{}
	for slot := range object.Slot(object.Slots) {
		primaries := table.Primaries(slot)
		for _, id := range primaries {
			replicated[id]++
		}
		if up, within := n.quorumOf(primaries); up < int(max(within.R, within.W)) {
			s.WithoutQuorum++
		}
	}
	for _, r := range records {
		if r.State == ring.Removed {
			continue
		}
		if r.ID == n.self {
			s.Self, s.Replicas = len(s.Nodes), int(r.Replicas)
		}
		s.Nodes = append(s.Nodes, nodeStatus(n, r, assigned, replicated[r.ID]))
	}
	return s
}

func nodeStatus(n *Node, r membership.Record, assigned *assignment, replicated int) NodeStatus {
	out := NodeStatus{
		ID: string(r.ID), Store: r.Store, Host: r.Host,
		Port: int(r.Port), ClusterPort: int(r.ClusterPort), PeerPort: int(r.PeerPort),
		GossipPort: int(r.GossipPort), HTTPPort: int(r.HTTPPort),
		Zone: r.Zone, Weight: int(r.Weight), State: stateOf(&r),
		Alive: r.ID == n.self || n.transport.Up(string(r.ID)), Replicated: replicated, Version: r.Software,
		ClockAhead: n.transport.ClockAhead(string(r.ID)),
	}
	if set := assigned.slots[r.ID]; set != nil {
		for slot := range object.Slot(object.Slots) {
			if !set.Has(slot) {
				continue
			}
			if last := len(out.Slots) - 1; last >= 0 && out.Slots[last].Last+1 == slot {
				out.Slots[last].Last = slot
			} else {
				out.Slots = append(out.Slots, SlotRange{First: slot, Last: slot})
			}
		}
	}
	return out
}

// stateOf is a node's state in a word. A member whose store lacks data is being filled, though it holds its place.
func stateOf(r *membership.Record) string {
	if r.Lacks && r.State != ring.Joining {
		return "filling"
	}
	return r.State.String()
}

// Stats are the counters of the quorum paths.
func (n *Node) Stats() Stats {
	c, hints := &n.coordinator.Stats, n.hints.Stats()
	return Stats{
		HintsReplayed: hints.Replayed,
		HintsDropped:  hints.Aged + c.HintsDropped.Load(),
		Forwarded:     n.stats.forwarded.Load(),
		Failovers:     n.stats.failovers.Load(),
		Expired:       n.stats.expired.Load(),
		Evicted:       n.stats.evicted.Load(),
		ReadRepairs:   c.ReadRepairs.Load(),
		DeltaGaps:     c.DeltaGaps.Load(),
		CaughtUp:      c.CaughtUp.Load(),
		Refills:       c.Refills.Load(),
		Hedges:        c.Hedges.Load(),
		NoQuorum:      c.NoQuorum.Load(),
		ClusterDown:   c.ClusterDown.Load(),
		SiblingsSeen:  c.SiblingsSeen.Load(),
		OtherRing:     c.OtherRing.Load(),
	}
}

// Preference is the preference list of a slot: its primaries, then the fallbacks.
func (n *Node) Preference(slot object.Slot) (primaries, fallbacks []string) {
	table := n.Ring()
	count := len(table.Primaries(slot))
	for i, id := range table.Preference(slot) {
		if i < count {
			primaries = append(primaries, string(id))
		} else {
			fallbacks = append(fallbacks, string(id))
		}
	}
	return primaries, fallbacks
}

// LeadsSlot reports whether this node is the first primary of a slot, by the ring as this node knows it. In a healthy cluster it
// is who coordinates the slot's keys.
func (n *Node) LeadsSlot(slot object.Slot) bool {
	primaries := n.Ring().Primaries(slot)
	return len(primaries) > 0 && primaries[0] == n.self
}

// WaitReplicas returns how many other nodes have applied all that this node sent them before the call. It returns when
// want have, or when ctx ends. Writes that this node forwarded are with their coordinators and are not part of it.
func (n *Node) WaitReplicas(ctx context.Context, want int) (int, error) {
	n.mu.Lock()
	records := slices.Clone(n.records)
	n.mu.Unlock()
	answers := make(chan bool, len(records))
	asked := 0
	for _, r := range records {
		if r.ID == n.self || r.State == ring.Removed {
			continue
		}
		asked++
		n.coordinator.Probe(r.ID, func(ok bool) { answers <- ok })
	}
	got := 0
	for ; asked > 0 && got < want; asked-- {
		select {
		case ok := <-answers:
			if ok {
				got++
			}
		case <-ctx.Done():
			return got, nil
		case <-n.ctx.Done():
			return got, ErrClosed
		}
	}
	return got, nil
}

// Sync returns when all that this node has acknowledged is on its disk.
func (n *Node) Sync(context.Context) error { return n.store.Sync() }

// ID is this node's id.
func (n *Node) ID() string { return string(n.self) }

// Ready reports why this node cannot serve every key, nil when it can: it is being filled, or some slot has too few
// primaries that can be reached for the configured quorums.
func (n *Node) Ready() error {
	if n.lacks.Load() && !n.Joining() {
		return errLacks
	}
	if n.Joining() {
		return errors.New("this node is joining: it is being filled")
	}
	table := n.Ring()
	if !n.membership.Joined() {
		return errors.New("this node has not met another yet")
	}
	for slot := range object.Slot(object.Slots) {
		primaries := table.Primaries(slot)
		up, within := n.quorumOf(primaries)
		if up < int(max(within.R, within.W)) {
			return fmt.Errorf("slot %d has %d of %d primaries, too few for R=%d W=%d", slot, up, len(primaries), within.R, within.W)
		}
	}
	return nil
}

// quorumOf counts the primaries that can be reached, and says how many the configuration asks for.
func (n *Node) quorumOf(primaries []ring.NodeID) (up int, within quorum.Choice) {
	for _, id := range primaries {
		if id == n.self || n.transport.Up(string(id)) {
			up++
		}
	}
	return up, n.settings().Quorum.Within(len(primaries))
}

// Tokens are the positions of a node on the ring, in order; nil for a node that is not known.
func (n *Node) Tokens(id string) []uint64 {
	tokens := n.Ring().Tokens(ring.NodeID(id))
	out := make([]uint64, len(tokens))
	for i, t := range tokens {
		out[i] = uint64(t)
	}
	return out
}
