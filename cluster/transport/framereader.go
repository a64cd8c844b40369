package transport

import (
	"encoding/binary"
	"io"
	"sync/atomic"
)

// readBuffer is what one read takes at most, and the largest frame with its length.
const readBuffer = 64 << 10

// frameReader cuts a byte stream into frames. One goroutine uses it:
//
//	for { err := fill(); for { body, err := next() … } }
type frameReader struct {
	src  io.Reader
	buf  []byte
	r, w int // buf[r:w] is unread
	// heard is set whenever bytes come. bytes counts them.
	heard *atomic.Bool
	bytes *atomic.Uint64
}

func newFrameReader(src io.Reader, heard *atomic.Bool, bytes *atomic.Uint64) *frameReader {
	return &frameReader{src: src, buf: make([]byte, readBuffer), heard: heard, bytes: bytes}
}

// next returns the body of the next frame that is whole in the buffer, valid until fill, or nil when there is none.
func (f *frameReader) next() ([]byte, error) {
	have := f.w - f.r
	if have < lengthSize {
		return nil, nil
	}
	n := int(binary.LittleEndian.Uint32(f.buf[f.r:]))
	if n < 1 || n > readBuffer-lengthSize {
		return nil, errFrameLength
	}
	if have < lengthSize+n {
		return nil, nil
	}
	body := f.buf[f.r+lengthSize : f.r+lengthSize+n : f.r+lengthSize+n]
	f.r += lengthSize + n
	return body, nil
}

// fill reads once. It is called when next has returned nil.
func (f *frameReader) fill() error {
	if f.r > 0 {
		// What is left is a part of one frame, and mostly nothing.
		f.w = copy(f.buf, f.buf[f.r:f.w])
		f.r = 0
	}
	n, err := f.read(f.buf[f.w:])
	f.w += n
	if n > 0 {
		return nil // the error, if any, comes again
	}
	return err
}

func (f *frameReader) read(p []byte) (int, error) {
	n, err := f.src.Read(p)
	if n > 0 {
		f.heard.Store(true)
		f.bytes.Add(uint64(n))
	} else if err == nil {
		return 0, io.ErrNoProgress
	}
	return n, err
}

const (
	// slabSize is the size of the pieces that small payloads are copied into; one that is kept keeps its slab.
	slabSize = 4 << 10
	// slabbed is the largest payload that shares a slab.
	slabbed = slabSize / 4
)

// slab gives small payloads memory of their own with few allocations.
type slab struct{ free []byte }

// copy returns a copy of p that is never reused.
func (s *slab) copy(p []byte) []byte {
	n := len(p)
	if n == 0 {
		return nil
	}
	if n > slabbed {
		return append(make([]byte, 0, n), p...)
	}
	if n > len(s.free) {
		s.free = make([]byte, slabSize)
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	copy(out, p)
	return out
}
