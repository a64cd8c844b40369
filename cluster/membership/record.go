package membership

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine/causal"
)

// Record is what the cluster knows of a node. Records are all that travels: every node computes the ring from them.
type Record struct {
	ID ring.NodeID `json:"id"`
	// Store is the number of the node's store, which its dots carry.
	Store causal.Node `json:"store"`
	// Host is the name or address that clients and peers reach the node at.
	Host        string `json:"host"`
	Port        uint16 `json:"port"`
	ClusterPort uint16 `json:"clusterPort,omitempty"`
	PeerPort    uint16 `json:"peerPort"`
	GossipPort  uint16 `json:"gossipPort"`
	HTTPPort    uint16 `json:"httpPort,omitempty"`
	// Weight multiplies the node's share of the ring.
	Weight uint16     `json:"weight"`
	Zone   string     `json:"zone,omitempty"`
	State  ring.State `json:"state"`
	// Change, Phase, NextWeight, NextZone and Replaces tell what becomes of the node, as in ring.Node. Others than the node
	// itself may write them, as they may Weight, Zone and State.
	Change     uint64      `json:"change,omitempty"`
	Phase      ring.Phase  `json:"phase,omitempty"`
	NextWeight uint16      `json:"nextWeight,omitempty"`
	NextZone   string      `json:"nextZone,omitempty"`
	Replaces   ring.NodeID `json:"replaces,omitempty"`
	// Ready is the ring.Table.ChangeID of the change for which the node has done its part: it has been filled, or others
	// cover what it gives away.
	Ready uint64 `json:"ready,omitempty"`
	// Lacks says that the node's store has yet to get what the node should hold: it is new, and the node need not be.
	Lacks bool `json:"lacks,omitempty"`
	// Replicas and Vnodes must be the same on all nodes of a cluster.
	Replicas uint16 `json:"replicas"`
	Vnodes   uint16 `json:"vnodes"`
	// Version orders the records of one node: the greater is the newer.
	Version uint64 `json:"version"`
	// Software is the version that the node runs.
	Software string `json:"software,omitempty"`
}

// PeerAddress is where other nodes connect for data.
func (r *Record) PeerAddress() string { return net.JoinHostPort(r.Host, strconv.Itoa(int(r.PeerPort))) }

// GossipAddress is where other nodes gossip.
func (r *Record) GossipAddress() string {
	return net.JoinHostPort(r.Host, strconv.Itoa(int(r.GossipPort)))
}

// Node is what of the record determines the placement.
func (r *Record) Node() ring.Node {
	return ring.Node{
		ID: r.ID, Weight: int(r.Weight), Zone: r.Zone, State: r.State, Change: r.Change, Phase: r.Phase,
		NextWeight: int(r.NextWeight), NextZone: r.NextZone, Replaces: r.Replaces,
	}
}

// Carry makes the record what its change is to make it, in a phase.
func (r *Record) Carry(phase ring.Phase) {
	r.Phase = phase
	if phase != ring.Done {
		return
	}
	switch {
	case r.State == ring.Joining:
		r.State = ring.Member
	case r.State == ring.Leaving:
		r.State = ring.Removed
	case r.State == ring.Removing:
		r.State, r.Ready = ring.Removed, 0
	case r.NextWeight > 0:
		r.Weight, r.Zone, r.NextWeight, r.NextZone = r.NextWeight, r.NextZone, 0, ""
	}
}

// Left reports whether the node has left in good order: others cover all that it held.
func (r *Record) Left() bool { return r.State == ring.Removed && r.Ready != 0 }

// adopt takes over what others may write, from a newer record of the same node.
func (r *Record) adopt(o *Record) {
	r.Version, r.State, r.Weight, r.Zone = o.Version, o.State, o.Weight, o.Zone
	r.Change, r.Phase, r.NextWeight, r.NextZone, r.Replaces = o.Change, o.Phase, o.NextWeight, o.NextZone, o.Replaces
}

// newer reports whether r replaces o. Removal is final: a node that was away when it was removed has made newer versions
// of its record with every start since. A node that starts with a new store knows nothing of what it was, and takes itself
// for one that joins: what others know of it holds. Two records of one version, which only a fault can bring about, are ordered by
// content, so that all nodes keep the same.
func (r *Record) newer(o *Record) bool {
	if removed := r.State == ring.Removed; removed != (o.State == ring.Removed) {
		return removed
	}
	if joining := r.State == ring.Joining; joining != (o.State == ring.Joining) {
		return !joining
	}
	if r.Version != o.Version {
		return r.Version > o.Version
	}
	if *r == *o {
		return false
	}
	a, _ := json.Marshal(r)
	b, _ := json.Marshal(o)
	return bytes.Compare(a, b) > 0
}

// Records is the newest record of each node. It merges newest-wins, so the order in which news arrives is of no account.
type Records map[ring.NodeID]Record

// Merge takes the newer records and reports whether there were any.
func (s Records) Merge(news []Record) (changed bool) {
	for _, r := range news {
		if have, ok := s[r.ID]; !ok || r.newer(&have) {
			s[r.ID] = r
			changed = true
		}
	}
	return changed
}

// List is the records by id.
func (s Records) List() []Record {
	out := make([]Record, 0, len(s))
	for _, id := range slices.Sorted(maps.Keys(s)) {
		out = append(out, s[id])
	}
	return out
}

// Limits on what is taken from outside.
const (
	maxRecords = 10_000
	maxEncoded = 16 << 20
	maxText    = 255
)

// ErrRecords says that bytes are not records.
var ErrRecords = errors.New("malformed member records")

// encoded is the form in which records travel and are kept. Fields that a later version adds are ignored.
type encoded struct {
	Format  int     `json:"format"`
	Records limited `json:"records"`
	// Summary may come instead of records, in a push/pull.
	Summary *summary `json:"summary,omitempty"`
}

// limited is a list of at most maxRecords records. The JSON of an empty one takes a fiftieth of its memory, so what is too
// long is not decoded first and counted then.
type limited []Record

// UnmarshalJSON decodes a list up to its limit.
func (l *limited) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if start, err := d.Token(); err != nil || start != json.Delim('[') {
		return fmt.Errorf("%w: no list", ErrRecords)
	}
	*l = limited{}
	for d.More() {
		if len(*l) == maxRecords {
			return fmt.Errorf("%w: more than %d", ErrRecords, maxRecords)
		}
		var r Record
		if err := d.Decode(&r); err != nil {
			return err
		}
		*l = append(*l, r)
	}
	return nil
}

const format = 1

// Encode encodes records.
func Encode(records []Record) []byte {
	b, err := json.Marshal(encoded{Format: format, Records: records})
	if err != nil {
		panic("membership: a record that cannot be encoded: " + err.Error())
	}
	return b
}

// Decode decodes records and checks each.
func Decode(b []byte) ([]Record, error) {
	e, err := decode(b)
	return e.Records, err
}

func decode(b []byte) (e encoded, err error) {
	if len(b) > maxEncoded {
		return encoded{}, fmt.Errorf("%w: %d bytes", ErrRecords, len(b))
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return encoded{}, fmt.Errorf("%w: %w", ErrRecords, err)
	}
	if e.Format != format {
		return encoded{}, fmt.Errorf("%w: format %d", ErrRecords, e.Format)
	}
	for i := range e.Records {
		if err := e.Records[i].validate(); err != nil {
			return encoded{}, err
		}
	}
	return e, nil
}

func (r *Record) validate() error {
	if _, err := ring.ParseNodeID(string(r.ID)); err != nil {
		return fmt.Errorf("%w: %w", ErrRecords, err)
	}
	if r.Host == "" || len(r.Host) > maxText || len(r.Zone) > maxText || len(r.Software) > maxText {
		return fmt.Errorf("%w: node %s: a text is missing or too long", ErrRecords, r.ID)
	}
	if _, err := ring.ParseNodeID(string(r.Replaces)); r.Replaces != "" && (err != nil || r.Replaces == r.ID) {
		return fmt.Errorf("%w: node %s: it replaces %q", ErrRecords, r.ID, r.Replaces)
	}
	if r.State > ring.Removing || r.Phase > ring.Done || len(r.NextZone) > maxText {
		return fmt.Errorf("%w: node %s: a value is out of range", ErrRecords, r.ID)
	}
	if r.Weight == 0 || r.Replicas == 0 || r.Vnodes == 0 || r.PeerPort == 0 || r.GossipPort == 0 {
		return fmt.Errorf("%w: node %s: a value is out of range", ErrRecords, r.ID)
	}
	return nil
}
