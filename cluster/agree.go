package cluster

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
)

// Stores that have another ring than a coordinator are no part of its quorums. Gossip takes a moment to reach everybody, and
// does not go where only data connections do, so two nodes that find that they differ tell each other their member records at once:
// after that both have the same ring, whichever was behind.

// kindRecords brings a node's member records. The reply is the version of the ring that the other has with them, and its records.
const kindRecords uint8 = 22

// agreements are the exchanges of records with peers that are under way, and those that were of no use.
type agreements struct {
	mu      sync.Mutex // guards the two below
	waiting map[ring.NodeID][]func(same bool)
	vain    map[ring.NodeID]vainly
}

// vainly is when an exchange last left a peer with another ring than this node's, and which that was. It is not tried again at once.
type vainly struct {
	at      time.Time
	version uint64
}

// agree exchanges records with a peer, and tells whether both have the same ring then. One exchange with a peer is under way at a
// time, for all who ask.
func (n *Node) agree(peer ring.NodeID, done func(same bool)) {
	a := &n.agreements
	a.mu.Lock()
	if v, ok := a.vain[peer]; ok && v.version == n.Ring().Version() && time.Since(v.at) < fillPause {
		a.mu.Unlock()
		done(false)
		return
	}
	if a.waiting == nil {
		a.waiting, a.vain = map[ring.NodeID][]func(bool){}, map[ring.NodeID]vainly{}
	}
	waiting, underWay := a.waiting[peer]
	a.waiting[peer] = append(waiting, done)
	a.mu.Unlock()
	if !underWay {
		n.running.Go(func() { n.exchangeRecords(peer) })
	}
}

func (n *Node) exchangeRecords(peer ring.NodeID) {
	same := false
	var err error
	if n.started.Load() {
		var answer []byte
		if answer, err = n.ask(peer, kindRecords, n.membership.Encoded(), n.settings().Timeout/2); err == nil {
			same, err = n.learnFrom(answer)
		}
	}
	a := &n.agreements
	a.mu.Lock()
	_, before := a.vain[peer]
	if same {
		delete(a.vain, peer)
	} else {
		a.vain[peer] = vainly{time.Now(), n.Ring().Version()}
	}
	waiting := a.waiting[peer]
	delete(a.waiting, peer)
	a.mu.Unlock()
	if !same && !before {
		n.logger.Warn("a peer has another ring, and an exchange of the member records did not change that", "peer", peer, "error", err)
	}
	for _, done := range waiting {
		done(same)
	}
}

// learnFrom takes the reply to kindRecords. It reports whether this node has the ring that the peer has now.
func (n *Node) learnFrom(answer []byte) (same bool, err error) {
	if len(answer) < 8 {
		return false, coordinator.ErrMalformed
	}
	err = n.membership.Learn(answer[8:])
	return n.Ring().Version() == binary.BigEndian.Uint64(answer), err
}

// serveRecords answers kindRecords.
func (n *Node) serveRecords(request *transport.Request) ([]byte, error) {
	if !n.started.Load() {
		return nil, errNotYet
	}
	if err := n.membership.Learn(request.Payload); err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint64(nil, n.Ring().Version()), n.membership.Encoded()...), nil
}
