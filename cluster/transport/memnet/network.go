// Package memnet is a network in memory for tests: named hosts, reliable ordered connections with bounded buffers, and
// faults on command. It starts no goroutine and uses only the time package for waiting, so it runs under
// testing/synctest.
//
// A link is the way from one host to another; the way back is a link of its own. Cut breaks a link and Heal mends it.
package memnet

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Mode says what happens on a link that is cut.
type Mode uint8

const (
	// Silent holds back all that travels on the link, ends of connections included, until it is healed; dials from either
	// side hang. Nobody is told, as when a cable is pulled.
	Silent Mode = iota
	// Reset breaks the connections that were dialed over the link, dropping what is in them, and refuses new ones.
	Reset
)

// Network connects hosts. Its zero value is not usable; New makes one.
type Network struct {
	mu        sync.Mutex // guards all below; taken before the lock of a pipe
	links     map[route]link
	listeners map[address]*listener
	pairs     map[*pair]struct{} // the connections that are not closed at both ends
	nextPort  int                // for Listen with port 0 and for the near end of dialed connections
	changed   chan struct{}      // closed and replaced when a link changes

	sent atomic.Uint64
}

// route names a link.
type route struct{ from, to string }

// link is the state of a link; the zero value is a healthy one.
type link struct {
	cut   bool
	mode  Mode
	delay time.Duration
}

func (l link) silent() bool { return l.cut && l.mode == Silent }

// New returns a network without faults.
func New() *Network {
	return &Network{
		links:     make(map[route]link),
		listeners: make(map[address]*listener),
		pairs:     make(map[*pair]struct{}),
		nextPort:  40000,
		changed:   make(chan struct{}),
	}
}

// Sent is how many bytes have been written to all connections so far.
func (n *Network) Sent() uint64 { return n.sent.Load() }

// Cut breaks the link between two hosts, one way.
func (n *Network) Cut(from, to string, mode Mode) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.links[route{from, to}]
	l.cut, l.mode = true, mode
	n.set(route{from, to}, l)
	if mode == Reset {
		for p := range n.pairs {
			if p.dialer == from && p.acceptor == to {
				p.reset()
				delete(n.pairs, p)
			}
		}
	}
}

// CutBoth breaks the links between two hosts both ways.
func (n *Network) CutBoth(a, b string, mode Mode) {
	n.Cut(a, b, mode)
	n.Cut(b, a, mode)
}

// Partition cuts every host of one side off every host of the other, both ways.
func (n *Network) Partition(mode Mode, one, other []string) {
	for _, a := range one {
		for _, b := range other {
			n.CutBoth(a, b, mode)
		}
	}
}

// Heal mends a link, one way. What was held back arrives.
func (n *Network) Heal(from, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.links[route{from, to}]
	l.cut = false
	n.set(route{from, to}, l)
}

// HealBoth mends the links between two hosts both ways.
func (n *Network) HealBoth(a, b string) {
	n.Heal(a, b)
	n.Heal(b, a)
}

// HealAll mends all links. Delays stay.
func (n *Network) HealAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for r, l := range n.links {
		l.cut = false
		n.set(r, l)
	}
}

// SetDelay sets how long bytes that are written from now on travel on a link, one way.
func (n *Network) SetDelay(from, to string, delay time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.links[route{from, to}]
	l.delay = delay
	n.set(route{from, to}, l)
}

// set puts a link in its state, and the connections on it. mu is held.
func (n *Network) set(r route, l link) {
	n.links[r] = l
	for p := range n.pairs {
		n.apply(p)
	}
	close(n.changed)
	n.changed = make(chan struct{})
}

// apply tells a connection the state of its links. mu is held.
func (n *Network) apply(p *pair) {
	there, back := n.links[route{p.dialer, p.acceptor}], n.links[route{p.acceptor, p.dialer}]
	p.there.setLink(there, back)
	p.back.setLink(back, there)
}

// Crash closes all connections and listeners of a host, as the end of its process does: the others see the connections
// end, when the links let them.
func (n *Network) Crash(host string) {
	n.mu.Lock()
	var ends []interface{ Close() error }
	for p := range n.pairs {
		if p.dialer == host {
			ends = append(ends, p.dialed)
		}
		if p.acceptor == host {
			ends = append(ends, p.accepted)
		}
	}
	for at, l := range n.listeners {
		if at.host == host {
			ends = append(ends, l)
		}
	}
	n.mu.Unlock()
	for _, end := range ends {
		end.Close()
	}
}

// Host is the network as one host sees it. It implements the Network interface of package transport.
type Host struct {
	network *Network
	name    string
}

// Host returns the host with this name. Hosts need not be declared.
func (n *Network) Host(name string) *Host { return &Host{network: n, name: name} }

// Listen listens on a port of the host, whatever host the address names; port 0 takes a free one.
func (h *Host) Listen(addr string) (net.Listener, error) {
	at, err := parseAddress(addr)
	if err != nil {
		return nil, err
	}
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	at.host = h.name
	if at.port == 0 {
		at.port = n.port()
	}
	if n.listeners[at] != nil {
		return nil, opError("listen", at, syscall.EADDRINUSE)
	}
	l := &listener{network: n, at: at, backlog: make(chan *conn, backlog), closed: make(chan struct{})}
	n.listeners[at] = l
	return l, nil
}

// Dial connects to host:port. localhost and 127.0.0.1 are the host itself.
func (h *Host) Dial(ctx context.Context, addr string) (net.Conn, error) {
	to, err := parseAddress(addr)
	if err != nil {
		return nil, err
	}
	if to.host == "localhost" || to.host == "127.0.0.1" {
		to.host = h.name
	}
	l, delay, err := h.reach(ctx, to)
	if err != nil {
		return nil, opError("dial", to, err)
	}
	if err := sleep(ctx, delay); err != nil {
		return nil, opError("dial", to, err)
	}
	dialed, accepted, err := h.connect(to, l)
	if err != nil {
		return nil, opError("dial", to, err)
	}
	select {
	case l.backlog <- accepted:
		l.dropIfClosed()
		return dialed, nil
	case <-l.closed:
		err = syscall.ECONNREFUSED
	case <-ctx.Done():
		err = ctx.Err()
	}
	dialed.Close()
	accepted.Close()
	return nil, opError("dial", to, err)
}

// reach waits until both links are open, and returns the listener and the time that connecting takes.
func (h *Host) reach(ctx context.Context, to address) (*listener, time.Duration, error) {
	n := h.network
	for {
		n.mu.Lock()
		there, back := n.links[route{h.name, to.host}], n.links[route{to.host, h.name}]
		l, changed := n.listeners[to], n.changed
		n.mu.Unlock()
		switch {
		case there.silent() || back.silent():
			select {
			case <-changed:
			case <-ctx.Done():
				return nil, 0, ctx.Err()
			}
		case there.cut || l == nil:
			return nil, 0, syscall.ECONNREFUSED
		default:
			return l, there.delay + back.delay, ctx.Err()
		}
	}
}

// connect makes a connection, unless the link was cut meanwhile.
func (h *Host) connect(to address, l *listener) (dialed, accepted *conn, err error) {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.links[route{h.name, to.host}].cut || n.listeners[to] != l {
		return nil, nil, syscall.ECONNREFUSED
	}
	p := newPair(n, address{h.name, n.port()}, to)
	n.pairs[p] = struct{}{}
	n.apply(p)
	return p.dialed, p.accepted, nil
}

// port returns an unused port. mu is held.
func (n *Network) port() int {
	n.nextPort++
	return n.nextPort
}

// address is host:port, a net.Addr.
type address struct {
	host string
	port int
}

func (a address) Network() string { return "mem" }
func (a address) String() string  { return net.JoinHostPort(a.host, strconv.Itoa(a.port)) }

func parseAddress(s string) (address, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return address{}, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return address{}, fmt.Errorf("address %s: %w", s, err)
	}
	return address{host, int(number)}, nil
}

func opError(op string, at address, err error) error {
	return &net.OpError{Op: op, Net: "mem", Addr: at, Err: err}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
