package membership

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine/causal"
)

// wires is a network for gossip alone: it carries packets and streams between addresses, and loses them between hosts
// that are cut off from each other.
type wires struct {
	mu    sync.Mutex
	ports map[string]*port
	cut   map[[2]string]bool

	sent  atomic.Int64 // bytes, those of a packet's headers included
	dials atomic.Int64
}

// headers are the bytes of the IPv4 and UDP headers of a packet.
const headers = 20 + 8

func newWires() *wires { return &wires{ports: map[string]*port{}, cut: map[[2]string]bool{}} }

// partition cuts every host of one side off every host of the other.
func (w *wires) partition(one, other []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range one {
		for _, b := range other {
			w.cut[[2]string{a, b}], w.cut[[2]string{b, a}] = true, true
		}
	}
}

func (w *wires) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.cut)
}

// reach is the port at an address, nil when it is closed or cut off.
func (w *wires) reach(from, address string) *port {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.ports[address]
	if p == nil || w.cut[[2]string{from, p.host}] {
		return nil
	}
	return p
}

// port is a memberlist.Transport.
type port struct {
	wires   *wires
	host    string
	number  int
	packets chan *memberlist.Packet
	streams chan net.Conn
	closed  chan struct{}
}

func (w *wires) open(host string, number int) *port {
	p := &port{
		wires: w, host: host, number: number, closed: make(chan struct{}),
		packets: make(chan *memberlist.Packet, 256), streams: make(chan net.Conn),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ports[p.String()] = p
	return p
}

func (p *port) Network() string { return "test" }
func (p *port) String() string  { return net.JoinHostPort(p.host, fmt.Sprint(p.number)) }

func (p *port) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.ParseIP(p.host), p.number, nil
}

func (p *port) WriteTo(b []byte, address string) (time.Time, error) {
	now := time.Now()
	p.wires.sent.Add(int64(len(b) + headers))
	if to := p.wires.reach(p.host, address); to != nil {
		select {
		case to.packets <- &memberlist.Packet{Buf: bytes.Clone(b), From: p, Timestamp: now}:
		default: // like a full socket buffer
		}
	}
	return now, nil
}

func (p *port) PacketCh() <-chan *memberlist.Packet { return p.packets }

// DialTimeout connects by a pipe. Its ends have no address, so each is given one.
func (p *port) DialTimeout(address string, timeout time.Duration) (net.Conn, error) {
	p.wires.dials.Add(1)
	to := p.wires.reach(p.host, address)
	if to == nil {
		time.Sleep(timeout)
		return nil, fmt.Errorf("dial %s: no answer", address)
	}
	near, far := net.Pipe()
	select {
	case to.streams <- from{far, p, &p.wires.sent}:
		return from{near, to, &p.wires.sent}, nil
	case <-to.closed:
		return nil, fmt.Errorf("dial %s: refused", address)
	}
}

type from struct {
	net.Conn
	remote net.Addr
	sent   *atomic.Int64
}

func (f from) Write(b []byte) (int, error) {
	n, err := f.Conn.Write(b)
	f.sent.Add(int64(n))
	return n, err
}

func (f from) RemoteAddr() net.Addr { return f.remote }

func (p *port) StreamCh() <-chan net.Conn { return p.streams }

func (p *port) Shutdown() error {
	p.wires.mu.Lock()
	defer p.wires.mu.Unlock()
	if p.wires.ports[p.String()] == p {
		delete(p.wires.ports, p.String())
	}
	close(p.closed)
	return nil
}

// disk is a Storage that outlives its node.
type disk struct {
	mu   sync.Mutex
	kept []byte
}

func (d *disk) Load() ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kept, nil
}

func (d *disk) Save(b []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = b
	return nil
}

// output collects log lines.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// node is a running Membership with its log and its notices.
type node struct {
	*Membership
	t    *testing.T
	disk *disk
	log  output

	mu      sync.Mutex
	up      map[ring.NodeID]bool
	changes int
}

const (
	gossipPort = 17379
	secret     = "correct horse"
)

func host(i int) string { return fmt.Sprintf("10.0.%d.%d", i/256, i%256) }

func id(i int) ring.NodeID { return ring.NodeID(fmt.Sprintf("%040x", i)) }

// record is the record of node i as its process makes it at every start.
func record(i int) Record {
	return Record{
		ID: id(i), Store: causal.Node(i), Host: host(i), Port: 6379, PeerPort: 16379, GossipPort: gossipPort,
		Weight: 1, State: ring.Member, Replicas: 3, Vnodes: 16, Software: "test",
	}
}

// options are those of node i, which finds the others by node 1.
func options(w *wires, i int) Options {
	o := Options{
		Self: record(i), Cluster: "test", Secret: []byte(secret), Storage: &disk{}, Redial: DefaultRedial, MaxRedial: DefaultMaxRedial,
	}
	if i != 1 {
		o.Join = []string{net.JoinHostPort(host(1), fmt.Sprint(gossipPort))}
	}
	return o
}

// start starts a node on the network; change may alter its options.
func start(t *testing.T, w *wires, i int, change func(*Options)) *node {
	t.Helper()
	n := &node{t: t, up: map[ring.NodeID]bool{}}
	o := options(w, i)
	if change != nil {
		change(&o)
	}
	n.disk = o.Storage.(*disk)
	o.Transport = w.open(o.Self.Host, int(o.Self.GossipPort))
	o.Logger = slog.New(slog.NewTextHandler(&n.log, nil))
	note := func(alive bool) func(ring.NodeID) {
		return func(id ring.NodeID) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.up[id] = alive
		}
	}
	o.Events = Events{Up: note(true), Down: note(false), Changed: func([]Record) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.changes++
	}}
	var err error
	if n.Membership, err = Start(o); err != nil {
		t.Fatal(err)
	}
	return n
}

// startMany starts nodes 1 to n and waits until they know each other.
func startMany(t *testing.T, w *wires, n int) []*node {
	t.Helper()
	var nodes []*node
	for i := range n {
		nodes = append(nodes, start(t, w, i+1, nil))
	}
	awaitTogether(t, nodes)
	return nodes
}

// stop stops nodes. Memberlist does not wait for its probes, and time stops when a bubble's first goroutine returns.
func stop(nodes ...*node) {
	for _, n := range nodes {
		if err := n.Close(); err != nil {
			n.t.Error(err)
		}
	}
	time.Sleep(time.Minute)
}

// await waits, in the time of the bubble, until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begin := time.Now(); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > 10*time.Minute {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// together reports whether all nodes have the same records, one of each, and see each other.
func together(nodes []*node) bool {
	first := Encode(nodes[0].Records())
	for _, n := range nodes {
		if len(n.Records()) != len(nodes) || !bytes.Equal(Encode(n.Records()), first) {
			return false
		}
		for _, other := range nodes {
			if !n.sees(other) {
				return false
			}
		}
	}
	return true
}

func awaitTogether(t *testing.T, nodes []*node) {
	t.Helper()
	await(t, "nodes that know each other", func() bool { return together(nodes) })
}

// sees reports whether a node holds another to be alive, and was told so.
func (n *node) sees(other *node) bool {
	id := other.options.Self.ID
	n.mu.Lock()
	told := n.up[id] || other == n
	n.mu.Unlock()
	return told && n.Alive(id)
}

// record is what the node knows of node i.
func (n *node) record(i int) Record {
	n.Membership.mu.Lock()
	defer n.Membership.mu.Unlock()
	return n.records[id(i)]
}

func (n *node) noticed() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changes
}

// logged checks that the log of a node has all parts in one line.
func (n *node) logged(parts ...string) bool {
	for line := range strings.Lines(n.log.String()) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return true
		}
	}
	return false
}

// setZone changes the zone in the record of node i.
func (n *node) setZone(i int, zone string) {
	n.t.Helper()
	if err := n.Set(id(i), func(r Record) Record { r.Zone = zone; return r }); err != nil {
		n.t.Error(err)
	}
}
