package cluster

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
)

// A change of the ring takes two steps, each a change of the records of the nodes that are part of it:
//
//	filling → settling  everybody who gains slots is filled, and others cover what a leaving node holds. Each says so in its
//	                    own record, so all see the same.
//	settling → done     every node reads at the new placement, but for fewer than R and W that cannot be reached: too few to
//	                    be a quorum of the old one. Who leaves must answer: others cover what it has confirmed until then.
//
// The steward takes these steps: the first node by id that is up, as each node sees it. Where nodes see different nodes each may
// wait for another, so all are stewards of a change that has not moved for a while. That does no harm, for all take the same step.

// kindRingVersion asks for the version of the ring.
const kindRingVersion uint8 = 21

const (
	// stewardPause is how often the steward looks.
	stewardPause = 200 * time.Millisecond
	// stewardPatience is after how long without a step others are stewards too, and how often they then look.
	stewardPatience = 3 * time.Second
)

// stewardLoop takes the steps of changes, as long as this node is the steward, until it stops.
func (n *Node) stewardLoop() {
	for n.ctx.Err() == nil {
		news, pause := n.news(), time.Hour
		if table := n.Ring(); table.Changing() {
			if pause = stewardPause; !n.isSteward(table) {
				pause = stewardPatience
			}
			if n.tableFor(table) >= pause {
				n.step(table)
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-news:
			_ = n.sleep(stewardPause / 4) // news come in swarms
		case <-n.ctx.Done():
		}
		timer.Stop()
	}
}

// tableFor is for how long a table has been in force.
func (n *Node) tableFor(table *ring.Table) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.Ring() != table {
		return 0
	}
	return time.Since(n.since)
}

func (n *Node) isSteward(table *ring.Table) bool {
	for _, node := range table.Nodes() {
		if node.State != ring.Removing && (node.ID == n.self || n.transport.Up(string(node.ID))) {
			return node.ID == n.self
		}
	}
	return false
}

// step takes the next step of the change under way, if it can be taken.
func (n *Node) step(table *ring.Table) {
	if !table.Settling() {
		if n.ready(table, gainsOf(table)) && n.given(table) {
			n.carry(table, ring.Settling)
		}
		return
	}
	if n.agreed(table) {
		n.carry(table, ring.Done)
	}
}

// ready reports whether all who gain slots are filled.
func (n *Node) ready(table *ring.Table, gains map[ring.NodeID]*engine.SlotSet) bool {
	for id := range gains {
		if r, ok := n.record(id); !ok || r.Ready != table.ChangeID() {
			return false
		}
	}
	return true
}

// given reports whether others cover what leaving nodes hold.
func (n *Node) given(table *ring.Table) bool {
	for i := range table.Nodes() {
		node := &table.Nodes()[i]
		if r, _ := n.record(node.ID); node.State == ring.Leaving && table.Takes(node) && r.Ready != table.ChangeID() {
			return false
		}
	}
	return true
}

// agreed reports whether all nodes have the same ring as this one, but for fewer than R and W that cannot be reached, and others cover
// what those hold that leave, this node among them.
func (n *Node) agreed(table *ring.Table) bool {
	if !n.settled(table) {
		return false
	}
	missing := 0
	for _, node := range table.Nodes() {
		if node.State == ring.Removing {
			continue
		}
		answer, err := []byte(nil), errAway
		switch {
		case node.ID == n.self:
			answer, err = n.serveRingVersion(), nil
		case n.transport.Up(string(node.ID)):
			answer, err = n.ask(node.ID, kindRingVersion, nil, n.settings().Timeout)
		}
		switch {
		case err != nil && node.State == ring.Leaving && table.Takes(&node):
			return false
		case err != nil:
			missing++
		case len(answer) != 8 || binary.BigEndian.Uint64(answer) != table.Version():
			return false
		}
	}
	quorum := n.settings().Quorum.Within(len(table.Primaries(0)))
	return missing == 0 || missing < int(min(quorum.R, quorum.W))
}

// settled reports whether every command that began before this node knew of the ring has ended.
func (n *Node) settled(table *ring.Table) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.Ring() == table && time.Since(n.since) >= n.settings().Timeout
}

// carry takes the change under way to a phase.
func (n *Node) carry(table *ring.Table, phase ring.Phase) {
	err := n.membership.Change(func(records membership.Records) (changed []membership.Record, err error) {
		if n.Ring() != table {
			return nil, nil // there is news
		}
		for _, r := range records.List() {
			if node := r.Node(); table.Takes(&node) {
				if phase == ring.Done && r.State == ring.Leaving {
					r.Ready = table.ChangeID() // so it has answered; its record may have yet to say so again, after a restart
				}
				r.Carry(phase)
				changed = append(changed, r)
			}
		}
		return changed, nil
	})
	if err != nil {
		n.logger.Error("a change of the ring could not go on", "error", err)
		return
	}
	n.logger.Info("a change of the ring goes on", "changes", slices.Clone(table.Active()), "to", phase)
}

// serveRingVersion answers with the version of the ring, or with 0 while this node is about to leave and holds what others may not
// cover.
func (n *Node) serveRingVersion() []byte {
	table := n.Ring()
	version := table.Version()
	if n.takesPart(table, ring.Leaving) && n.yielded.Load() != version {
		version = 0
	}
	return binary.BigEndian.AppendUint64(nil, version)
}
