package config

import (
	"net"
	"strconv"
	"strings"
)

// Offsets of the ports that follow from the client port unless given.
const (
	clusterOffset = 1000
	httpOffset    = 3000
	peerOffset    = 10000
	gossipOffset  = 11000
)

// Derived is the value of a port that was not given and so follows from the client port.
const Derived = -1

// Ports are the ports besides the client port: Derived, a port, or for HTTP and Cluster 0 to switch them off.
type Ports struct {
	Peer, Gossip, HTTP, Cluster int
}

// PeerPort is the TCP port where other nodes send commands and replication: Port+10000 unless given.
func (c *Config) PeerPort() int { return c.derive(c.Ports.Peer, peerOffset) }

// GossipPort is the TCP and UDP port of membership gossip: Port+11000 unless given.
func (c *Config) GossipPort() int { return c.derive(c.Ports.Gossip, gossipOffset) }

// HTTPPort is the port of health checks and metrics, Port+3000 unless given; 0: none.
func (c *Config) HTTPPort() int { return c.derive(c.Ports.HTTP, httpOffset) }

// ClusterPort is the client port that speaks as a Redis Cluster, Port+1000 unless given; 0: none.
func (c *Config) ClusterPort() int { return c.derive(c.Ports.Cluster, clusterOffset) }

func (c *Config) derive(port, offset int) int {
	if port == Derived {
		return c.Port + offset
	}
	return port
}

// Address is one word of the bind directive.
type Address struct {
	// Host is a name or IP address; "0.0.0.0" and "::" stand for all of their family.
	Host string
	// Optional says that the node starts without this address when the machine does not have it.
	Optional bool
}

// Join returns host and port as net.Listen takes them.
func (a Address) Join(port int) string { return net.JoinHostPort(a.Host, strconv.Itoa(port)) }

// Addresses are the addresses to listen on, at least one: a '-' before a word makes it optional, '*' is all IPv4
// addresses and '::*' all IPv6 ones.
func (c *Config) Addresses() []Address {
	addresses := make([]Address, len(c.Bind))
	for i, word := range c.Bind {
		host, optional := strings.CutPrefix(word, "-")
		switch host {
		case "*":
			host = "0.0.0.0"
		case "::*":
			host = "::"
		}
		addresses[i] = Address{Host: host, Optional: optional}
	}
	return addresses
}

// bindAddresses accepts 1 to 16 words of the bind directive.
func bindAddresses(words []string) error {
	if len(words) > 16 {
		return errManyAddresses
	}
	if len(words) == 0 {
		return errWordCount
	}
	for _, word := range words {
		host := strings.TrimPrefix(word, "-")
		if host != "*" && host != "::*" && !validHost(host) {
			return errNotAddress
		}
	}
	return nil
}
