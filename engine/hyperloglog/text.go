package hyperloglog

import (
	"errors"
)

// Errors of a text.
var (
	// ErrNone says that a text is no sketch.
	ErrNone = errors.New("not a HyperLogLog")
	// ErrCorrupt says that a text begins as one and does not go on so.
	ErrCorrupt = errors.New("corrupted HyperLogLog")
)

const (
	magic      = "HYLL"
	headerSize = 16
	encodingAt = 4
	outdatedAt = 15   // the last byte of the count
	outdated   = 0x80 // it is not what the registers come to

	dense  = 0
	sparse = 1

	denseSize = headerSize + Registers*6/8
	// sparseMax is the longest sparse text, Redis's default of hll-sparse-max-bytes, and sparseRank the greatest rank it can hold.
	sparseMax  = 3000
	sparseRank = 32

	shortRun, rankRun = 1 << 6, 1 << 2 // the longest of their kinds
)

// sketch is a text taken apart.
type sketch struct {
	registers [Registers]uint8
	dense     bool
}

// check tells whether a text has the header of a sketch and, when dense, its length.
func check(text []byte) error {
	switch {
	case len(text) < headerSize, string(text[:len(magic)]) != magic, text[encodingAt] > sparse:
		return ErrNone
	case text[encodingAt] == dense && len(text) != denseSize:
		return ErrNone
	default:
		return nil
	}
}

// Is reports whether a text is a sketch, whole and sound.
func Is(text []byte) bool {
	if check(text) != nil {
		return false
	}
	return text[encodingAt] == dense || new(sketch).merge(text) == nil
}

// IsDense reports whether a text that is a sketch is dense.
func IsDense(text []byte) bool { return text[encodingAt] == dense }

// merge takes the registers of a text in. After an error those of its beginning may be.
func (s *sketch) merge(text []byte) error {
	if err := check(text); err != nil {
		return err
	}
	if text[encodingAt] == dense {
		s.dense = true
		packed := text[headerSize:]
		for i := range s.registers {
			s.raise(i, getPacked(packed, i))
		}
		return nil
	}
	at := 0
	for run := range runs(text[headerSize:]) {
		if run.length == 0 || run.length > Registers-at {
			return ErrCorrupt
		}
		if run.rank > 0 {
			for i := range run.length {
				s.raise(at+i, run.rank)
			}
		}
		at += run.length
	}
	if at != Registers {
		return ErrCorrupt
	}
	return nil
}

func (s *sketch) raise(i int, rank uint8) bool {
	if s.registers[i] >= rank {
		return false
	}
	s.registers[i] = rank
	return true
}

// run is a run of equal registers in a sparse text.
type run struct {
	rank   uint8
	length int // 0 where the text is cut off
}

func runs(b []byte) func(func(run) bool) {
	return func(yield func(run) bool) {
		for len(b) > 0 {
			r, size := run{0, int(b[0]&0x3f) + 1}, 1
			switch {
			case b[0]&0x80 != 0:
				r = run{b[0]>>2&0x1f + 1, int(b[0]&3) + 1}
			case b[0]&0x40 != 0 && len(b) < 2:
				r.length = 0
			case b[0]&0x40 != 0:
				r.length, size = int(b[0]&0x3f)<<8+int(b[1])+1, 2
			}
			if !yield(r) {
				return
			}
			b = b[size:]
		}
	}
}

// text is the sketch in the sparse encoding, or in the dense one when it was dense or sparse does not do.
func (s *sketch) text() []byte {
	if !s.dense {
		if text, ok := s.sparse(); ok {
			return text
		}
	}
	text := header(dense, denseSize)
	text = text[:denseSize]
	for i, rank := range s.registers {
		setPacked(text[headerSize:], i, rank)
	}
	return text
}

func header(encoding byte, size int) []byte {
	b := make([]byte, headerSize, size)
	copy(b, magic)
	b[encodingAt], b[outdatedAt] = encoding, outdated
	return b
}

func (s *sketch) sparse() (text []byte, ok bool) {
	b := header(sparse, 64)
	for i := 0; i < Registers; {
		rank, length := s.registers[i], 1
		for i+length < Registers && s.registers[i+length] == rank && (rank == 0 || length < rankRun) {
			length++
		}
		i += length
		switch n := length - 1; {
		case rank > sparseRank:
			return nil, false
		case rank > 0:
			b = append(b, 0x80|(rank-1)<<2|byte(n))
		case length <= shortRun:
			b = append(b, byte(n))
		default:
			b = append(b, 0x40|byte(n>>8), byte(n)) // all registers are not too many
		}
		if len(b) > sparseMax {
			return nil, false
		}
	}
	return b, true
}

// getPacked is register i of a dense text behind its header: 6 bits that may reach into a second byte.
func getPacked(b []byte, i int) uint8 {
	bit := 6 * i
	at, shift := bit/8, bit%8
	word := uint(b[at])
	if at+1 < len(b) {
		word |= uint(b[at+1]) << 8
	}
	return uint8(word >> shift & 0x3f)
}

func setPacked(b []byte, i int, rank uint8) {
	bit := 6 * i
	at, shift := bit/8, bit%8
	b[at] = b[at]&^(0x3f<<shift) | rank<<shift
	if shift > 2 {
		b[at+1] = b[at+1]&^(0x3f>>(8-shift)) | rank>>(8-shift)
	}
}
