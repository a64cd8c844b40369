package rdb

import (
	"encoding/binary"
	"math"
)

// How a length begins.
const (
	short   = 0x00 // 6 bits
	medium  = 0x40 // 14 bits
	long    = 0x80 // 4 bytes follow
	huge    = 0x81 // 8 bytes follow
	special = 0xc0 // no length: a number or compressed
)

func appendLength[T int | uint64](b []byte, length T) []byte {
	n := uint64(length)
	switch {
	case n < 1<<6:
		return append(b, short|byte(n))
	case n < 1<<14:
		return append(b, medium|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, long), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, huge), n)
	}
}

func appendString(b, s []byte) []byte { return append(appendLength(b, len(s)), s...) }

func appendStrings(b []byte, n int, list [][]byte) []byte {
	b = appendLength(b, n)
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

func appendScore(b []byte, score float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(score))
}

func appendMilliseconds(b []byte, at int64) []byte {
	return binary.LittleEndian.AppendUint64(b, uint64(at))
}
