package clustertest

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"

	"github.com/kindredkv/kindred/cluster/transport/memnet"
)

// gate is the network as one run of a node sees it: nothing passes once the run is over, though goroutines of it may still
// be at work.
type gate struct {
	*memnet.Host
	closed atomic.Bool
}

func (g *gate) close() { g.closed.Store(true) }

// Listen is the host's while the node runs.
func (g *gate) Listen(addr string) (net.Listener, error) {
	if g.closed.Load() {
		return nil, syscall.ENETDOWN
	}
	return g.Host.Listen(addr)
}

// Dial is the host's while the node runs.
func (g *gate) Dial(ctx context.Context, addr string) (net.Conn, error) {
	if g.closed.Load() {
		return nil, syscall.ENETDOWN
	}
	c, err := g.Host.Dial(ctx, addr)
	if err == nil && g.closed.Load() {
		c.Close()
		return nil, syscall.ENETDOWN
	}
	return c, err
}
