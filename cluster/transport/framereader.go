package transport

import (
	"encoding/binary"
	"io"
	"sync/atomic"
)

const (
	// readBuffer is what one read takes at most, and the largest frame that is copied out of the buffer.
	readBuffer = 64 << 10
	// firstPiece is what is set aside for a larger frame when its first bytes have come; it doubles as they go on coming.
	firstPiece = 256 << 10
)

// frameReader cuts a byte stream into frames. One goroutine uses it:
//
//	for { large, err := fill(); if large == nil { for { body, err := next() … } } }
type frameReader struct {
	src  io.Reader
	max  int // largest frame, length included
	buf  []byte
	r, w int // buf[r:w] is unread
	// heard is set whenever bytes come. bytes counts them.
	heard *atomic.Bool
	bytes *atomic.Uint64
}

func newFrameReader(src io.Reader, maxFrame int, heard *atomic.Bool, bytes *atomic.Uint64) *frameReader {
	return &frameReader{src: src, max: maxFrame, buf: make([]byte, readBuffer), heard: heard, bytes: bytes}
}

// next returns the body of the next frame that is whole in the buffer, valid until fill, or nil when there is none.
func (f *frameReader) next() ([]byte, error) {
	have := f.w - f.r
	if have < lengthSize {
		return nil, nil
	}
	n := int(binary.LittleEndian.Uint32(f.buf[f.r:]))
	if n < 1 || n > f.max-lengthSize {
		return nil, errFrameLength
	}
	if have < lengthSize+n {
		return nil, nil
	}
	body := f.buf[f.r+lengthSize : f.r+lengthSize+n : f.r+lengthSize+n]
	f.r += lengthSize + n
	return body, nil
}

// fill reads once. It is called when next has returned nil. When the frame at hand is larger than the buffer it reads
// all of it and returns its body, which the caller owns.
func (f *frameReader) fill() (large []byte, err error) {
	if f.w-f.r >= lengthSize {
		if n := int(binary.LittleEndian.Uint32(f.buf[f.r:])); lengthSize+n > len(f.buf) {
			return f.large(n)
		}
	}
	if f.r > 0 {
		// What is left is a part of one frame, and mostly nothing.
		f.w = copy(f.buf, f.buf[f.r:f.w])
		f.r = 0
	}
	n, err := f.read(f.buf[f.w:])
	f.w += n
	if n > 0 {
		return nil, nil // the error, if any, comes again
	}
	return nil, err
}

// large reads a frame of n bytes that begins at f.r.
func (f *frameReader) large(n int) ([]byte, error) {
	body := make([]byte, 0, min(n, firstPiece))
	body = append(body, f.buf[f.r+lengthSize:f.w]...)
	f.r, f.w = 0, 0
	for len(body) < n {
		if len(body) == cap(body) {
			grown := make([]byte, len(body), min(n, 2*cap(body)))
			copy(grown, body)
			body = grown
		}
		m, err := f.read(body[len(body):cap(body)])
		body = body[:len(body)+m]
		if m == 0 && err != nil {
			return nil, err
		}
	}
	return body, nil
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
