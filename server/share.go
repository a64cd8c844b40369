package server

import (
	"fmt"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/server/config"
)

// metaShare is where the configured weight and zone are kept beside the data. What the node has may be something else, for
// RING STAGE changes it too: only what differs from the configuration of the last start, or is given to CONFIG SET, is a
// wish for a change.
const metaShare = "configured-share"

// wantShare begins a change of this node's weight and zone when the configuration has changed.
func (n *Node) wantShare(c *config.Config) {
	now := fmt.Sprint(c.Weight, " ", c.Zone)
	kept, err := n.store.LoadMeta(metaShare)
	if err == nil && kept != nil && string(kept) != now {
		id := n.cluster.ID()
		err = n.cluster.RingCommit(
			cluster.RingChange{Kind: cluster.ChangeWeight, Node: id, Weight: c.Weight},
			cluster.RingChange{Kind: cluster.ChangeZone, Node: id, Zone: c.Zone},
		)
	}
	if err == nil && string(kept) != now {
		err = n.store.SaveMeta(metaShare, []byte(now))
	}
	if err != nil {
		n.log.Error("weight and zone stay as they are", "error", err)
	}
}
