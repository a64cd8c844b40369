package memnet

import (
	"net"
	"sync"
)

// backlog is how many connections wait to be accepted before dials wait.
const backlog = 128

// listener accepts the connections to one port of one host.
type listener struct {
	network *Network
	at      address
	backlog chan *conn
	once    sync.Once
	closed  chan struct{}
}

// Accept returns the next connection.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, opError("accept", l.at, net.ErrClosed)
	default:
	}
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, opError("accept", l.at, net.ErrClosed)
	}
}

// Close frees the port and closes the connections that wait to be accepted.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, l.at)
		l.network.mu.Unlock()
		close(l.closed)
		l.dropIfClosed()
	})
	return nil
}

// dropIfClosed closes what waits at a listener that is closed. A dial calls it too, since its connection may have come to
// wait just after Close looked.
func (l *listener) dropIfClosed() {
	select {
	case <-l.closed:
	default:
		return
	}
	for {
		select {
		case c := <-l.backlog:
			c.Close()
		default:
			return
		}
	}
}

// Addr is host:port.
func (l *listener) Addr() net.Addr { return l.at }
