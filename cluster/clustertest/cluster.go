package clustertest

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
	"github.com/kindredkv/kindred/engine"
)

// Config is what the nodes of a cluster share.
type Config struct {
	Nodes int
	// Settings are the nodes' quorums and delays.
	Settings coordinator.Settings
	Replicas int
	Sync     engine.SyncPolicy
	// MaxSiblings is the nodes' bound of concurrent values; 0 is none.
	MaxSiblings int
	// InlineBytes is the nodes' bound of cells that are with their object; 0 is theirs, -1 none.
	InlineBytes int
	// RepairRate is the nodes' rate of repair in bytes a second; 0 keeps it paused, for tests of what goes without it.
	RepairRate int64
	// Backlog is the nodes' memory for the latest changes of large collections, in bytes.
	Backlog int64
	// ReapPause is the nodes' pause between two attempts to reap tombstones; 0 is theirs.
	ReapPause time.Duration
	// HintRate is the nodes' rate of the replay of hints in bytes a second; 0 pauses it. HintAge and HintBytes bound hints.
	HintRate, HintBytes int64
	HintAge             time.Duration
	// HandoffRate is the nodes' rate of what changes of the ring take, in bytes a second; 0 is no bound.
	HandoffRate int64
	// Seed determines what is drawn at random.
	Seed uint64
	// Runner makes the runner of a node, each time it starts.
	Runner func(*Node) cluster.Runner
	// Failed is told that the store of a node has failed, from a goroutine that must not wait. Nil: nobody is.
	Failed func(*Node, error)
	// Log takes the nodes' logs; nil discards them.
	Log slog.Handler
}

// DefaultConfig is five nodes, N=3, R=2, W=2.
func DefaultConfig() Config {
	return Config{
		Nodes: 5,
		Settings: coordinator.Settings{
			Quorum: quorum.Choice{R: 2, W: 2}, HedgeDelay: 20 * time.Millisecond, Timeout: 2 * time.Second,
		},
		Replicas:    3,
		Sync:        engine.SyncEverySecond,
		MaxSiblings: 100,
		Backlog:     4 << 20,
		HintRate:    8 << 20,
		HintBytes:   64 << 20,
		HintAge:     3 * time.Hour,
		Seed:        1,
	}
}

// Cluster is some nodes on one network.
type Cluster struct {
	Net    *memnet.Network
	Nodes  []*Node
	config Config
	rng    *rand.Rand
	t      testing.TB

	hintRate    atomic.Int64 // Config.HintRate, as it is now
	handoffRate atomic.Int64 // as it is now; unlike in Config, 0 pauses what goes by it
}

// Node is one node, running or not.
type Node struct {
	*cluster.Node
	Store *engine.Store
	Host  string
	ID    ring.NodeID

	c       *Cluster
	state   ring.State // at a start without member records
	disk    *disk
	gate    *gate
	offset  atomic.Int64 // of its clock, a time.Duration
	deaf    atomic.Bool  // no gossip reaches it or leaves it
	failed  *atomic.Bool // the store of this run
	aside   string
	started bool // it is, or was, part of the cluster
	running bool
	standby bool // it joins when it is told to
}

const (
	peerPort   = 16379
	gossipPort = 17379
	clientPort = 6379
)

func itoa(n int) string { return strconv.Itoa(n) }

// New starts a cluster and waits until all nodes know each other. It must be called in a synctest bubble.
func New(t testing.TB, config Config) *Cluster {
	t.Helper()
	c := &Cluster{Net: memnet.New(), config: config, t: t}
	c.hintRate.Store(config.HintRate)
	c.handoffRate.Store(config.HandoffRate)
	if config.HandoffRate == 0 {
		c.handoffRate.Store(math.MaxInt64)
	}
	rng := rand.New(rand.NewPCG(config.Seed, 0))
	c.rng = rng
	for range config.Nodes {
		c.add(ring.Member).started = true
	}
	for i := range c.Nodes {
		c.Start(i)
	}
	c.AwaitConnected()
	for _, n := range c.Nodes {
		n.state = ring.Joining // who comes back without its records is not a cluster of its own
	}
	return c
}

func (c *Cluster) add(state ring.State) *Node {
	n := &Node{
		c: c, state: state, disk: newDisk(), Host: fmt.Sprintf("10.0.0.%d", len(c.Nodes)+1),
		ID: ring.NodeID(fmt.Sprintf("%016x%016x%08x", c.rng.Uint64(), c.rng.Uint64(), c.rng.Uint32())),
	}
	c.Nodes = append(c.Nodes, n)
	return n
}

// Add starts a node that joins the cluster. It does not wait until the node is a member.
func (c *Cluster) Add() {
	c.t.Helper()
	c.Start(c.Reserve())
}

// Reserve makes a node that joins the cluster when it is started, and returns its index.
func (c *Cluster) Reserve() int {
	c.add(ring.Joining)
	return len(c.Nodes) - 1
}

// Standby has a node that was reserved wait to be told to take part when it is started.
func (c *Cluster) Standby(i int) { c.Nodes[i].standby = true }

// Start starts a node that is not running, on the disk it had.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	if err := c.TryStart(i); err != nil {
		c.t.Fatalf("node %d: %v", i, err)
	}
}

// errGaveUp says that the storage ended the goroutine that opened it, as it does when it finds its files broken.
var errGaveUp = errors.New("the store gave up")

// TryStart is Start for a node whose disk may be broken.
func (c *Cluster) TryStart(i int) error {
	n := c.Nodes[i]
	started := make(chan error, 1)
	go func() {
		err := errGaveUp
		defer func() { started <- err }()
		err = n.start()
	}()
	if err := <-started; err != nil {
		n.gate.close()
		c.Net.Crash(n.Host)
		return err
	}
	n.started, n.running = true, true
	return nil
}

func (n *Node) start() error {
	c := n.c
	log := slog.New(slog.DiscardHandler)
	if c.config.Log != nil {
		log = slog.New(c.config.Log).With("node", n.Host)
	}
	n.gate = &gate{Host: c.Net.Host(n.Host)}
	o := engine.DefaultOptions()
	o.Dir, o.FS, o.Shards, o.CacheBytes, o.Sync, o.Logger = "/data", n.disk, 1, 4<<20, c.config.Sync, log
	o.MaxSiblings, o.HintBytes = c.config.MaxSiblings, c.config.HintBytes
	if c.config.InlineBytes != 0 {
		o.InlineBytes = c.config.InlineBytes
	}
	o.Now = n.now
	o.Random = rand.New(rand.NewPCG(rand.Uint64(), 0))
	failed := new(atomic.Bool)
	n.failed = failed
	o.Fatal = func(err error) {
		failed.Store(true)
		if c.config.Failed != nil {
			c.config.Failed(n, err)
		}
	}
	var err error
	if n.Store, n.aside, err = engine.OpenOrSetAside(o); err != nil {
		return err
	}
	n.Node, err = n.join(log)
	return err
}

func (n *Node) now() time.Time { return time.Now().Add(time.Duration(n.offset.Load())) }

// Failed reports whether the store of the present run has failed.
func (n *Node) Failed() bool { return n.failed != nil && n.failed.Load() }

// Aside is where the last start has put a broken store; empty when there was none.
func (n *Node) Aside() string { return n.aside }

// Running reports whether the node runs.
func (n *Node) Running() bool { return n.running }

func (n *Node) join(log *slog.Logger) (*cluster.Node, error) {
	c := n.c
	g, err := newGossip(n.gate, &n.deaf, n.Host, gossipPort)
	if err != nil {
		return nil, err
	}
	var seeds []string
	for _, other := range c.Nodes {
		if other != n && other.started {
			seeds = append(seeds, net.JoinHostPort(other.Host, itoa(gossipPort)))
		}
	}
	return cluster.Start(cluster.Options{
		Store:       n.Store,
		Runner:      c.config.Runner(n),
		Settings:    func() coordinator.Settings { return c.config.Settings },
		RepairRate:  func() int64 { return c.config.RepairRate },
		HandoffRate: c.handoffRate.Load,
		ReapPause:   c.config.ReapPause,
		Backlog:     c.config.Backlog,
		Hints: func() cluster.HintSettings {
			return cluster.HintSettings{Rate: c.hintRate.Load(), MaxAge: c.config.HintAge}
		},
		Now:     n.now,
		Standby: n.standby,
		Logger:  log,
		Transport: transport.Options{
			ID: string(n.ID), Cluster: "test", Secret: []byte("secret"),
			Listen: net.JoinHostPort(n.Host, itoa(peerPort)), Network: n.gate, Logger: log, MaxClockDrift: 10 * time.Second,
		},
		Membership: membership.Options{
			Self: membership.Record{
				ID: n.ID, Store: n.Store.Node(), Host: n.Host, Port: clientPort, PeerPort: peerPort, GossipPort: gossipPort,
				Weight: 1, State: n.state, Replicas: uint16(c.config.Replicas), Vnodes: 16,
			},
			Cluster: "test", Secret: []byte("secret"), Join: seeds, Transport: g,
			Storage: storage{n.Store}, Logger: log,
		},
	})
}

// storage keeps member records beside the data.
type storage struct{ store *engine.Store }

func (s storage) Load() ([]byte, error) { return s.store.LoadMeta("members") }
func (s storage) Save(b []byte) error   { return s.store.SaveMeta("members", b) }

// Stop stops a node in good order.
func (c *Cluster) Stop(i int) {
	c.t.Helper()
	n := c.Nodes[i]
	if !n.running {
		return
	}
	n.running = false
	if err := n.Node.Close(); err != nil {
		c.t.Errorf("node %d: %v", i, err)
	}
	if err := n.Store.Close(); err != nil {
		c.t.Errorf("node %d: %v", i, err)
	}
}

// Crash ends a node as the loss of its machine's power does: connections end, and what was not synced is gone.
func (c *Cluster) Crash(i int) {
	c.t.Helper()
	n := c.Nodes[i]
	c.Kill(i, 0)
	// The rest of the process, which reaches neither the network nor the disk that is left.
	_ = n.Store.Close()
}

// Kill ends a node at once. percent of what its disk had not synced is kept: 100 is the death of the process alone, 0 the
// loss of power at its worst. What is left of the process reaches neither network nor disk, and its store stays open.
//
// The order matters. Nothing may leave the node after its disk is copied, or it could acknowledge what is lost.
func (c *Cluster) Kill(i, percent int) {
	c.Sever(i, percent)
	_ = c.Nodes[i].Node.Close()
}

// Sever is the part of Kill that counts, for callers that may not wait: the end of Kill is left to them.
func (c *Cluster) Sever(i, percent int) {
	n := c.Nodes[i]
	n.running = false
	n.gate.close()
	c.Net.Crash(n.Host)
	n.disk = n.disk.crash(percent)
}

// SetClock puts a node's clock ahead of the true time, or behind it.
func (c *Cluster) SetClock(i int, offset time.Duration) { c.Nodes[i].offset.Store(int64(offset)) }

// Deafen cuts a node off from gossip, or ends that. Its data connections go on.
func (c *Cluster) Deafen(i int, deaf bool) { c.Nodes[i].deaf.Store(deaf) }

// Close stops all nodes.
func (c *Cluster) Close() {
	c.Net.HealAll()
	for i := range c.Nodes {
		c.Stop(i)
	}
	// Memberlist does not wait for its probes, and time stops when a bubble's first goroutine returns.
	time.Sleep(10 * time.Second)
}

// awaitLimit is how long, in fake time, a cluster may take to reach a state.
const awaitLimit = 2 * time.Minute

// Await waits until a condition holds.
func (c *Cluster) Await(what string, holds func() bool) {
	c.t.Helper()
	for start := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > awaitLimit {
			c.t.Fatalf("after %s: still not %s", awaitLimit, what)
		}
	}
}

// AwaitConnected waits until every running node has a connection to every other, and all agree on the ring.
func (c *Cluster) AwaitConnected() {
	c.t.Helper()
	c.Await("connected", func() bool {
		version := uint64(0)
		for _, n := range c.Nodes {
			if !n.running {
				continue
			}
			s := n.Status()
			if version == 0 {
				version = s.RingVersion
			}
			if s.RingVersion != version || len(s.Nodes) != c.started() {
				return false
			}
			for _, peer := range s.Nodes {
				if c.byID(peer.ID).running && !peer.Alive {
					return false
				}
			}
		}
		return true
	})
}

// started counts the nodes that are or were part of the cluster.
func (c *Cluster) started() (n int) {
	for _, node := range c.Nodes {
		if node.started {
			n++
		}
	}
	return n
}

func (c *Cluster) byID(id string) *Node {
	for _, n := range c.Nodes {
		if string(n.ID) == id {
			return n
		}
	}
	return nil
}
