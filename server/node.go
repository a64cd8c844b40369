package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/usage"
	"github.com/kindredkv/kindred/resp"
	"github.com/kindredkv/kindred/resp/command"
	"github.com/kindredkv/kindred/server/config"
)

// Node is a running node: the store, its part in the cluster, and the ports.
type Node struct {
	live    *config.Live
	seams   Seams
	log     *slog.Logger
	version string
	started time.Time

	store   *engine.Store
	cluster *cluster.Node
	handler *command.Handler
	clients *resp.Server
	web     *http.Server

	settings atomic.Pointer[command.Settings]
	quorums  atomic.Pointer[coordinator.Settings]
	bound    atomic.Pointer[memoryBound]
	usage    usage.Tracker

	stopper stopper
	running sync.WaitGroup // the listeners' goroutines
}

// Start starts a node. It is ready for clients when it returns, though it may still have to find other members.
func Start(loaded *config.Loaded, seams Seams, log *slog.Logger, version string) (*Node, error) {
	c := &loaded.Config
	n := &Node{
		live: config.NewLive(*c, loaded.File), seams: seams, log: log, version: version, started: seams.Now(),
	}
	n.stopper = stopper{node: n, asked: make(chan order, 1)}
	n.apply(c)
	n.live.Subscribe(func(change config.Change) { n.apply(change.Config) })
	// What was opened is closed again, last first, when a later step fails.
	var undo []func()
	fail := func(err error) (*Node, error) {
		for i := len(undo) - 1; i >= 0; i-- {
			undo[i]()
		}
		return nil, err
	}
	listeners, err := n.listen(c)
	undo = append(undo, func() { closeAll(listeners) })
	if err != nil {
		return fail(err)
	}
	if n.store, err = n.openMember(c); err != nil {
		return fail(err)
	}
	n.store.SetMemoryBound(n.bound.Load().bytes)
	undo = append(undo, func() { _ = n.store.Close() })
	n.handler = command.New(command.Options{
		Config: n.live, Settings: n.settings.Load, Stopper: &n.stopper,
		Full: n.full, Crowded: n.crowded, Usage: &n.usage,
		Process: n.process(c, loaded.File), Store: n.storeFacts, Now: seams.Now, Logger: log,
	})
	n.clients = resp.NewServer(resp.Options{Handler: n.handler, Limits: limits(c), Logger: log,
		Hold: func() { n.cluster.Hold() }, Release: func() { n.cluster.Release() },
	})
	n.handler.Clients = n.clients
	if n.cluster, err = n.join(c); err != nil {
		return fail(err)
	}
	n.handler.Cluster = n.cluster
	n.wantShare(c)
	n.live.Subscribe(func(change config.Change) { n.wantShare(change.Config) })
	n.serve(listeners)
	return n, nil
}

// openStore opens the store. A broken one is set aside, if others can fill this node again. Where it was told of none, an
// empty store would be a cluster of its own that has lost everything.
func (n *Node) openStore(c *config.Config) (*engine.Store, error) {
	if others, _ := seeds(c); len(others) == 0 {
		return engine.Open(n.storeOptions(c))
	}
	s, _, err := engine.OpenOrSetAside(n.storeOptions(c))
	return s, err
}

// explainOpen words the commonest failures: a second node on one directory, and damaged files.
func explainOpen(dir string, err error) error {
	switch {
	case errors.Is(err, engine.ErrLocked):
		return fmt.Errorf("the directory %q is in use by another node", dir)
	case errors.Is(err, engine.ErrBroken):
		return fmt.Errorf("%w. It is left as it is: this node knows of no other that could fill it again. "+
			"Name one with join, or put a backup into %q, or empty that to lose the data", err, dir)
	}
	return err
}

// seeds are the addresses of other members to find the cluster by. founder says that this node is named among them.
func seeds(c *config.Config) (others []string, founder bool) {
	for _, seed := range c.Join {
		if names(seed, advertised(c), c.GossipPort()) {
			founder = true
			continue
		}
		others = append(others, seed.Gossip())
	}
	return others, founder
}

// apply takes a configuration into force, as far as it can change while the node runs.
func (n *Node) apply(c *config.Config) {
	n.settings.Store(&command.Settings{
		RequirePass: string(c.RequirePass), Databases: c.Databases, ProtoMaxBulkLen: c.ProtoMaxBulkLen,
		Replicas: c.Replicas, ReadQuorum: c.ReadQuorum, WriteQuorum: c.WriteQuorum,
		ConflictError:     c.ConflictReply == config.ReplyError,
		SlowlogSlowerThan: c.SlowlogLogSlowerThan, SlowlogMaxLen: c.SlowlogMaxLen,
		LatencyTracking: c.LatencyTracking, LatencyPercentiles: c.LatencyPercentiles,
		EnableDebugCommand: c.EnableDebugCommand,
	})
	n.quorums.Store(&coordinator.Settings{
		Quorum:     quorum.Choice{R: uint8(c.ReadQuorum), W: uint8(c.WriteQuorum)},
		HedgeDelay: c.HedgeDelay, Timeout: c.RequestTimeout,
	})
	n.takeBound(c)
	if n.store != nil {
		n.store.SetSync(syncPolicies[c.AppendFsync])
		n.store.SetCacheBytes(cacheBytes(c))
		n.store.SetMaxSiblings(c.MaxSiblings)
		n.store.SetHintBound(c.HintMaxBytes)
	}
	if n.cluster != nil {
		n.cluster.SetBacklog(c.ReplBacklogSize)
	}
	if n.clients != nil {
		n.clients.SetLimits(limits(c))
	}
}

var syncPolicies = map[config.Fsync]engine.SyncPolicy{
	config.FsyncAlways: engine.SyncAlways, config.FsyncEverySecond: engine.SyncEverySecond, config.FsyncNo: engine.SyncNever,
}

// limits are what clients may cost.
func limits(c *config.Config) resp.Limits {
	l := resp.DefaultLimits()
	l.MaxClients, l.Timeout, l.KeepAlive = c.MaxClients, c.Timeout, c.TCPKeepAlive
	l.NeedsAuth, l.ProtectedMode = c.RequirePass != "", c.ProtectedMode
	l.MaxBulk, l.MaxQuery = c.ProtoMaxBulkLen, c.ClientQueryBufferLimit
	out := c.ClientOutputBufferLimit.Normal
	l.OutputHard, l.OutputSoft, l.OutputSoftFor = out.Hard, out.Soft, out.SoftFor
	return l
}

func (n *Node) storeOptions(c *config.Config) engine.Options {
	o := engine.DefaultOptions()
	o.Dir, o.FS, o.Now, o.Random, o.Fatal, o.Logger = c.Dir, n.seams.FS, n.seams.Now, n.seams.Random, n.seams.Fatal, n.log
	o.Shards = shards()
	o.CacheBytes = cacheBytes(c)
	o.Sync = syncPolicies[c.AppendFsync]
	o.MaxSiblings, o.HintBytes = c.MaxSiblings, c.HintMaxBytes
	o.MaxDrift = c.MaxClockDrift
	o.LastWriteWins = c.ConflictPolicy == config.ConflictLWW
	return o
}

// join starts this node's part in the cluster.
func (n *Node) join(c *config.Config) (*cluster.Node, error) {
	id, err := identity(c, n.seams.FS, n.store, n.seams.Random.Uint64)
	if err != nil {
		return nil, err
	}
	self := membership.Record{
		ID: id, Store: n.store.Node(), Host: advertised(c),
		Port: uint16(c.Port), ClusterPort: uint16(c.ClusterPort()), PeerPort: uint16(c.PeerPort()),
		GossipPort: uint16(c.GossipPort()), HTTPPort: uint16(c.HTTPPort()),
		Weight: uint16(c.Weight), Zone: c.Zone, State: ring.Member,
		Replicas: uint16(c.Replicas), Vnodes: uint16(c.Vnodes), Software: n.version,
	}
	others, founder := seeds(c)
	if len(others) > 0 {
		self.State = ring.Joining
	}
	bind := peerBind(c)
	return cluster.Start(cluster.Options{
		Store: n.store, Runner: n.handler, Founder: founder, Now: n.seams.Now, Logger: n.log,
		Eviction: func() cluster.Eviction { return n.bound.Load().eviction }, Usage: &n.usage,
		Settings:    func() coordinator.Settings { return *n.quorums.Load() },
		RepairRate:  func() int64 { return n.live.Config().RepairRate },
		HandoffRate: func() int64 { return n.live.Config().HandoffRate },
		Standby:     c.Standby,
		Backlog:     c.ReplBacklogSize,
		Hints: func() cluster.HintSettings {
			c := n.live.Config()
			return cluster.HintSettings{Rate: c.HintRate, MaxAge: c.HintMaxAge}
		},
		Transport: transport.Options{
			ID: string(id), Cluster: c.ClusterName, Secret: []byte(c.Secret),
			Listen: net.JoinHostPort(bind, strconv.Itoa(c.PeerPort())), Network: n.seams.Network, Logger: n.log,
			RequestTimeout: c.RequestTimeout, MaxClockDrift: c.MaxClockDrift,
		},
		Membership: membership.Options{
			Self: self, Cluster: c.ClusterName, Secret: []byte(c.Secret), Bind: bind, Join: others,
			Storage: storage{n.store}, Transport: n.seams.Gossip, Logger: n.log,
		},
	})
}

// names reports whether a seed is this node itself.
func names(seed config.Seed, host string, gossipPort int) bool {
	return seed.GossipPort == gossipPort && (seed.Host == host || seed.Host == "localhost" && host == "127.0.0.1")
}

// storage keeps the member records beside the data.
type storage struct{ store *engine.Store }

const metaMembers = "members"

func (s storage) Load() ([]byte, error) { return s.store.LoadMeta(metaMembers) }
func (s storage) Save(b []byte) error   { return s.store.SaveMeta(metaMembers, b) }
