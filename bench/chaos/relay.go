//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// shape is how slow packets are: late by delay, more or less by up to jitter, and loss of 1000 do not arrive. Packets that
// are late by different times overtake each other.
type shape struct {
	delay, jitter time.Duration
	loss          int
}

// unplugged is the shape of a cable that was pulled out: what is on its way is lost too.
var unplugged = shape{loss: 1000}

// relay is a TUN device: packets routed into it come out of it again, late, or not at all.
type relay struct {
	device *os.File
	mu     sync.Mutex // guards shapes
	shapes map[string]shape
}

// newRelay makes the device and serves it until the program ends.
func newRelay(name string) (*relay, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, fmt.Errorf("the TUN device: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	r := &relay{device: os.NewFile(uintptr(fd), "/dev/net/tun"), shapes: map[string]shape{}}
	go r.serve()
	return r, nil
}

// set says how slow the packets of a source are.
func (r *relay) set(source string, s shape) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shapes[source] = s
}

func (r *relay) shapeOf(packet []byte) shape {
	if len(packet) < 20 || packet[0]>>4 != 4 {
		return unplugged
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shapes[net.IP(packet[12:16]).String()]
}

func (r *relay) serve() {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.device.Read(buf)
		if err != nil {
			return
		}
		s := r.shapeOf(buf[:n])
		if rand.IntN(1000) < s.loss {
			continue
		}
		late := s.delay
		if s.jitter > 0 {
			late += time.Duration(rand.Int64N(int64(2*s.jitter))) - s.jitter
		}
		packet := append([]byte(nil), buf[:n]...)
		time.AfterFunc(late, func() {
			if r.shapeOf(packet) != unplugged {
				_, _ = r.device.Write(packet) // what is not taken is lost, as packets may be
			}
		})
	}
}
