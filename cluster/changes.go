package cluster

import (
	"math/rand/v2"

	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/ring"
)

// stamp numbers a change of the ring: changes take place in about the order in which they were asked for.
func (n *Node) stamp() uint64 { return uint64(n.now().UnixMilli())<<16 | rand.Uint64N(1<<16) }

// Leave has a node give its slots away and drop out of the cluster.
func (n *Node) Leave(id ring.NodeID) error {
	return n.membership.Set(id, func(r membership.Record) membership.Record {
		r.State, r.Change, r.Phase = ring.Leaving, n.stamp(), ring.Filling
		return r
	})
}

// depart ends this node's part in the cluster. What it held goes when others cover it; what they may lack is left alone.
func (n *Node) depart(own membership.Record) {
	if !own.Left() {
		n.logger.Error("this node was removed from the cluster: nothing is taken from it any more. Started again it sets its data " +
			"aside and joins as a new node")
		return
	}
	if err := n.store.Clear(); err != nil {
		n.logger.Error("this node has left the cluster, but its data could not be dropped", "error", err)
		return
	}
	n.logger.Info("this node has left the cluster. It holds no data any more and can be stopped")
}
