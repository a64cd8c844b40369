package resp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below never wait. They are made without telling the scheduler, which would cost more than some of them;
// so that it is not held up, their length is bounded.

// longestCall bounds the bytes of one read or write.
const longestCall = 256 << 10

// readNow reads from a non-blocking descriptor. b is not empty.
func readNow(fd int, b []byte) (int, unix.Errno) {
	n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(min(len(b), longestCall)))
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}

// writeNow writes to a non-blocking descriptor. b is not empty.
func writeNow(fd int, b []byte) (int, unix.Errno) {
	n, _, err := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(min(len(b), longestCall)))
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}

// pollNow returns the number of events that have happened, 0 when interrupted.
func pollNow(epoll int, events []unix.EpollEvent) int {
	n, _, err := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if err != 0 {
		return 0
	}
	return int(n)
}
