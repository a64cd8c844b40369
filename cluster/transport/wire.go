package transport

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// keptBuffer is the largest write buffer that is kept for reuse.
	keptBuffer = 512 << 10
	// missedBeats is for how many beats in a row a connection may be silent.
	missedBeats = 3
	// writePiece is what one Write takes at most, so that progress shows.
	writePiece = 1 << 20
	// maxBeatBacklog is up to how many waiting bytes a beat is added: what waits will be heard as well.
	maxBeatBacklog = 1 << 20
)

// wire is what the two ends of a connection have in common: the queue of frames to be written and the beats.
//
// Frames are appended to a buffer; the writer goroutine takes all that has gathered, writes it with one call and comes
// back for more. So the slower writing is, the more frames share a system call.
//
// System calls are most of what a small request costs, so the writer, once woken, yields before it takes the buffer.
// Measured with three processes on two cores, 17 goroutines in each that call both others with 150 bytes: 700,000 calls a
// second in all, against 500,000 without yielding; with 100 goroutines 1,490,000 against 930,000; with one, whose calls
// share nothing, no difference. Letting each sender write when the writer is idle halves the first figure, since the first
// of a group of senders no longer waits for the others.
//
// Long messages are not in the buffer: whenever the writer takes that, it adds some parts of them behind (stream.go).
//
// Whoever knows that it sends a group says so: Transport.Hold and Release around it, or a handler that answers the requests
// of one read. Then nobody is woken for the single frames, and at the end push writes them on the goroutine that sent them.
// Waking the writer for that costs a switch between threads for each message, most of what it costs with few clients.
type wire struct {
	conn  net.Conn
	send  *sender // nil when conn is no socket
	clock stopwatch
	walls *wallClocks
	limit int // of waiting bytes

	// mu guards the fields below, and in outgoing the calls, so that making a call takes one lock. It is never held
	// across reading, writing or a callback.
	mu sync.Mutex
	// buf holds whole frames that the writer has not taken yet, and inWrite counts the bytes that it has.
	buf     []byte
	inWrite int
	long    streams // to be sent; the writer is not idle while one can go on
	spare   []byte  // the other buffer, while it is not being written
	queued  uint64  // bytes ever appended
	written uint64  // bytes that conn.Write has accepted
	idle    bool    // the writer waits, or is about to wait, on wake
	closed  bool    // nothing is appended any more
	cause   error   // why it was closed

	wake    chan struct{} // has room for the one signal that idle allows
	drained sync.Cond     // signaled when bytes were written or the wire was closed

	beat   *time.Timer
	silent int // beats in a row without hearing

	period  time.Duration // of beats
	heard   atomic.Bool   // bytes came since the last beat
	serving atomic.Bool   // the reader is in a callback and not listening

	bytesIn  atomic.Uint64
	bytesOut atomic.Uint64

	coming  assemblies // of the reader
	longest int        // message
	longs   *atomic.Int64

	// sending and sent, where set, are called around the sending of a part, with mu held.
	sending, sent func(*stream)
}

// open makes w ready for use; beats start with startBeats.
func (w *wire) open(conn net.Conn, clock stopwatch, t *Transport) {
	w.conn, w.send, w.clock, w.walls = conn, newSender(conn), clock, t.walls
	w.limit, w.period = t.options.MaxInFlightBytes, t.options.Beat
	w.coming.room, w.longest, w.longs = t.room, t.options.MaxMessage, &t.longs
	w.wake = make(chan struct{}, 1)
	w.drained.L = &w.mu
}

// backlog is how many bytes wait to be written, but for long messages. mu is held.
func (w *wire) backlog() int { return len(w.buf) + w.inWrite }

// full says that a frame of n bytes exceeds what may wait. mu is held.
func (w *wire) full(n int) bool {
	waiting := w.backlog()
	return waiting > 0 && waiting+n > w.limit
}

// appended notes that buf has grown by n bytes and says whether the caller must call rouse after it has unlocked: not when
// somebody will push. mu is held.
func (w *wire) appended(n int, pushed bool) (rouse bool) {
	w.queued += uint64(n)
	if pushed {
		return false
	}
	rouse = w.idle
	w.idle = false
	return rouse
}

// rouse wakes the writer. Only the one caller that found it idle comes here, so the channel has room.
func (w *wire) rouse() { w.wake <- struct{}{} }

// push writes what waits, on the caller's goroutine when the writer is idle and the socket takes it. It does not wait.
func (w *wire) push() {
	w.mu.Lock()
	if !w.idle || len(w.buf) == 0 {
		w.mu.Unlock()
		return // the writer comes back for what is left
	}
	w.idle = false
	if w.send == nil {
		w.mu.Unlock()
		w.rouse()
		return
	}
	out := w.buf
	w.buf, w.spare = w.spare[:0], nil
	w.inWrite = len(out)
	w.mu.Unlock()

	n, err := w.send.send(out)
	w.wrote(n, err)

	w.mu.Lock()
	w.inWrite = 0
	if n < len(out) {
		w.buf = append(out[n:], w.buf...)
	} else if cap(out) <= keptBuffer {
		w.spare = out[:0]
	}
	w.idle = len(w.buf) == 0 && !w.long.ready() && !w.closed
	rouse := !w.idle
	w.mu.Unlock()
	if rouse {
		w.rouse()
	}
}

// write is the writer goroutine: it writes what gathers in buf until the wire is closed.
func (w *wire) write() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.closed {
		if w.addParts(); len(w.buf) == 0 {
			w.idle = true
			w.mu.Unlock()
			<-w.wake
			runtime.Gosched() // lets those append who are ready to
			w.mu.Lock()
			continue
		}
		w.writeOnce()
	}
}

// writeOnce writes what is in buf. mu is held, and released meanwhile.
func (w *wire) writeOnce() {
	out := w.buf
	w.buf, w.spare = w.spare[:0], nil
	w.inWrite = len(out)
	w.mu.Unlock()
	for rest := out; len(rest) > 0; {
		n, err := w.conn.Write(rest[:min(len(rest), writePiece)])
		rest = rest[n:]
		w.wrote(n, err)
		if err != nil {
			break
		}
	}
	w.mu.Lock()
	w.inWrite = 0
	if cap(out) <= keptBuffer {
		w.spare = out[:0]
	}
}

// wrote notes the outcome of a Write.
func (w *wire) wrote(n int, err error) {
	w.bytesOut.Add(uint64(n))
	w.mu.Lock()
	w.inWrite -= n
	w.written += uint64(n)
	if err != nil {
		w.closeLocked(err)
	}
	w.mu.Unlock()
	w.drained.Broadcast()
}

// await waits until no more than n bytes wait to be written, or the wire is closed. The reader waits here instead of
// reading, so what the peer takes counts as hearing from it.
func (w *wire) await(n int) {
	w.mu.Lock()
	for w.backlog() > n && !w.closed {
		w.drained.Wait()
		w.heard.Store(true)
	}
	w.mu.Unlock()
}

// close ends the connection; the first cause is kept. The goroutines that use it return soon after.
func (w *wire) close(cause error) {
	w.mu.Lock()
	w.closeLocked(cause)
	w.mu.Unlock()
}

func (w *wire) closeLocked(cause error) {
	if w.closed {
		return
	}
	w.closed, w.cause = true, cause
	if w.idle {
		w.idle = false
		w.wake <- struct{}{} // has room, see rouse
	}
	w.drained.Broadcast()
	if w.beat != nil {
		w.beat.Stop()
	}
	w.conn.Close()
}

// startBeats sends a beat each period from now on, and watches for those of the peer.
func (w *wire) startBeats() {
	w.heard.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.beat = time.AfterFunc(w.period, w.onBeat)
	}
}

// onBeat runs once each period. It counts periods rather than comparing times, so that a pause of this process, in which
// nothing could be heard, is not taken for one of the peer.
func (w *wire) onBeat() {
	w.mu.Lock()
	if w.heard.Swap(false) || w.serving.Load() {
		w.silent = 0
	} else if w.silent++; w.silent >= missedBeats {
		w.closeLocked(errSilent)
	}
	if w.closed {
		w.mu.Unlock()
		return
	}
	rouse := false
	if w.backlog() <= maxBeatBacklog {
		before := len(w.buf)
		w.buf = appendNumber(appendNumber(w.buf, frameBeat, uint64(w.clock.micros())), frameWall, uint64(w.walls.millis()))
		rouse = w.appended(len(w.buf)-before, false)
	}
	w.beat.Reset(w.period)
	w.mu.Unlock()
	if rouse {
		w.rouse()
	}
}
