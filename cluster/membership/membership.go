package membership

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/cluster/ring"
)

// Membership is this node's part in the gossip.
type Membership struct {
	options Options
	hello   []byte // this node's metadata, encoded
	list    *memberlist.Memberlist
	queue   memberlist.TransmitLimitedQueue

	mu      sync.Mutex // guards the eight below
	own     Record     // this node's record as the node itself has it
	records Records
	encoded []byte // the records, as they were saved last; never changed, only replaced
	sum     uint64 // of encoded
	alive   map[ring.NodeID]bool
	joined  bool
	settled bool // nobody is missing: what that follows from has not changed since it was found
	closed  bool // nothing is taken or saved any more: memberlist does not wait for the packets that it is at

	notices sync.Mutex    // orders calls of Events
	created chan struct{} // closed when list is there: memberlist calls the delegate before that
	stop    context.CancelFunc
	running sync.WaitGroup

	complaint  string // the latest reason why nobody answers; with the next it is redial's
	complained time.Time
}

// Start loads the records, takes this node's own in, and begins to gossip. It does not wait for other members.
func Start(o Options) (*Membership, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Redial == 0 {
		o.Redial, o.MaxRedial = DefaultRedial, DefaultMaxRedial
	}
	m := &Membership{options: o, hello: encodeHello(&o.Self), records: Records{}, alive: map[ring.NodeID]bool{}, created: make(chan struct{})}
	if err := m.load(); err != nil {
		return nil, err
	}
	config, err := m.config()
	if err != nil {
		return nil, err
	}
	m.queue = memberlist.TransmitLimitedQueue{NumNodes: m.members, RetransmitMult: config.RetransmitMult}
	if m.list, err = memberlist.Create(config); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	close(m.created)
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	m.running.Go(func() { m.redial(ctx) })
	return m, nil
}

// load reads what an earlier run knew and puts this node's record above it.
func (m *Membership) load() error {
	kept, err := m.options.Storage.Load()
	if err != nil {
		return fmt.Errorf("load member records: %w", err)
	}
	if kept != nil {
		records, err := Decode(kept)
		if err != nil {
			return fmt.Errorf("load member records: %w", err)
		}
		m.records.Merge(records)
	}
	self := m.options.Self
	if before, ok := m.records[self.ID]; ok {
		configured := self
		self.adopt(&before)
		if before.State == ring.Joining { // a member's are changed by a change of the ring
			self.Weight, self.Zone = configured.Weight, configured.Zone
		}
		if before.State == ring.Removed {
			return fmt.Errorf("%w: empty its directory to join as a new node", ErrRemoved)
		}
	}
	self.Version++
	m.own = self
	m.records[self.ID] = self
	return m.save()
}

// ErrRemoved says that this node has been removed from the cluster.
var ErrRemoved = errors.New("this node was removed from the cluster")

// config is memberlist's configuration for a local network, quicker at noticing a dead node: with a probe every
// 500 ms and three suspicion intervals a crash is known in 2 to 3 seconds. Commands do not wait for that; they fail over
// when the connection breaks or an answer is late.
func (m *Membership) config() (*memberlist.Config, error) {
	o := &m.options
	c := memberlist.DefaultLANConfig()
	c.Name = string(o.Self.ID)
	c.Label = o.Cluster
	c.ProbeInterval, c.ProbeTimeout = 500*time.Millisecond, 250*time.Millisecond
	c.SuspicionMult = 3
	c.PushPullInterval = 10 * time.Second
	c.DeadNodeReclaimTime = time.Second // a node that restarts at another address takes its name back
	c.LogOutput, c.Logger = nil, newLogger(o.Logger)
	c.Transport = o.Transport
	c.BindAddr, c.BindPort = o.Bind, int(o.Self.GossipPort)
	if o.Transport == nil {
		ip, err := resolve(o.Self.Host)
		if err != nil {
			return nil, err
		}
		c.AdvertiseAddr = ip.String()
	}
	c.AdvertisePort = int(o.Self.GossipPort)
	if len(o.Secret) > 0 {
		key := sha256.Sum256(append([]byte("kindred gossip\x00"), o.Secret...))
		c.SecretKey = key[:]
	}
	d := &delegate{m}
	c.Delegate, c.Events, c.Alive, c.Merge = d, d, d, d
	return c, nil
}

func resolve(host string) (net.IP, error) {
	ips, err := net.LookupIP(host)
	if err != nil {
		return nil, fmt.Errorf("advertise: %w", err)
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("advertise: %s has no address", host)
	}
	return ips[0], nil
}

// Records are all that is known, removed nodes included, by id.
func (m *Membership) Records() []Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records.List()
}

// Tell calls Events.Changed with what is known now.
func (m *Membership) Tell() {
	m.notices.Lock()
	defer m.notices.Unlock()
	m.options.Events.Changed(m.Records())
}

// Alive reports whether gossip has the node among those that answer.
func (m *Membership) Alive(id ring.NodeID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.alive[id]
}

// Joined reports whether this node has met another, or had none to meet.
func (m *Membership) Joined() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.joined || len(m.options.Join) == 0
}

// Set changes the record of a node and tells the others. change gets the newest record and returns what it is to be; it
// must not call the Membership.
func (m *Membership) Set(id ring.NodeID, change func(Record) Record) error {
	return m.Change(func(records Records) ([]Record, error) {
		r, ok := records[id]
		if !ok {
			return nil, fmt.Errorf("node %s is not known", id)
		}
		return []Record{change(r)}, nil
	})
}

// Change changes records of several nodes and tells the others. compose gets the newest records, which it must not change,
// and returns those that are to be different; it must not call the Membership. With an error nothing is changed.
func (m *Membership) Change(compose func(Records) ([]Record, error)) error {
	return m.update(func() ([]Record, error) {
		changed, err := compose(m.records)
		if err != nil {
			return nil, err
		}
		for i := range changed {
			r := &changed[i]
			r.Version = m.records[r.ID].Version + 1
			if err := r.validate(); err != nil {
				return nil, err
			}
			if r.ID == m.own.ID {
				m.own = *r
			}
		}
		return changed, nil
	})
}

// Leave tells the others that this node goes, so that they need not find out.
func (m *Membership) Leave(timeout time.Duration) error { return m.list.Leave(timeout) }

// Close stops gossiping.
func (m *Membership) Close() error {
	m.stop()
	m.running.Wait()
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	return m.list.Shutdown()
}

// Learn takes what another node knows, encoded, as gossip would have brought it. When it returns, Events.Changed has been told.
func (m *Membership) Learn(encoded []byte) error {
	news, err := Decode(encoded)
	if err != nil {
		return err
	}
	m.take(news)
	return nil
}

func (m *Membership) take(news []Record) {
	_ = m.update(func() ([]Record, error) { return news, nil }) // its only error would be from the function
}

// Encoded is all that is known, for Learn at another node. It must not be changed.
func (m *Membership) Encoded() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.encoded
}

// update takes records, keeps them, and passes on what was news. compose is called with mu held.
func (m *Membership) update(compose func() ([]Record, error)) error {
	m.notices.Lock()
	defer m.notices.Unlock()
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	news, err := compose()
	if err != nil {
		m.mu.Unlock()
		return err
	}
	news = slices.DeleteFunc(news, func(r Record) bool {
		have, ok := m.records[r.ID]
		return ok && !r.newer(&have) || m.refuses(&r)
	})
	if len(news) == 0 || !m.records.Merge(news) {
		m.mu.Unlock()
		return nil
	}
	if own := m.refute(news); own != nil {
		news = append(news, *own)
	}
	records := m.records.List()
	err = m.save()
	m.mu.Unlock()
	if err != nil {
		m.options.Logger.Error("the member records could not be saved", "error", err)
	}
	for _, r := range news {
		m.queue.QueueBroadcast(&broadcast{id: r.ID, message: Encode([]Record{r})})
	}
	m.options.Events.Changed(records)
	return nil
}

// refute answers news about this node that it did not write itself: a record that outlived the disk it came from, or
// one of a version that an earlier run took. It is called with mu held.
func (m *Membership) refute(news []Record) *Record {
	for _, r := range news {
		if r.ID != m.own.ID || r.State == ring.Removed {
			continue
		}
		version := max(m.own.Version, r.Version)
		m.own.adopt(&r)
		m.own.Version = version
		if m.own != r {
			m.own.Version++
			m.records[m.own.ID] = m.own
			own := m.own
			return &own
		}
	}
	return nil
}

// refuses reports whether a record cannot be part of this cluster. It is called with mu held.
func (m *Membership) refuses(r *Record) bool {
	if r.Replicas != m.own.Replicas || r.Vnodes != m.own.Vnodes {
		m.options.Logger.Error("a node with other replicas or vnodes was refused", "node", r.ID, "host", r.Host,
			"replicas", r.Replicas, "vnodes", r.Vnodes)
		return true
	}
	for _, o := range m.records {
		if o.ID != r.ID && o.Store == r.Store && o.State != ring.Removed && r.State != ring.Removed {
			m.options.Logger.Error("a node with the number of another's store was refused: is its directory a copy?",
				"node", r.ID, "host", r.Host, "other", o.ID)
			return true
		}
	}
	return false
}

// save keeps the records. It is called with mu held, so that an older state never overwrites a newer one.
func (m *Membership) save() error {
	m.settled = false
	m.encoded = Encode(m.records.List())
	m.sum = xxh3.Hash(m.encoded)
	return m.options.Storage.Save(m.encoded)
}

func (m *Membership) members() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(1, len(m.alive))
}
