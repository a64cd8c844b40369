package transport

import (
	"context"
	"net"
	"time"
)

// Network is the seam to the outside: TCP in production, in memory in tests. Connections must be reliable ordered byte
// streams, and Write must report exactly how many bytes it accepted: ErrNotSent rests on that.
type Network interface {
	Listen(address string) (net.Listener, error)
	Dial(ctx context.Context, address string) (net.Conn, error)
}

// TCP is the Network of the operating system, with Nagle's algorithm off and keepalive on.
type TCP struct{}

// keepAlive makes the kernel notice, in about 15 s, a peer whose machine vanished. Beats notice sooner; this is for
// connections that are still in their handshake.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 2}

// Listen listens on host:port.
func (TCP) Listen(address string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: keepAlive}
	return lc.Listen(context.Background(), "tcp", address)
}

// Dial connects to host:port. Go sets TCP_NODELAY on every TCP connection.
func (TCP) Dial(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive}
	return d.DialContext(ctx, "tcp", address)
}

// onLoopback reports whether the far end of a connection is this machine. Only TCP leaves the machine: any other type of
// address belongs to an in-memory network or a local socket.
func onLoopback(conn net.Conn) bool {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}
