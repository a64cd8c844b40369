package cluster

import (
	"time"

	"github.com/kindredkv/kindred/cluster/hint"
)

// HintSettings are what a node can change of the replay of hints while it runs.
type HintSettings struct {
	// Rate is how many bytes of hints a second are sent; 0 pauses it.
	Rate int64
	// MaxAge is the age from which on a hint is let go when other primaries have what it holds.
	MaxAge time.Duration
}

// newReplayer makes what delivers the hints of this node's store.
func (n *Node) newReplayer(settings func() HintSettings) *hint.Replayer {
	return hint.New(hint.Options{
		Self: n.self, Store: n.store, Peers: peers{n}, Ring: n.Ring, Now: n.now, Logger: n.logger,
		Settings: func() hint.Settings {
			s, h := n.settings(), settings()
			return hint.Settings{Rate: h.Rate, MaxAge: h.MaxAge, Timeout: s.Timeout, W: int(s.Quorum.W)}
		},
	})
}

// HintStatus is what a node keeps for others.
type HintStatus struct {
	// Keys is the number of hints, Bytes what they take.
	Keys, Bytes int64
	// Owners are the nodes that they are owed to, by id.
	Owners []HintOwner
}

// HintOwner is what a node keeps for another.
type HintOwner struct {
	ID          string
	Keys, Bytes int64
	// Oldest is the age of the oldest hint, to the second.
	Oldest time.Duration
	hint.Status
}

// HintStatus tells what this node keeps for others.
func (n *Node) HintStatus() HintStatus {
	stats := n.store.HintStats()
	out := HintStatus{Keys: stats.Keys, Bytes: stats.Bytes}
	for _, o := range stats.Owners {
		out.Owners = append(out.Owners, HintOwner{
			ID: string(o.Owner), Keys: o.Keys, Bytes: o.Bytes,
			Oldest: max(0, n.now().Sub(o.Oldest)).Truncate(time.Second), Status: n.hints.Status(o.Owner),
		})
	}
	return out
}
