package kind

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// A bitmap is a string, and as one concurrent values of it are siblings. Bit 0 is the highest bit of the first byte. Behind
// its end all bits are 0.

// Bit is one bit of a bitmap.
func Bit(b []byte, at int64) byte {
	if at>>3 >= int64(len(b)) {
		return 0
	}
	return b[at>>3] >> (7 - at&7) & 1
}

// SetBit gives a bit that is within b a value.
func SetBit(b []byte, at int64, bit byte) {
	mask := byte(0x80) >> (at & 7)
	b[at>>3] &^= mask
	if bit != 0 {
		b[at>>3] |= mask
	}
}

// CountBits is the number of ones from bit first up to bit last, both within b.
func CountBits(b []byte, first, last int64) (n int64) {
	if first > last {
		return 0
	}
	from, to := first>>3, last>>3
	for at := from; at <= to; {
		if at > from && at+8 <= to {
			n += int64(bits.OnesCount64(binary.BigEndian.Uint64(b[at:])))
			at += 8
			continue
		}
		n += int64(bits.OnesCount8(b[at] & edge(at, first, last)))
		at++
	}
	return n
}

// edge masks the bits of byte at that are from first to last.
func edge(at, first, last int64) byte {
	mask := byte(0xff)
	if at == first>>3 {
		mask >>= first & 7
	}
	if at == last>>3 {
		mask &= 0xff << (7 - last&7)
	}
	return mask
}

// FindBit is the first bit with a value from bit first up to bit last, both within b, -1 when there is none.
func FindBit(b []byte, bit byte, first, last int64) int64 {
	var flip uint64
	if bit == 0 {
		flip = math.MaxUint64
	}
	from, to := first>>3, last>>3
	for at := from; at <= to; {
		if at > from && at+8 <= to {
			if word := binary.BigEndian.Uint64(b[at:]) ^ flip; word != 0 {
				return at<<3 + int64(bits.LeadingZeros64(word))
			}
			at += 8
			continue
		}
		if c := (b[at] ^ byte(flip)) & edge(at, first, last); c != 0 {
			return at<<3 + int64(bits.LeadingZeros8(c))
		}
		at++
	}
	return -1
}

// BitOperation is what BITOP does with bitmaps.
type BitOperation uint8

// The operations.
const (
	BitAnd BitOperation = iota
	BitOr
	BitXor
	BitNot // of one bitmap
)

// CombineBits is the result of an operation, as long as the longest of the bitmaps.
func CombineBits(how BitOperation, bitmaps [][]byte) []byte {
	size := 0
	for _, b := range bitmaps {
		size = max(size, len(b))
	}
	out := make([]byte, size)
	copy(out, bitmaps[0])
	if how == BitNot {
		for i := range out {
			out[i] = ^out[i]
		}
		return out
	}
	for _, b := range bitmaps[1:] {
		combine(how, out, b)
	}
	return out
}

// combine takes a bitmap that is not longer than out into it.
func combine(how BitOperation, out, b []byte) {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x, y := binary.LittleEndian.Uint64(out[i:]), binary.LittleEndian.Uint64(b[i:])
		switch how {
		case BitAnd:
			x &= y
		case BitOr:
			x |= y
		default:
			x ^= y
		}
		binary.LittleEndian.PutUint64(out[i:], x)
	}
	for ; i < len(b); i++ {
		switch how {
		case BitAnd:
			out[i] &= b[i]
		case BitOr:
			out[i] |= b[i]
		default:
			out[i] ^= b[i]
		}
	}
	if how == BitAnd {
		clear(out[len(b):])
	}
}

// Overflow says what becomes of a number that its bits cannot hold.
type Overflow uint8

// What BITFIELD's OVERFLOW names.
const (
	Wrap     Overflow = iota // the lower bits are kept
	Saturate                 // the nearest number that fits is
	Refuse                   // nothing is changed
)

// BitNumber is a type of integers within a bitmap: of 1 to 64 bits when signed, of 1 to 63 when not.
type BitNumber struct {
	Signed bool
	Bits   uint8
}

func (t BitNumber) mask() uint64 { return math.MaxUint64 >> (64 - t.Bits) }

func (t BitNumber) limits() (least, most int64) {
	if t.Signed {
		most = int64(t.mask() >> 1)
		return -most - 1, most
	}
	return 0, int64(t.mask())
}

// value is what the lower bits of a word stand for.
func (t BitNumber) value(word uint64) int64 {
	if t.Signed {
		return int64(word<<(64-t.Bits)) >> (64 - t.Bits)
	}
	return int64(word & t.mask())
}

// Get is the number that begins at a bit.
func (t BitNumber) Get(b []byte, at int64) int64 {
	var word uint64
	for i := range int64(t.Bits) {
		word = word<<1 | uint64(Bit(b, at+i))
	}
	return t.value(word)
}

// Put writes a number that fits at a bit. b must reach as far.
func (t BitNumber) Put(b []byte, at, n int64) {
	for i := range int64(t.Bits) {
		SetBit(b, at+i, byte(uint64(n)>>(int64(t.Bits)-1-i)&1))
	}
}

// Fit is a number as the type can hold it; false when that is to be refused. One that is not signed is given as Redis takes it:
// a negative one is above all.
func (t BitNumber) Fit(n int64, how Overflow) (int64, bool) {
	least, most := t.limits()
	switch {
	case n > most, n < least && !t.Signed:
		return t.over(n, most, how)
	case n < least:
		return t.over(n, least, how)
	default:
		return n, true
	}
}

// Add is a sum as the type can hold it, as Fit.
func (t BitNumber) Add(n, delta int64, how Overflow) (int64, bool) {
	least, most := t.limits()
	sum := int64(uint64(n) + uint64(delta))
	switch {
	case delta > 0 && (sum < n || sum > most):
		return t.over(sum, most, how)
	case delta < 0 && (sum > n || sum < least):
		return t.over(sum, least, how)
	default:
		return sum, true
	}
}

func (t BitNumber) over(n, nearest int64, how Overflow) (int64, bool) {
	switch how {
	case Wrap:
		return t.value(uint64(n)), true
	case Saturate:
		return nearest, true
	default:
		return 0, false
	}
}
