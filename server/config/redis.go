package config

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// redisRows are the directives of Redis that mean the same here. Those that Redis changes at run time and Kindred does not
// (port, bind, dir) decide what the node is to its peers.
func redisRows() []Directive {
	fsync := enum(FsyncEverySecond, FsyncAlways, FsyncNo)
	level := enum[LogLevel]("debug", "verbose", "notice", "warning", "nothing")
	policy := enum("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction")
	seconds := units(time.Second, "seconds", 0, math.MaxInt32)
	return []Directive{
		row("port", "6379", integer[int](1, maxPort), func(c *Config) *int { return &c.Port },
			"Client port that speaks as one big Redis. The other ports follow from it."),
		row("bind", "127.0.0.1 -::1", words("address …", bindAddresses), func(c *Config) *[]string { return &c.Bind },
			"Addresses to listen on: with - before it one that may be missing; * is all of IPv4, ::* all of IPv6."),
		mutable(row("protected-mode", "yes", yesNo(), func(c *Config) *bool { return &c.ProtectedMode },
			"Refuses clients from other machines while there is no requirepass.")),
		sensitive(mutable(row("requirepass", "", text[Secret]("text", nil), func(c *Config) *Secret { return &c.RequirePass },
			"Password of clients; empty: none is asked for."))),
		row("dir", "./data", text[string]("directory", nil), func(c *Config) *string { return &c.Dir },
			"Where the node keeps everything; one node per directory. Empty: a store in memory, gone when the node stops."),
		mutable(row("appendfsync", "everysec", fsync, func(c *Config) *Fsync { return &c.AppendFsync },
			"When a write is on disk: before it is answered (always), within a second (everysec), when the system likes (no).")),
		mutable(row("maxmemory", "0", memory(0, math.MaxInt64), func(c *Config) *int64 { return &c.MaxMemory },
			"Bounds the hot cache, data beyond it lives on disk; bounds all data when dir is empty. 0: no bound of its own.")),
		mutable(row("maxmemory-policy", "noeviction", policy, func(c *Config) *string { return &c.MaxMemoryPolicy },
			"What is evicted where there is eviction.")),
		mutable(row("repl-backlog-size", "32mb", memory(0, math.MaxInt64), func(c *Config) *int64 { return &c.ReplBacklogSize },
			"Memory for the latest changes of large collections, for replicas that miss some: they get these and not the collection.")),
		mutable(row("maxclients", "10000", integer[int](1, math.MaxUint32), func(c *Config) *int { return &c.MaxClients },
			"Most client connections.")),
		mutable(row("timeout", "0", seconds, func(c *Config) *time.Duration { return &c.Timeout },
			"Closes client connections idle for so many seconds; 0: never.")),
		mutable(row("tcp-keepalive", "300", seconds, func(c *Config) *time.Duration { return &c.TCPKeepAlive },
			"Seconds between keep-alive probes; 0: none.")),
		row("tcp-backlog", "511", integer[int](0, math.MaxInt32), func(c *Config) *int { return &c.TCPBacklog },
			"Backlog of listeners; the system may bound it further."),
		row("databases", "16", integer[int](1, 256), func(c *Config) *int { return &c.Databases },
			"How many databases SELECT knows."),
		mutable(row("loglevel", "notice", level, func(c *Config) *LogLevel { return &c.LogLevel },
			"The least that is logged.")),
		row("logfile", "", text[string]("file", nil), func(c *Config) *string { return &c.LogFile },
			"Where logs go; empty: standard error."),
		mutable(row("proto-max-bulk-len", "512mb", memory(1<<20, math.MaxInt64), func(c *Config) *int64 { return &c.ProtoMaxBulkLen },
			"Longest argument of a command.")),
		mutable(row("client-output-buffer-limit", "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60", outputLimits(),
			func(c *Config) *OutputLimits { return &c.ClientOutputBufferLimit },
			"Disconnects a client whose waiting replies exceed the hard limit, or the soft limit for so many seconds. 0: no limit.")),
		mutable(row("client-query-buffer-limit", "1gb", memory(1<<20, math.MaxInt64), func(c *Config) *int64 { return &c.ClientQueryBufferLimit },
			"Most bytes of one command.")),
		mutable(row("slowlog-log-slower-than", "10000", units(time.Microsecond, "microseconds", -1, math.MaxInt64),
			func(c *Config) *time.Duration { return &c.SlowlogLogSlowerThan },
			"SLOWLOG keeps commands that took more microseconds; 0: all; -1: none.")),
		mutable(row("slowlog-max-len", "128", integer[int](0, math.MaxInt64), func(c *Config) *int { return &c.SlowlogMaxLen },
			"Most entries of SLOWLOG.")),
		mutable(row("latency-tracking", "yes", yesNo(), func(c *Config) *bool { return &c.LatencyTracking },
			"Keeps a histogram of durations for each command.")),
		mutable(row("latency-tracking-info-percentiles", "50 99 99.9", percentiles(), func(c *Config) *[]float64 { return &c.LatencyPercentiles },
			"Percentiles that INFO latencystats shows.")),
		mutable(row("shutdown-timeout", "10", seconds, func(c *Config) *time.Duration { return &c.ShutdownTimeout },
			"Seconds that stopping waits for commands under way.")),
		row("enable-debug-command", "no", enum("no", "yes", "local"), func(c *Config) *string { return &c.EnableDebugCommand },
			"Whether DEBUG is allowed; local: to clients on loopback."),
	}
}

// percentiles is any number of percentiles of 0 to 100.
func percentiles() kind[[]float64] {
	parse := func(words []string, _ []float64) ([]float64, error) {
		var list []float64
		for _, w := range words {
			if w == "" && len(words) == 1 {
				break
			}
			p, err := strconv.ParseFloat(w, 64)
			if err != nil {
				return nil, valueError("Invalid latency-tracking-info-percentiles parameters")
			}
			if !(p >= 0 && p <= 100) {
				return nil, valueError("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
			}
			list = append(list, p)
		}
		return list, nil
	}
	format := func(list []float64) string {
		texts := make([]string, len(list))
		for i, p := range list {
			texts[i] = strconv.FormatFloat(p, 'g', -1, 64)
		}
		return strings.Join(texts, " ")
	}
	return kind[[]float64]{syntax: "percentile …", multi: true, parse: parse, format: format}
}
