package memnet

import (
	"net"
	"sync/atomic"
	"time"
)

// pair is a connection: two ends and a pipe each way.
type pair struct {
	network          *Network
	dialer, acceptor string // hosts
	there, back      *pipe  // from the dialer to the acceptor, and back
	dialed, accepted *conn
	open             atomic.Int32 // ends that are not closed
}

func newPair(n *Network, from, to address) *pair {
	p := &pair{network: n, dialer: from.host, acceptor: to.host, there: newPipe(), back: newPipe()}
	p.dialed = &conn{pair: p, in: p.back, out: p.there, local: from, remote: to}
	p.accepted = &conn{pair: p, in: p.there, out: p.back, local: to, remote: from}
	p.open.Store(2)
	return p
}

// reset breaks the connection at both ends at once.
func (p *pair) reset() {
	p.there.reset()
	p.back.reset()
}

// conn is one end of a connection.
type conn struct {
	pair          *pair
	in, out       *pipe
	local, remote address
	closed        atomic.Bool
}

func (c *conn) Read(p []byte) (int, error) { return c.in.read(p) }

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	c.pair.network.sent.Add(uint64(n))
	return n, err
}

// Close ends the connection. The other end still reads what was written before.
func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return opError("close", c.local, net.ErrClosed)
	}
	c.out.closeWrite()
	c.in.closeRead()
	if c.pair.open.Add(-1) == 0 {
		n := c.pair.network
		n.mu.Lock()
		delete(n.pairs, c.pair)
		n.mu.Unlock()
	}
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	c.out.setWriteDeadline(t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.setWriteDeadline(t)
	return nil
}
