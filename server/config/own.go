package config

import (
	"errors"
	"math"
	"strings"
	"time"
)

// ownRows are the directives that Redis does not have.
func ownRows() []Directive {
	rows := []Directive{
		row("join", "", seeds(), func(c *Config) *[]Seed { return &c.Join },
			"Members to find the cluster by: their client addresses, separated by commas, with the gossip port after @ where it is not port+11000. "+
				"One that answers is enough."),
		portRow("peer-port", peerOffset, 1, func(p *Ports) *int { return &p.Peer },
			"TCP port where other nodes send commands and replication."),
		portRow("gossip-port", gossipOffset, 1, func(p *Ports) *int { return &p.Gossip },
			"TCP and UDP port of membership gossip."),
		portRow("http-port", httpOffset, 0, func(p *Ports) *int { return &p.HTTP },
			"Port of /healthz, /readyz and /metrics; 0 is off."),
		portRow("cluster-port", clusterOffset, 0, func(p *Ports) *int { return &p.Cluster },
			"Client port that speaks as a Redis Cluster; 0 is off."),
		row("cluster-name", "kindred", text[string]("name", checkClusterName), func(c *Config) *string { return &c.ClusterName },
			"Keeps clusters apart: nodes with another name are refused."),
		row("node-id", "", text[string]("40 hexadecimal digits", checkNodeID), func(c *Config) *string { return &c.NodeID },
			"Identity of the node; empty: generated at the first start and kept in dir."),
		row("advertise", "", text[string]("host", checkOptionalHost), func(c *Config) *string { return &c.Advertise },
			"Host name or address under which clients and nodes reach this node; empty: found from bind."),
		mutable(row("zone", "", text[string]("name", checkZone), func(c *Config) *string { return &c.Zone },
			"Failure domain: the replicas of a key go to distinct zones first.")),
		mutable(row("weight", "1", integer[int](1, 64), func(c *Config) *int { return &c.Weight },
			"Share of data relative to other nodes: multiplies vnodes.")),
		row("vnodes", "256", integer[int](1, 4096), func(c *Config) *int { return &c.Vnodes },
			"Ring tokens per unit of weight. More spread data more evenly and cost ring computation."),
		row("replicas", "3", integer[int](1, 16), func(c *Config) *int { return &c.Replicas },
			"N: how many nodes hold each key, or all where there are fewer. Equal on all nodes."),
		mutable(row("read-quorum", "2", integer[int](1, 16), func(c *Config) *int { return &c.ReadQuorum },
			"R: how many replicas a read consults. QUORUM overrides it for a connection or a command.")),
		mutable(row("write-quorum", "2", integer[int](1, 16), func(c *Config) *int { return &c.WriteQuorum },
			"W: how many replicas confirm a write before it is answered. QUORUM overrides it for a connection or a command.")),
		row("conflict-policy", "siblings", enum(ConflictSiblings, ConflictLWW), func(c *Config) *ConflictPolicy { return &c.ConflictPolicy },
			"siblings keeps concurrent values until a write that has seen them; lww keeps the newest only, which loses acknowledged writes. "+
				"Equal on all nodes."),
		mutable(row("conflict-reply", "newest", enum(ReplyNewest, ReplyError), func(c *Config) *ConflictReply { return &c.ConflictReply },
			"What a read of concurrent values answers: the newest of them, or a CONFLICT error.")),
		mutable(row("max-siblings", "100", integer[int](2, 10000), func(c *Config) *int { return &c.MaxSiblings },
			"Most concurrent values that one cell keeps.")),
		mutable(row("hedge-delay", "20ms", duration(time.Millisecond, time.Minute), func(c *Config) *time.Duration { return &c.HedgeDelay },
			"How long to wait for a node before the next is asked too, where it is not known how long it takes; else as long as nearly all its "+
				"answers take, within a tenth of this and ten times this. Less than request-timeout.")),
		mutable(row("request-timeout", "2s", duration(time.Millisecond, time.Hour), func(c *Config) *time.Duration { return &c.RequestTimeout },
			"How long a command may wait for its quorum before it answers NOQUORUM.")),
		row("max-clock-drift", "10s", duration(time.Second, time.Hour), func(c *Config) *time.Duration { return &c.MaxClockDrift },
			"How far ahead of most clocks a node's may be. One that is further ahead is refused."),
		mutable(row("repair-rate", "8mb", memory(0, math.MaxInt64), func(c *Config) *int64 { return &c.RepairRate },
			"How many bytes a second this node spends on comparing replicas, repairing them and verifying its own trees; 0 pauses that.")),
		mutable(row("handoff-rate", "32mb", memory(0, math.MaxInt64), func(c *Config) *int64 { return &c.HandoffRate },
			"How many bytes a second of data this node fetches or hands over when the ring changes; 0 pauses that.")),
		row("standby", "no", yesNo(), func(c *Config) *bool { return &c.Standby },
			"A node that joins waits until RING STAGE JOIN or RING REPLACE lets it take part."),
		mutable(row("hint-max-bytes", "1gb", memory(0, math.MaxInt64), func(c *Config) *int64 { return &c.HintMaxBytes },
			"How many bytes of hints this node keeps for primaries that are away. More are dropped, and left to anti-entropy.")),
		mutable(row("hint-max-age", "3h", duration(time.Second, 365*24*time.Hour), func(c *Config) *time.Duration { return &c.HintMaxAge },
			"Age from which on a hint is let go when as many other primaries as a write needs have what it holds.")),
		mutable(row("hint-rate", "8mb", memory(0, math.MaxInt64), func(c *Config) *int64 { return &c.HintRate },
			"How many bytes of hints a second this node sends to primaries that are back, each hint counted as 4 KB at least; 0 pauses that.")),
		hidden(row("secret", "", text[Secret]("text", nil), func(c *Config) *Secret { return &c.Secret },
			"Authenticates peers and keys gossip. Equal on all nodes; a node without one has peers on loopback only. CONFIG GET answers it empty.")),
	}
	for i := range rows {
		rows[i].Own = true
	}
	return rows
}

func mutable(d Directive) Directive {
	d.Mutable = true
	return d
}

func sensitive(d Directive) Directive {
	d.Secret = true
	return d
}

func hidden(d Directive) Directive {
	d.Secret, d.hidden = true, true
	return d
}

// portRow is a port of low to 65535 that is at port+offset unless given.
func portRow(name string, offset int, low int64, field func(*Ports) *int, doc string) Directive {
	port := integer[int](low, maxPort)
	d := row(name, "port+"+port.format(offset), port, func(c *Config) *int { return field(&c.Ports) }, doc)
	d.unset = true
	d.text = func(c *Config) string { return port.format(c.derive(*field(&c.Ports), offset)) }
	d.short = d.text
	return d
}

// seeds is a list separated by commas, or by commas and blanks.
func seeds() kind[[]Seed] {
	return kind[[]Seed]{
		syntax: "HOST:PORT[@GOSSIP],…",
		multi:  true,
		parse:  func(words []string, _ []Seed) ([]Seed, error) { return ParseSeeds(strings.Join(words, ",")) },
		format: func(seeds []Seed) string {
			texts := make([]string, len(seeds))
			for i, s := range seeds {
				texts[i] = s.String()
			}
			return strings.Join(texts, ",")
		},
	}
}

func checkClusterName(s string) error {
	if !validName(s, 64) {
		return errors.New("argument must be 1 to 64 letters, digits, dots, hyphens and underscores")
	}
	return nil
}

func checkZone(s string) error {
	if s != "" && !validName(s, 64) {
		return errors.New("argument must be up to 64 letters, digits, dots, hyphens and underscores")
	}
	return nil
}

func checkOptionalHost(s string) error {
	if s != "" && !validHost(s) {
		return errors.New("argument must be a host name or an IP address, without a port")
	}
	return nil
}

func checkNodeID(s string) error {
	if s != "" && (len(s) != 40 || strings.Trim(s, "0123456789abcdef") != "") {
		return errors.New("argument must be 40 lower-case hexadecimal digits")
	}
	return nil
}
