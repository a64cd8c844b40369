package membership

import (
	"encoding/json"

	"github.com/hashicorp/memberlist"

	"github.com/kindredkv/kindred/cluster/ring"
)

// summary stands for all records of a node in a push/pull between nodes that know each other. Of two that differ each sends the
// other its records, so what the push/pulls of a cluster at rest carry does not grow with the records.
type summary struct {
	From ring.NodeID `json:"from"`
	// Sum is a hash of the encoded records.
	Sum uint64 `json:"sum"`
}

// LocalState is this node's part of a push/pull: all records when two nodes meet, else their summary.
func (d *delegate) LocalState(join bool) []byte {
	m := d.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if join {
		return m.encoded
	}
	b, err := json.Marshal(encoded{Format: format, Summary: &summary{m.own.ID, m.sum}})
	if err != nil {
		panic("membership: " + err.Error())
	}
	return b
}

// MergeRemoteState takes the other node's part of a push/pull.
func (d *delegate) MergeRemoteState(b []byte, _ bool) {
	e, err := decode(b)
	if err != nil {
		d.m.options.Logger.Warn("gossip was not understood", "error", err)
		return
	}
	d.m.take(e.Records)
	if e.Summary != nil {
		d.m.compare(e.Summary)
	}
}

// compare sends a node that knows other records than this one all of them. The other does the same.
func (m *Membership) compare(s *summary) {
	m.mu.Lock()
	same, records := s.Sum == m.sum, m.encoded
	m.mu.Unlock()
	if same {
		return
	}
	select {
	case <-m.created:
	default:
		return
	}
	for _, n := range m.list.Members() {
		if n.Name != string(s.From) {
			continue
		}
		if err := m.list.SendReliable(&memberlist.Node{Name: n.Name, Addr: n.Addr, Port: n.Port}, records); err != nil {
			m.options.Logger.Debug("the member records could not be sent", "to", n.Name, "error", err)
		}
		return
	}
}
