package membership

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/memberlist"

	"github.com/kindredkv/kindred/cluster/ring"
)

// delegate is what memberlist calls.
type delegate struct{ m *Membership }

// hello is a node's metadata: what must agree before anything else is taken from it.
type hello struct {
	Protocol int    `json:"protocol"`
	Replicas uint16 `json:"replicas"`
	Vnodes   uint16 `json:"vnodes"`
}

// protocol is the version of what is gossiped.
const protocol = 1

// ErrIncompatible says that a node cannot be a member of this cluster.
var ErrIncompatible = errors.New("incompatible node")

// NodeMeta is this node's hello.
func (d *delegate) NodeMeta(int) []byte { return d.m.hello }

func encodeHello(self *Record) []byte {
	b, err := json.Marshal(hello{Protocol: protocol, Replicas: self.Replicas, Vnodes: self.Vnodes})
	if err != nil {
		panic("membership: " + err.Error())
	}
	return b
}

// NotifyMerge refuses a meeting with nodes that cannot be members here.
func (d *delegate) NotifyMerge(nodes []*memberlist.Node) error {
	for _, n := range nodes {
		if err := d.NotifyAlive(n); err != nil {
			return err
		}
	}
	return nil
}

// NotifyAlive refuses news of a node that cannot be a member here.
func (d *delegate) NotifyAlive(n *memberlist.Node) error {
	if _, err := ring.ParseNodeID(n.Name); err != nil {
		return fmt.Errorf("%w: %w", ErrIncompatible, err)
	}
	if bytes.Equal(n.Meta, d.m.hello) { // nearly always, and a push/pull asks about every member
		return nil
	}
	var h hello
	if err := json.Unmarshal(n.Meta, &h); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrIncompatible, n.Name, err)
	}
	self := &d.m.options.Self
	if h.Protocol != protocol || h.Replicas != self.Replicas || h.Vnodes != self.Vnodes {
		err := fmt.Errorf("%w: %s has protocol %d, replicas %d, vnodes %d; here they are %d, %d, %d", ErrIncompatible,
			n.Name, h.Protocol, h.Replicas, h.Vnodes, protocol, self.Replicas, self.Vnodes)
		d.m.options.Logger.Error("a node was refused", "address", n.Address(), "error", err)
		return err
	}
	return nil
}

// NotifyMsg takes a broadcast.
func (d *delegate) NotifyMsg(b []byte) { d.learn(b) }

// GetBroadcasts is what to pass on.
func (d *delegate) GetBroadcasts(overhead, limit int) [][]byte {
	return d.m.queue.GetBroadcasts(overhead, limit)
}

func (d *delegate) learn(b []byte) {
	if err := d.m.Learn(b); err != nil {
		d.m.options.Logger.Warn("gossip was not understood", "error", err)
	}
}

// NotifyJoin notes that a node answers.
func (d *delegate) NotifyJoin(n *memberlist.Node) { d.note(ring.NodeID(n.Name), true) }

// NotifyLeave notes that a node no longer answers.
func (d *delegate) NotifyLeave(n *memberlist.Node) { d.note(ring.NodeID(n.Name), false) }

// NotifyUpdate notes that a node has other metadata, which says nothing about whether it answers.
func (d *delegate) NotifyUpdate(*memberlist.Node) {}

func (d *delegate) note(id ring.NodeID, alive bool) {
	m := d.m
	m.notices.Lock()
	defer m.notices.Unlock()
	m.mu.Lock()
	m.settled = false
	if alive {
		m.alive[id] = true
		m.joined = m.joined || id != m.options.Self.ID
	} else {
		delete(m.alive, id)
	}
	m.mu.Unlock()
	switch {
	case id == m.options.Self.ID:
	case alive:
		m.options.Events.Up(id)
	default:
		m.options.Events.Down(id)
	}
}

// broadcast is a record on its way to all members. A newer one of the same node takes its place.
type broadcast struct {
	id      ring.NodeID
	message []byte
}

// Invalidates reports whether b replaces an older broadcast.
func (b *broadcast) Invalidates(o memberlist.Broadcast) bool {
	other, ok := o.(*broadcast)
	return ok && other.id == b.id
}

// Message is the encoded record.
func (b *broadcast) Message() []byte { return b.message }

// Finished is called when the broadcast has been sent often enough.
func (b *broadcast) Finished() {}
