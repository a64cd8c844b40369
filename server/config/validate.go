package config

import "fmt"

// maxTokens bounds the ring tokens of one node; a token more often than slots has no use.
const maxTokens = 1 << 16

// Validate returns a join of every [Fault] of the configuration, nil when there is none: values that their directives do
// not accept, and values that do not go together.
func (c *Config) Validate() error { return joinFaults(c.faults()) }

// faults lists what is wrong with the configuration.
func (c *Config) faults() []*Fault {
	var faults []*Fault
	add := func(directive, format string, args ...any) {
		faults = append(faults, &Fault{Directive: directive, Err: fmt.Errorf(format, args...)})
	}
	// A Config need not come from the parser, so each value is read back once.
	scratch := c.clone()
	for i := range table {
		d := &table[i]
		if err := d.set(scratch, d.words(d.text(c))); err != nil && !c.derives(d) {
			add(d.Name, "%w", err)
		}
	}
	c.checkPorts(add)
	if c.ReadQuorum > c.Replicas {
		add("read-quorum", "%d is above replicas, which is %d", c.ReadQuorum, c.Replicas)
	}
	if c.WriteQuorum > c.Replicas {
		add("write-quorum", "%d is above replicas, which is %d", c.WriteQuorum, c.Replicas)
	}
	if c.HedgeDelay >= c.RequestTimeout {
		add("hedge-delay", "%v is not below request-timeout, which is %v", c.HedgeDelay, c.RequestTimeout)
	}
	if tokens := c.Weight * c.Vnodes; tokens > maxTokens {
		add("vnodes", "weight × vnodes is %d, above %d", tokens, maxTokens)
	}
	if c.Secret == "" {
		for _, seed := range c.Join {
			if seed.remote() {
				add("join", "'%s' is not on loopback, which needs a secret", seed)
			}
		}
	}
	return faults
}

// port is a listener for checkPorts.
type port struct {
	directive string
	number    int
	given     bool
	offset    int
}

func (c *Config) listeners() []port {
	return []port{
		{"port", c.Port, true, 0},
		{"cluster-port", c.ClusterPort(), c.Ports.Cluster != Derived, clusterOffset},
		{"http-port", c.HTTPPort(), c.Ports.HTTP != Derived, httpOffset},
		{"peer-port", c.PeerPort(), c.Ports.Peer != Derived, peerOffset},
		{"gossip-port", c.GossipPort(), c.Ports.Gossip != Derived, gossipOffset},
	}
}

// derives tells that d is a port that was not given, whose range checkPorts checks with a better text.
func (c *Config) derives(d *Directive) bool {
	for _, p := range c.listeners() {
		if p.directive == d.Name {
			return !p.given
		}
	}
	return false
}

// checkPorts finds ports that do not fit above the client port, and ports used twice.
func (c *Config) checkPorts(add func(directive, format string, args ...any)) {
	users := make(map[int]string)
	for _, p := range c.listeners() {
		switch other, taken := users[p.number]; {
		case p.number == 0: // off
		case !p.given && p.number > maxPort:
			add(p.directive, "port+%d is %d, above %d: set it", p.offset, p.number, maxPort)
		case taken:
			add(p.directive, "%d is used by %s already", p.number, other)
		default:
			users[p.number] = p.directive
		}
	}
}
