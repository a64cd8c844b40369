package clustertest

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

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
	// RepairRate is the nodes' rate of repair in bytes a second; 0 keeps it paused, for tests of what goes without it.
	RepairRate int64
	// Seed determines what is drawn at random.
	Seed uint64
	// Runner makes the runner of a node, each time it starts.
	Runner func(*Node) cluster.Runner
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
		Replicas: 3,
		Sync:     engine.SyncEverySecond,
		Seed:     1,
	}
}

// Cluster is some nodes on one network.
type Cluster struct {
	Net    *memnet.Network
	Nodes  []*Node
	config Config
	rng    *rand.Rand
	t      testing.TB
}

// Node is one node, running or not.
type Node struct {
	*cluster.Node
	Store *engine.Store
	Host  string
	ID    ring.NodeID

	c       *Cluster
	state   ring.State // at its first start
	fs      *vfs.MemFS
	offset  time.Duration
	running bool
	fatal   chan error
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
	rng := rand.New(rand.NewPCG(config.Seed, 0))
	c.rng = rng
	for range config.Nodes {
		c.add(ring.Member)
	}
	for i := range c.Nodes {
		c.Start(i)
	}
	c.AwaitConnected()
	return c
}

func (c *Cluster) add(state ring.State) {
	c.Nodes = append(c.Nodes, &Node{
		c: c, state: state, fs: vfs.NewCrashableMem(), Host: fmt.Sprintf("10.0.0.%d", len(c.Nodes)+1),
		ID: ring.NodeID(fmt.Sprintf("%016x%016x%08x", c.rng.Uint64(), c.rng.Uint64(), c.rng.Uint32())),
	})
}

// Add starts a node that joins the cluster. It does not wait until the node is a member.
func (c *Cluster) Add() {
	c.t.Helper()
	c.add(ring.Joining)
	c.Start(len(c.Nodes) - 1)
}

// Start starts a node that is not running, on the disk it had.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	n := c.Nodes[i]
	if err := n.start(); err != nil {
		c.t.Fatalf("node %d: %v", i, err)
	}
}

func (n *Node) start() error {
	c := n.c
	log := slog.New(slog.DiscardHandler)
	if c.config.Log != nil {
		log = slog.New(c.config.Log).With("node", n.Host)
	}
	n.fatal = make(chan error, 1)
	o := engine.DefaultOptions()
	o.Dir, o.FS, o.Shards, o.CacheBytes, o.Sync, o.Logger = "/data", n.fs, 1, 4<<20, c.config.Sync, log
	o.Now = n.now
	o.Random = rand.New(rand.NewPCG(rand.Uint64(), 0))
	o.Fatal = func(err error) { n.fatal <- err }
	var err error
	if n.Store, err = engine.Open(o); err != nil {
		return err
	}
	n.Node, err = n.join(log)
	if err != nil {
		return err
	}
	n.running = true
	return nil
}

func (n *Node) now() time.Time { return time.Now().Add(n.offset) }

func (n *Node) join(log *slog.Logger) (*cluster.Node, error) {
	c := n.c
	host := c.Net.Host(n.Host)
	g, err := newGossip(host, n.Host, gossipPort)
	if err != nil {
		return nil, err
	}
	var seeds []string
	for _, other := range c.Nodes {
		if other != n {
			seeds = append(seeds, net.JoinHostPort(other.Host, itoa(gossipPort)))
		}
	}
	return cluster.Start(cluster.Options{
		Store:      n.Store,
		Runner:     c.config.Runner(n),
		Settings:   func() coordinator.Settings { return c.config.Settings },
		RepairRate: func() int64 { return c.config.RepairRate },
		Now:        n.now,
		Logger:     log,
		Transport: transport.Options{
			ID: string(n.ID), Cluster: "test", Secret: []byte("secret"),
			Listen: net.JoinHostPort(n.Host, itoa(peerPort)), Network: host, Logger: log,
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
	left := n.fs.CrashClone(vfs.CrashCloneCfg{})
	c.Net.Crash(n.Host)
	n.running = false
	// The rest of the process: what it still does reaches neither the network nor the disk that is left.
	_ = n.Node.Close()
	_ = n.Store.Close()
	n.fs = left
}

// Wipe empties the disk of a node that is not running. Started again it is a member with a store that knows nothing.
func (c *Cluster) Wipe(i int) { c.Nodes[i].fs = vfs.NewCrashableMem() }

// SetClock puts a node's clock ahead of the true time, or behind it.
func (c *Cluster) SetClock(i int, offset time.Duration) { c.Nodes[i].offset = offset }

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
			if s.RingVersion != version || len(s.Nodes) != len(c.Nodes) {
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

func (c *Cluster) byID(id string) *Node {
	for _, n := range c.Nodes {
		if string(n.ID) == id {
			return n
		}
	}
	return nil
}
