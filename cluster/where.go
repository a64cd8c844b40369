package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine/object"
)

// kindWhere asks a node what its store holds of a key: the database and the name.
const kindWhere uint8 = 24

// Role is what a node is for a slot.
type Role string

const (
	// Primary is one of the slot's N replicas.
	Primary Role = "primary"
	// Pending will be one when the nodes that join and leave have done so, and gets every write.
	Pending Role = "pending"
	// Fallback stands in for a primary that is away.
	Fallback Role = "fallback"
)

// Replica is what a node says of a key.
type Replica struct {
	Node string
	Role Role
	// Err is why it did not say; nil when it did.
	Err     error
	Holding Holding
}

// Where asks every node of a key's preference list what it holds of it, at one moment and without repairing anything: the
// primaries first, then those that are to become primaries, then the fallbacks. It takes no longer than the request timeout.
func (n *Node) Where(ctx context.Context, key object.Key) []Replica {
	replicas := n.replicasOf(key.Slot())
	type answer struct {
		i       int
		holding Holding
		err     error
	}
	answers := make(chan answer, len(replicas))
	payload := append([]byte{key.DB}, key.Name...)
	for i := range replicas {
		replicas[i].Err = fmt.Errorf("not asked: %w", ErrClosed)
		if replicas[i].Node == string(n.self) {
			h, err := n.holding(key)
			answers <- answer{i, h, err}
			continue
		}
		n.transport.Call(replicas[i].Node, kindWhere, payload, n.settings().Timeout, func(r transport.Reply) {
			h, err := holdingReply(r)
			answers <- answer{i, h, err}
		})
	}
	for range replicas {
		select {
		case a := <-answers:
			replicas[a.i].Holding, replicas[a.i].Err = a.holding, a.err
		case <-ctx.Done():
			return replicas
		case <-n.ctx.Done():
			return replicas
		}
	}
	return replicas
}

// replicasOf lists whom to ask about a slot.
func (n *Node) replicasOf(slot object.Slot) []Replica {
	table := n.Ring()
	var out []Replica
	listed := map[ring.NodeID]bool{}
	add := func(ids []ring.NodeID, role Role) {
		for _, id := range ids {
			if !listed[id] {
				listed[id] = true
				out = append(out, Replica{Node: string(id), Role: role})
			}
		}
	}
	add(table.Primaries(slot), Primary)
	add(table.Pending(slot), Pending)
	add(table.Preference(slot), Fallback)
	return out
}

func holdingReply(r transport.Reply) (Holding, error) {
	switch {
	case r.Err != nil:
		return Holding{}, r.Err
	case r.Status != coordinator.StatusOK:
		return Holding{}, errors.New(string(r.Payload))
	default:
		return decodeHolding(r.Payload)
	}
}

// serveWhere answers a peer.
func (n *Node) serveWhere(payload []byte) ([]byte, error) {
	if len(payload) == 0 {
		return nil, coordinator.ErrMalformed
	}
	h, err := n.holding(object.Key{DB: payload[0], Name: string(payload[1:])})
	if err != nil {
		return nil, err
	}
	return appendHolding(nil, &h), nil
}
