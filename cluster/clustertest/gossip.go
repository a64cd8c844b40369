package clustertest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

// gossip carries memberlist's packets and streams over a memnet host. Packets travel on a connection to each
// destination; where the way is cut they are held back or dropped, like the connection.
type gossip struct {
	host    *gate
	deaf    *atomic.Bool // nothing comes and nothing goes
	ip      net.IP
	port    int
	listen  net.Listener
	packets chan *memberlist.Packet
	streams chan net.Conn

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex // guards lines and conns
	lines map[string]chan []byte
	conns map[net.Conn]bool
}

// What a connection carries, told by its first byte.
const (
	carriesPackets = 'p'
	carriesStream  = 's'
)

const queuedPackets = 256

func newGossip(host *gate, deaf *atomic.Bool, ip string, port int) (*gossip, error) {
	l, err := host.Listen(net.JoinHostPort(ip, itoa(port)))
	if err != nil {
		return nil, err
	}
	g := &gossip{
		host: host, deaf: deaf, ip: net.ParseIP(ip), port: port, listen: l,
		packets: make(chan *memberlist.Packet, queuedPackets),
		streams: make(chan net.Conn),
		lines:   map[string]chan []byte{},
		conns:   map[net.Conn]bool{},
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.running.Go(g.accept)
	return g, nil
}

func (g *gossip) accept() {
	for {
		c, err := g.listen.Accept()
		if err != nil {
			return
		}
		g.running.Go(func() { g.serve(c) })
	}
}

func (g *gossip) serve(c net.Conn) {
	if !g.keep(c) {
		return
	}
	var kind [1]byte
	if _, err := io.ReadFull(c, kind[:]); err != nil {
		g.drop(c)
		return
	}
	if g.deaf.Load() {
		g.drop(c)
		return
	}
	if kind[0] == carriesStream {
		g.release(c)
		select {
		case g.streams <- c:
		case <-g.ctx.Done():
			c.Close()
		}
		return
	}
	defer g.drop(c)
	for {
		var length [4]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		if g.deaf.Load() {
			continue
		}
		select {
		case g.packets <- &memberlist.Packet{Buf: b, From: c.RemoteAddr(), Timestamp: time.Now()}:
		default: // like a full socket buffer
		}
	}
}

// keep notes a connection so that Shutdown can close it; false when it is too late.
func (g *gossip) keep(c net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		c.Close()
		return false
	}
	g.conns[c] = true
	return true
}

func (g *gossip) release(c net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}

func (g *gossip) drop(c net.Conn) {
	g.release(c)
	c.Close()
}

func (g *gossip) FinalAdvertiseAddr(string, int) (net.IP, int, error) { return g.ip, g.port, nil }

func (g *gossip) WriteTo(b []byte, addr string) (time.Time, error) {
	if g.deaf.Load() {
		return time.Now(), nil
	}
	g.mu.Lock()
	line := g.lines[addr]
	if line == nil && g.ctx.Err() == nil {
		line = make(chan []byte, queuedPackets)
		g.lines[addr] = line
		g.running.Go(func() { g.send(addr, line) })
	}
	g.mu.Unlock()
	select {
	case line <- append([]byte(nil), b...):
	default:
	}
	return time.Now(), nil
}

// send carries the packets for one destination, over one connection after the other.
func (g *gossip) send(addr string, line chan []byte) {
	var c net.Conn
	defer func() {
		if c != nil {
			g.drop(c)
		}
	}()
	for {
		var b []byte
		select {
		case b = <-line:
		case <-g.ctx.Done():
			return
		}
		if c == nil {
			if c = g.dial(addr, carriesPackets, time.Second); c == nil {
				continue
			}
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)); err != nil {
			g.drop(c)
			c = nil
		}
	}
}

func (g *gossip) dial(addr string, kind byte, timeout time.Duration) net.Conn {
	if g.deaf.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(g.ctx, timeout)
	defer cancel()
	c, err := g.host.Dial(ctx, addr)
	if err != nil {
		return nil
	}
	if kind == carriesPackets && !g.keep(c) {
		return nil
	}
	if _, err := c.Write([]byte{kind}); err != nil {
		g.drop(c)
		return nil
	}
	return c
}

func (g *gossip) PacketCh() <-chan *memberlist.Packet { return g.packets }

func (g *gossip) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	if c := g.dial(addr, carriesStream, timeout); c != nil {
		return c, nil
	}
	return nil, context.DeadlineExceeded
}

func (g *gossip) StreamCh() <-chan net.Conn { return g.streams }

func (g *gossip) Shutdown() error {
	g.cancel()
	err := g.listen.Close()
	g.mu.Lock()
	for c := range g.conns {
		c.Close()
	}
	g.mu.Unlock()
	g.running.Wait()
	return err
}
