package cluster

import (
	"time"

	"github.com/kindredkv/kindred/cluster/antientropy"
)

// newRepairer makes the node's part in anti-entropy.
func (n *Node) newRepairer(rate func() int64) (*antientropy.Repairer, error) {
	return antientropy.New(antientropy.Options{
		Self: n.self, Store: n.store, Peers: peers{n}, Ring: n.Ring, Now: n.now, Logger: n.logger,
		Settings: func() antientropy.Settings {
			s := n.settings()
			replicas := time.Duration(len(n.Ring().Primaries(0)))
			return antientropy.Settings{Rate: rate(), Timeout: s.Timeout, Oldest: s.Timeout + replicas*s.HedgeDelay}
		},
	})
}
