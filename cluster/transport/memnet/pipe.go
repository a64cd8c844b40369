package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// capacity is how many bytes a pipe holds before writes block.
const capacity = 256 << 10

// pipe is one direction of a connection. One end writes, the other reads.
type pipe struct {
	mu      sync.Mutex // guards all below
	changed sync.Cond  // broadcast at every change and when a deadline or an arrival is due

	segments []segment
	size     int  // bytes in segments
	ended    bool // the writer has closed; reads end behind the segments
	endAt    time.Time
	unread   bool  // the reader has closed
	broken   error // reset

	held     bool // this link is cut silently
	deaf     bool // the link back is, so that the writer does not learn of a closed reader
	delay    time.Duration
	reading  deadline
	writing  deadline
	arrivals *time.Timer // wakes the reader for the first segment
}

// segment is what one write brought, and when it arrives.
type segment struct {
	data []byte
	at   time.Time
}

// deadline is a point in time at which waiting ends; zero is never.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func newPipe() *pipe {
	p := &pipe{}
	p.changed.L = &p.mu
	return p
}

// wake lets all who wait look again. It takes the lock, so that nobody is between looking and waiting.
func (p *pipe) wake() {
	p.mu.Lock()
	p.changed.Broadcast()
	p.mu.Unlock()
}

// read returns what has arrived, waiting for at least a byte.
func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.unread:
			return 0, net.ErrClosed
		case p.broken != nil:
			return 0, p.broken
		case p.reading.passed():
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		}
		if n := p.takeArrived(b); n > 0 {
			return n, nil
		}
		if p.ended && len(p.segments) == 0 && !p.held && p.arrived(p.endAt) {
			return 0, io.EOF
		}
		p.changed.Wait()
	}
}

// takeArrived moves arrived bytes to b. mu is held.
func (p *pipe) takeArrived(b []byte) (n int) {
	for !p.held && n < len(b) && len(p.segments) > 0 && p.arrived(p.segments[0].at) {
		first := &p.segments[0]
		m := copy(b[n:], first.data)
		n += m
		if first.data = first.data[m:]; len(first.data) == 0 {
			p.segments = p.segments[1:]
		}
	}
	if n > 0 {
		p.size -= n
		p.changed.Broadcast()
	}
	return n
}

// arrived says whether it is that time, and otherwise has the reader woken then. mu is held.
func (p *pipe) arrived(at time.Time) bool {
	left := time.Until(at)
	if left <= 0 {
		return true
	}
	if p.arrivals == nil {
		p.arrivals = time.AfterFunc(left, p.wake)
	} else {
		p.arrivals.Reset(left)
	}
	return false
}

// write sends all of b, waiting while the pipe is full.
func (p *pipe) write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.ended:
			return n, net.ErrClosed
		case p.broken != nil:
			return n, p.broken
		case p.writing.passed():
			return n, os.ErrDeadlineExceeded
		case p.unread && !p.held && !p.deaf:
			return n, syscall.EPIPE
		case n == len(b):
			return n, nil
		}
		if room := capacity - p.size; room > 0 {
			m := min(room, len(b)-n)
			p.segments = append(p.segments, segment{data: append([]byte(nil), b[n:n+m]...), at: p.arrival()})
			p.size += m
			n += m
			p.changed.Broadcast()
			continue
		}
		p.changed.Wait()
	}
}

// arrival is when what is sent now arrives: never before what was sent earlier. mu is held.
func (p *pipe) arrival() time.Time {
	at := time.Now().Add(p.delay)
	if n := len(p.segments); n > 0 && p.segments[n-1].at.After(at) {
		return p.segments[n-1].at
	}
	return at
}

// closeWrite ends the pipe at the writer.
func (p *pipe) closeWrite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.endAt = p.arrival()
		p.ended = true
	}
	p.writing.stop()
	p.changed.Broadcast()
}

// closeRead ends the pipe at the reader.
func (p *pipe) closeRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unread = true
	p.reading.stop()
	p.changed.Broadcast()
}

// reset drops what is in the pipe and fails both ends.
func (p *pipe) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = syscall.ECONNRESET
	p.segments, p.size = nil, 0
	p.reading.stop()
	p.writing.stop()
	p.changed.Broadcast()
}

// setLink takes over the state of this link and of the link back.
func (p *pipe) setLink(this, back link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held, p.deaf, p.delay = this.silent(), back.silent(), this.delay
	p.changed.Broadcast()
}

func (p *pipe) setReadDeadline(t time.Time)  { p.setDeadline(&p.reading, t) }
func (p *pipe) setWriteDeadline(t time.Time) { p.setDeadline(&p.writing, t) }

func (p *pipe) setDeadline(d *deadline, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.stop()
	d.at = t
	if !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), p.wake)
	}
	p.changed.Broadcast()
}

// stop stops the timer.
func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}
