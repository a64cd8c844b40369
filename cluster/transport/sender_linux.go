package transport

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// unsentBytes is how much the kernel takes beyond what it may send at once. Without a bound it takes some megabytes on a fast link, and
// a short frame behind those would wait for them.
const unsentBytes = 256 << 10

// sender writes to a socket without ever waiting for it.
type sender struct {
	raw  syscall.RawConn
	call func(fd uintptr) bool // s.write, made once

	b   []byte // in
	n   int    // out
	err error
}

// newSender returns nil when the connection is no socket.
func newSender(conn net.Conn) *sender {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes) // without it frames wait longer
	})
	s := &sender{raw: raw}
	s.call = s.write
	return s
}

// send writes as much of b as the socket takes now. One goroutine at a time may call it.
func (s *sender) send(b []byte) (int, error) {
	s.b, s.n, s.err = b[:min(len(b), writePiece)], 0, nil
	if err := s.raw.Write(s.call); err != nil {
		return 0, err
	}
	s.b = nil
	return s.n, s.err
}

// write makes the call without telling the scheduler, which would cost more than most of these calls take.
func (s *sender) write(fd uintptr) bool {
	n, _, err := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&s.b[0])), uintptr(len(s.b)))
	switch err {
	case 0:
		s.n = int(n)
	case syscall.EAGAIN, syscall.EINTR:
	default:
		s.err = err
	}
	return true
}
