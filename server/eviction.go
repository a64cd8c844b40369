package server

import (
	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/usage"
	"github.com/kindredkv/kindred/server/config"
)

// evictions are what the values of maxmemory-policy mean.
var evictions = map[string]cluster.Eviction{
	"noeviction":      {},
	"allkeys-lru":     {Evicts: true, By: cluster.LeastRecent},
	"allkeys-lfu":     {Evicts: true, By: cluster.LeastFrequent},
	"allkeys-random":  {Evicts: true, By: cluster.AtRandom},
	"volatile-lru":    {Evicts: true, Volatile: true, By: cluster.LeastRecent},
	"volatile-lfu":    {Evicts: true, Volatile: true, By: cluster.LeastFrequent},
	"volatile-random": {Evicts: true, Volatile: true, By: cluster.AtRandom},
	"volatile-ttl":    {Evicts: true, Volatile: true, By: cluster.SoonestDeadline},
}

// memoryBound is what a node with its store in memory goes by.
type memoryBound struct {
	bytes    int64 // of keys and their objects; 0: no bound
	eviction cluster.Eviction
	// slack is how much more may be held while keys are being evicted, so that writes need not wait for that. Beyond
	// it they are refused, as where nothing is evicted.
	slack int64
}

const (
	// memoryCacheShare is the share of maxmemory that the hot cache takes of a store in memory.
	memoryCacheShare = 4
	slackShare       = 16
	leastSlack       = 1 << 20
)

// boundOf is the bound of a configuration.
func boundOf(c *config.Config) memoryBound {
	if c.Dir != "" || c.MaxMemory == 0 {
		return memoryBound{}
	}
	b := memoryBound{bytes: max(1, c.MaxMemory-cacheBytes(c)), eviction: evictions[c.MaxMemoryPolicy]}
	if b.eviction.Evicts {
		b.slack = b.bytes/slackShare + leastSlack
	}
	return b
}

// full reports that commands which may need memory are to be refused.
func (n *Node) full() bool {
	room := n.store.Room()
	return room < 0 && room < -n.bound.Load().slack
}

// crowded reports that commands which may need memory should wait for the eviction of keys.
func (n *Node) crowded() bool {
	room := n.store.Room()
	return room < 0 && room < -n.bound.Load().slack/2 && n.cluster.Evicting()
}

// takeBound takes the bound of a configuration into force.
func (n *Node) takeBound(c *config.Config) {
	b := boundOf(c)
	before := n.bound.Swap(&b)
	if before == nil || before.bytes != b.bytes || before.eviction != b.eviction {
		n.usage.Use(usageTable(b, n.seams.Now().UnixMilli()))
	}
	if n.store != nil {
		n.store.SetMemoryBound(b.bytes)
	}
}

// typicalKey is about what a key takes; there are as many places for uses as keys of that size.
const typicalKey = 512

// usageTable is what an eviction has to know of the uses of keys, nil where it asks for nothing.
func usageTable(b memoryBound, now int64) *usage.Table {
	keys := int(b.bytes / typicalKey)
	switch {
	case b.bytes == 0:
		return nil
	case b.eviction.By == cluster.LeastRecent:
		return usage.New(usage.Recency, keys, now)
	case b.eviction.By == cluster.LeastFrequent:
		return usage.New(usage.Frequency, keys, now)
	default:
		return nil
	}
}
