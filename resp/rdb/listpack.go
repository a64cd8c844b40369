package rdb

import (
	"encoding/binary"
	"math"
)

// listpackWriter makes a listpack, see decoder.listpack.
type listpackWriter struct {
	b []byte // the elements
	n int    // their number
}

func (w *listpackWriter) number(n int64) {
	before := len(w.b)
	switch {
	case n >= 0 && n < 1<<7:
		w.b = append(w.b, byte(n))
	case n >= -1<<12 && n < 1<<12:
		w.b = append(w.b, 0xc0|byte(n>>8)&0x1f, byte(n))
	case n >= math.MinInt32 && n <= math.MaxInt32:
		w.b = binary.LittleEndian.AppendUint32(append(w.b, 0xf3), uint32(n))
	default:
		w.b = binary.LittleEndian.AppendUint64(append(w.b, 0xf4), uint64(n))
	}
	w.end(before)
}

func (w *listpackWriter) string(s []byte) {
	before := len(w.b)
	switch n := len(s); {
	case n < 1<<6:
		w.b = append(w.b, 0x80|byte(n))
	case n < 1<<12:
		w.b = append(w.b, 0xe0|byte(n>>8), byte(n))
	default:
		w.b = binary.LittleEndian.AppendUint32(append(w.b, 0xf0), uint32(n))
	}
	w.b = append(w.b, s...)
	w.end(before)
}

// end appends the length of an element in groups of 7 bits, the lowest last, marked but for the first, so that it can be read backwards.
func (w *listpackWriter) end(before int) {
	size := len(w.b) - before
	groups := lengthSize(size)
	for i := groups - 1; i >= 0; i-- {
		group := byte(size>>(7*i)) & 0x7f
		if i < groups-1 {
			group |= 0x80
		}
		w.b = append(w.b, group)
	}
	w.n++
}

// lengthSize is how many bytes the length of an element takes.
func lengthSize(size int) int {
	switch {
	case size <= 127:
		return 1
	case size < 16383:
		return 2
	case size < 2097151:
		return 3
	case size < 268435455:
		return 4
	default:
		return 5
	}
}

func (w *listpackWriter) finish() []byte {
	const head = 6
	out := binary.LittleEndian.AppendUint32(make([]byte, 0, head+len(w.b)+1), uint32(head+len(w.b)+1))
	out = binary.LittleEndian.AppendUint16(out, uint16(min(w.n, unknownCount)))
	return append(append(out, w.b...), packEnd)
}
