package transport

import (
	"encoding/binary"
	"slices"
)

// A message that is longer than a frame travels in parts, in turn with the parts of others and behind whatever short frames
// have gathered: a message of 100 MB holds up the next one by what one write takes. HTTP/2 and QUIC do the same with streams.
//
// A part is cut from the message when its turn comes, under the lock, so a long payload is not copied as a whole, and is not
// looked at any more when its call has ended.

// Short is the longest payload, in bytes, that travels in one frame: Call copies it, and such requests keep their order.
const Short = 60 << 10

const (
	// partBytes is what a part brings at most.
	partBytes = 32 << 10
	// partsBytes is how much of long messages is written with one call. It bounds what a short frame waits for.
	partsBytes = 4 * partBytes
	// maxOpen is how many long messages take turns in one direction of a connection. The others wait behind them.
	maxOpen = 8
	// unasked is the longest message that is sent before the receiver has said that it has room.
	unasked = 1 << 20
)

// stream is a long message on its way out. Its id is that of the call, of which it is the request or the reply.
type stream struct {
	id     uint64
	parts  [][]byte // what is left of it, the head of the frame included
	left   int      // bytes in parts
	begun  bool     // its begin was sent
	waits  bool     // until the receiver has room
	called int64    // when it was made, in microseconds of the connection's stopwatch
	limit  int64    // how long short messages may be under way, in microseconds
	stamp  int64    // for parts, as in requestHeader; of requests
}

// streams are the long messages that go out on a connection, in the order of their calls.
type streams struct {
	all   []*stream
	turn  int   // of the first maxOpen, whose it is
	bytes int   // left in all
	last  int64 // when a part was sent, in microseconds of the connection's stopwatch
}

func newStream(id uint64, head []byte, payload [][]byte) *stream {
	s := &stream{id: id, parts: append([][]byte{head}, payload...)}
	for _, p := range s.parts {
		s.left += len(p)
	}
	return s
}

// fits reports whether a message of n bytes may wait with the others: one that finds none always does.
func (l *streams) fits(n, limit int) bool { return l.bytes == 0 || l.bytes+n <= limit }

func (l *streams) add(s *stream) {
	l.all = append(l.all, s)
	l.bytes += s.left
}

func (l *streams) find(id uint64) *stream {
	for _, s := range l.all {
		if s.id == id {
			return s
		}
	}
	return nil
}

// remove takes a stream out. It returns nil when there is none.
func (l *streams) remove(id uint64) *stream {
	for i, s := range l.all {
		if s.id == id {
			l.all = append(l.all[:i:i], l.all[i+1:]...)
			l.bytes -= s.left
			if i < l.turn {
				l.turn--
			}
			return s
		}
	}
	return nil
}

// next is the stream whose turn it is, nil when none can go on.
func (l *streams) next() *stream {
	n := min(len(l.all), maxOpen)
	for range n {
		if l.turn >= n {
			l.turn = 0
		}
		s := l.all[l.turn]
		l.turn++
		if !s.begun || !s.waits {
			return s
		}
	}
	return nil
}

// ready reports whether any stream can go on.
func (l *streams) ready() bool {
	for _, s := range l.all[:min(len(l.all), maxOpen)] {
		if !s.begun || !s.waits {
			return true
		}
	}
	return false
}

// appendPart appends the next part of the stream, behind its begin if that was not sent yet.
func (s *stream) appendPart(buf []byte) []byte {
	if !s.begun {
		s.begun, s.waits = true, s.left > unasked
		buf = appendBegin(buf, s.id, s.left)
		if s.waits {
			return buf
		}
	}
	n := min(s.left, partBytes)
	s.left -= n
	buf = binary.LittleEndian.AppendUint32(buf, uint32(partHead+n))
	buf = append(buf, framePart)
	buf = binary.LittleEndian.AppendUint64(buf, s.id)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(s.stamp))
	for n > 0 {
		p := s.parts[0]
		m := min(n, len(p))
		buf = append(buf, p[:m]...)
		n -= m
		if s.parts[0] = p[m:]; m == len(p) {
			s.parts = s.parts[1:]
		}
	}
	return buf
}

// addParts appends parts of long messages to buf, up to what one write takes of them. mu is held.
func (w *wire) addParts() {
	for added := 0; len(w.long.all) > 0 && added < partsBytes; {
		s := w.long.next()
		if s == nil {
			return
		}
		if w.sending != nil {
			w.sending(s)
		}
		before, left := len(w.buf), s.left
		w.buf = s.appendPart(w.buf)
		w.queued += uint64(len(w.buf) - before)
		w.long.bytes -= left - s.left
		added += len(w.buf) - before
		w.long.last = w.clock.micros()
		if s.left == 0 {
			w.removeStream(s.id)
		}
		if w.sent != nil {
			w.sent(s)
		}
	}
}

// addStream has a long message sent. mu is held; the caller must call rouse after it has unlocked when that is reported.
func (w *wire) addStream(s *stream) (rouse bool) {
	w.longs.Add(1)
	w.long.add(s)
	rouse = w.idle
	w.idle = false
	return rouse
}

// dropStream takes a long message back that nobody wants any more. mu is held; the caller must call rouse after it has
// unlocked when that is reported.
func (w *wire) dropStream(id uint64) (rouse bool) {
	if !w.removeStream(id) || w.closed {
		return false
	}
	return w.addFrame(frameCancel, id)
}

// addFrame appends a frame that is a number. mu is held; the caller must call rouse when that is reported.
func (w *wire) addFrame(kind uint8, number uint64) (rouse bool) {
	before := len(w.buf)
	w.buf = appendNumber(w.buf, kind, number)
	return w.appended(len(w.buf)-before, false)
}

// tell sends a frame that is a number.
func (w *wire) tell(kind uint8, number uint64) {
	w.mu.Lock()
	rouse := !w.closed && w.addFrame(kind, number)
	w.mu.Unlock()
	if rouse {
		w.rouse()
	}
}

// removeStream takes a stream out, and reports whether the receiver knows of it. mu is held.
func (w *wire) removeStream(id uint64) (known bool) {
	s := w.long.remove(id)
	if s == nil {
		return false
	}
	w.longs.Add(-1)
	return s.begun
}

// goOn is the receiver's word that it has room for a message.
func (w *wire) goOn(id uint64) {
	w.mu.Lock()
	rouse := false
	if s := w.long.find(id); s != nil && s.waits && !w.closed {
		s.waits = false
		rouse = w.idle
		w.idle = false
	}
	w.mu.Unlock()
	if rouse {
		w.rouse()
	}
}

// stop is the receiver's word that it does not want the rest of a message.
func (w *wire) stop(id uint64) {
	w.mu.Lock()
	w.removeStream(id)
	w.mu.Unlock()
}

// lingering reports whether a message has been there for longer than half of what short ones may take, and is not sent yet.
func (w *wire) lingering() bool {
	now := w.clock.micros()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.long.all, func(s *stream) bool { return s.lingers(now) })
}

// lingers reports whether the message has been there for longer than half of what short ones may take.
func (s *stream) lingers(now int64) bool { return now-s.called > s.limit/2 }

// forgetStreams gives up what is not sent: the connection is gone.
func (w *wire) forgetStreams() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = len(w.long.all)
	w.longs.Add(-int64(n))
	w.long = streams{}
	return n
}
