package config

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"time"
)

// maxPort is the highest TCP port.
const maxPort = 65535

// Config is a complete configuration. Get one from Default or Load: the zero value is not valid. It is plain data and
// safe to copy; who shares one (see Live) must not write to it. Printed or logged it shows what differs from the
// defaults, without secrets.
//
// Each field is the directive of that name; the table in own.go and redis.go says more of each.
type Config struct {
	// Join lists members to find the cluster by; none for a node that starts one.
	Join []Seed
	// Ports holds the ports besides Port as they were given; read them by PeerPort and its like.
	Ports Ports
	// ClusterName keeps clusters that can reach each other apart: peers with another name are refused.
	ClusterName string
	// NodeID is 40 lower-case hexadecimal digits; empty: generated at the first start and kept in Dir.
	NodeID string
	// Advertise is the host name or address under which clients and peers reach this node; empty: found from Bind.
	Advertise string
	// Zone is the failure domain of this node; replicas go to distinct zones first. Empty is a zone too.
	Zone string
	// Weight multiplies Vnodes: the share of data relative to other nodes.
	Weight int
	// Vnodes is the number of ring tokens per unit of weight.
	Vnodes int
	// Replicas is N, how many nodes hold a key; equal on all nodes.
	Replicas int
	// ReadQuorum is R, how many replicas a read consults. At most Replicas.
	ReadQuorum int
	// WriteQuorum is W, how many replicas confirm a write. At most Replicas.
	WriteQuorum int
	// ConflictPolicy says what becomes of concurrent values; equal on all nodes.
	ConflictPolicy ConflictPolicy
	// ConflictReply says what a read of concurrent values answers.
	ConflictReply ConflictReply
	// MaxSiblings bounds the concurrent values of one cell.
	MaxSiblings int
	// HedgeDelay is how long to wait for a node before the next is asked too. Less than RequestTimeout.
	HedgeDelay time.Duration
	// RequestTimeout is how long a command may wait for its quorum.
	RequestTimeout time.Duration
	// MaxClockDrift is how far ahead of most clocks a node's may be.
	MaxClockDrift time.Duration
	// RepairRate is how many bytes a second repair may take; 0 pauses it.
	RepairRate int64
	// HandoffRate is how many bytes a second a change of the ring may take at this node; 0 pauses it.
	HandoffRate int64
	// Standby has a node that joins wait until it is told to take part.
	Standby bool
	// ReplBacklogSize bounds the memory for the latest changes of large collections.
	ReplBacklogSize int64
	// HintMaxBytes bounds what is kept for primaries that are away.
	HintMaxBytes int64
	// HintMaxAge is the age from which on it is let go when other primaries have it.
	HintMaxAge time.Duration
	// HintRate is how many bytes of it a second are sent to them when they are back; 0 pauses it.
	HintRate int64
	// Secret authenticates peers and keys gossip; equal on all nodes. Empty: peers on loopback only.
	Secret Secret

	// Port is the client port.
	Port int
	// Bind is as given; read it by Addresses.
	Bind []string
	// ProtectedMode refuses clients from other machines while RequirePass is empty.
	ProtectedMode bool
	// RequirePass is the password of clients; empty: none is asked for.
	RequirePass Secret
	// Dir is where the node keeps everything; empty: in memory only.
	Dir string
	// AppendFsync says when a write is on disk.
	AppendFsync Fsync
	// MaxMemory bounds, in bytes, the hot cache, or all data where Dir is empty. 0: no bound of its own.
	MaxMemory int64
	// MaxMemoryPolicy picks what is evicted, where there is eviction.
	MaxMemoryPolicy string
	// MaxClients bounds the client connections.
	MaxClients int
	// Timeout closes client connections idle for so long; 0: never. Whole seconds.
	Timeout time.Duration
	// TCPKeepAlive is the interval of keep-alive probes; 0: none. Whole seconds.
	TCPKeepAlive time.Duration
	// TCPBacklog is the backlog of listeners.
	TCPBacklog int
	// Databases is the number of databases that SELECT knows.
	Databases int
	// LogLevel is the least that is logged.
	LogLevel LogLevel
	// LogFile is where logs go; empty: standard error.
	LogFile string
	// ProtoMaxBulkLen bounds one argument, in bytes.
	ProtoMaxBulkLen int64
	// ClientOutputBufferLimit bounds the replies that wait for a client.
	ClientOutputBufferLimit OutputLimits
	// ClientQueryBufferLimit bounds the bytes of one command.
	ClientQueryBufferLimit int64
	// SlowlogLogSlowerThan is the least duration of a command that SLOWLOG keeps, whole microseconds; negative: none are
	// kept; 0: all.
	SlowlogLogSlowerThan time.Duration
	// SlowlogMaxLen bounds the entries of SLOWLOG.
	SlowlogMaxLen int
	// LatencyTracking keeps a histogram of durations for each command.
	LatencyTracking bool
	// LatencyPercentiles are the percentiles, 0 to 100, that INFO latencystats shows.
	LatencyPercentiles []float64
	// ShutdownTimeout bounds the wait for commands under way when stopping. Whole seconds.
	ShutdownTimeout time.Duration
	// EnableDebugCommand is yes, no, or local: the DEBUG command only from loopback.
	EnableDebugCommand string

	// inert holds the values of inert directives by name, formatted; replaced, not changed, once the Config is shared.
	inert map[string]string
}

// ConflictPolicy is siblings or lww.
type ConflictPolicy string

const (
	// ConflictSiblings keeps concurrent values until a write that has seen them.
	ConflictSiblings ConflictPolicy = "siblings"
	// ConflictLWW keeps only the newest of concurrent values.
	ConflictLWW ConflictPolicy = "lww"
)

// ConflictReply is newest or error.
type ConflictReply string

const (
	// ReplyNewest answers with the newest of concurrent values.
	ReplyNewest ConflictReply = "newest"
	// ReplyError answers -CONFLICT.
	ReplyError ConflictReply = "error"
)

// Fsync is a value of appendfsync.
type Fsync string

const (
	// FsyncAlways acknowledges a write after it is on disk.
	FsyncAlways Fsync = "always"
	// FsyncEverySecond brings writes to disk each second.
	FsyncEverySecond Fsync = "everysec"
	// FsyncNo leaves it to the operating system.
	FsyncNo Fsync = "no"
)

// LogLevel is one of Redis's levels: debug, verbose, notice, warning, nothing.
type LogLevel string

// Level is the level for slog handlers: verbose lies between slog's debug and info, notice is info, and nothing is above
// error.
func (l LogLevel) Level() slog.Level {
	switch l {
	case "debug":
		return slog.LevelDebug
	case "verbose":
		return slog.LevelDebug + 2
	case "warning":
		return slog.LevelWarn
	case "nothing":
		return slog.LevelError + 4
	}
	return slog.LevelInfo
}

// Default returns the configuration of a node that was given no directive.
func Default() Config {
	c := Config{Ports: Ports{Peer: Derived, Gossip: Derived, HTTP: Derived, Cluster: Derived}, inert: map[string]string{}}
	for i := range table {
		d := &table[i]
		if d.unset {
			continue
		}
		if err := d.set(&c, d.defaultWords()); err != nil {
			panic(fmt.Sprintf("config: default of %s is not a value of it: %v", d.Name, err))
		}
	}
	return c
}

// clone returns a copy that may be changed without changing c.
func (c *Config) clone() *Config {
	next := *c
	// Slices need no copy: they are replaced, never written to.
	next.inert = maps.Clone(c.inert)
	if next.inert == nil {
		next.inert = map[string]string{}
	}
	return &next
}

// String lists the directives that differ from their defaults as `name value` joined by ", ", secrets redacted.
func (c Config) String() string {
	var b strings.Builder
	for _, a := range c.changed() {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.Key + " " + a.Value.String())
	}
	return b.String()
}

// Format implements fmt.Formatter: every verb prints String, so that none prints a secret.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue implements slog.LogValuer: a group of the directives that differ from their defaults, secrets redacted.
func (c Config) LogValue() slog.Value { return slog.GroupValue(c.changed()...) }

// changed returns the directives that differ from their defaults, in the order of the table.
func (c *Config) changed() []slog.Attr {
	defaults := Default()
	var attrs []slog.Attr
	for i := range table {
		d := &table[i]
		value := d.text(c)
		if value == d.text(&defaults) {
			continue
		}
		if d.Secret {
			value = redacted
		}
		attrs = append(attrs, slog.String(d.Name, value))
	}
	return attrs
}
