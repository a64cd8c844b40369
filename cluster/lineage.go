package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
)

// A store that is put back to an old copy of its disk answers as if it were whole, and brings back what was removed since, for
// nobody remembers the removal. It cannot notice itself, but its peers can: each node asks the others how far their stores have
// come, and tells them what they said last, before anything else on a new connection. A node that has said more than its
// store knows of stops; its store is set aside at the next start, and it is filled again like one that was lost.
//
// What was said is kept in memory only. When a whole cluster is put back to copies, of different moments even, nobody
// remembers anything, and the replicas are joined to what they have together.

// kindLineage tells a node what it said last of its store, and asks for that of now.
const kindLineage uint8 = 25

// lineagePause is how often that is asked, for each peer there is; at most every second. By the default timeouts tombstones stay for
// longer than it takes to know that a copy of a disk is older.
const lineagePause = 20 * time.Millisecond

// lineages are what peers have said of their stores.
type lineages struct {
	mu   sync.Mutex // guards seen
	seen map[ring.NodeID]engine.Lineage
}

func (l *lineages) of(id ring.NodeID) engine.Lineage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[id]
}

func (l *lineages) note(id ring.NodeID, said engine.Lineage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[ring.NodeID]engine.Lineage{}
	}
	l.seen[id] = said
}

// watchLineages asks all peers how far their stores have come, again and again until the node stops.
func (n *Node) watchLineages() {
	for n.sleep(max(time.Second, lineagePause*time.Duration(len(n.Ring().Nodes())))) {
		for _, node := range n.Ring().Nodes() {
			if node.ID != n.self && n.transport.Up(string(node.ID)) {
				n.askLineage(node.ID)
			}
		}
	}
}

// askLineage asks a peer. It does not wait.
func (n *Node) askLineage(id ring.NodeID) {
	seen := n.lineages.of(id)
	n.transport.Call(string(id), kindLineage, appendLineage(nil, seen), 0, func(r transport.Reply) {
		if r.Err != nil || r.Status != coordinator.StatusOK {
			return
		}
		if said, err := takeLineage(r.Payload); err == nil && !said.PutBack(seen) {
			n.lineages.note(id, said)
		}
	})
}

// errPutBack says that this node's store is an old one.
var errPutBack = errors.New("the store was put back to an old copy")

// serveLineage answers with how far this node's store has come, or stops the node when it was further once.
func (n *Node) serveLineage(request *transport.Request) {
	own := n.store.Lineage()
	seen, err := takeLineage(request.Payload)
	switch {
	case err != nil:
		request.Respond(coordinator.StatusRefused)
		return
	case own.PutBack(seen):
		n.store.Condemn(fmt.Errorf("%w: it knows of nothing after %s, and node %s has seen it at %s. It is set aside at the next start, "+
			"and the other nodes fill this one again. To put back the copies of all nodes, stop all of them first",
			errPutBack, wallTime(own.Found), request.From, wallTime(seen.Ceiling)))
	}
	request.Respond(coordinator.StatusOK, appendLineage(nil, own))
}

func wallTime(t causal.Time) string { return t.Wall().UTC().Format(time.RFC3339) }

func appendLineage(b []byte, l engine.Lineage) []byte {
	for _, x := range []uint64{uint64(l.Node), uint64(l.Run), uint64(l.Found), uint64(l.Ceiling)} {
		b = binary.BigEndian.AppendUint64(b, x)
	}
	return b
}

func takeLineage(b []byte) (l engine.Lineage, err error) {
	if len(b) != 32 {
		return l, coordinator.ErrMalformed
	}
	at := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	return engine.Lineage{
		Node: causal.Node(at(0)), Run: engine.SyncMark(at(1)), Found: causal.Time(at(2)), Ceiling: causal.Time(at(3)),
	}, nil
}
