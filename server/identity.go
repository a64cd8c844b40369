package server

import (
	"encoding/hex"
	"fmt"
	"net"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/server/config"
)

// metaNodeID is where the node's id is kept beside the data: another store is another node.
const metaNodeID = "node-id"

// identity is the node's id: the configured one, else the one kept in the store, else a new one.
func identity(c *config.Config, store *engine.Store, random func() uint64) (ring.NodeID, error) {
	kept, err := store.LoadMeta(metaNodeID)
	if err != nil {
		return "", fmt.Errorf("node id: %w", err)
	}
	id := c.NodeID
	switch {
	case id != "" && kept != nil && id != string(kept):
		return "", fmt.Errorf("node-id is %s, but the store in %q belongs to node %s", id, c.Dir, kept)
	case id == "" && kept != nil:
		id = string(kept)
	case id == "":
		id = drawID(random)
	}
	parsed, err := ring.ParseNodeID(id)
	if err != nil {
		return "", fmt.Errorf("node id: %w", err)
	}
	if kept == nil {
		if err := store.SaveMeta(metaNodeID, []byte(id)); err != nil {
			return "", fmt.Errorf("node id: %w", err)
		}
	}
	return parsed, nil
}

func drawID(random func() uint64) string {
	var b [20]byte
	for i := range b {
		b[i] = byte(random())
	}
	return hex.EncodeToString(b[:])
}

// advertised is the host that clients and peers are told: the configured one, else the first address that is bound, and
// when that is a wildcard, an address of this machine. Without a secret there are peers on loopback only.
func advertised(c *config.Config) string {
	if c.Advertise != "" {
		return c.Advertise
	}
	host := c.Addresses()[0].Host
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() || ip == nil && host != "" {
		return host
	}
	if c.Secret == "" {
		return "127.0.0.1"
	}
	return outwardAddress()
}

// outwardAddress is the first address of this machine that is not loopback, or else loopback.
func outwardAddress() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// peerBind is the address to listen on for peers and gossip.
func peerBind(c *config.Config) string {
	if c.Secret == "" {
		return "127.0.0.1"
	}
	return c.Addresses()[0].Host
}
