package hyperloglog

import (
	"encoding/binary"
	"math/bits"
)

const (
	indexBits = 14
	// Registers is the number of registers of a sketch.
	Registers = 1 << indexBits
	// maxRank is the greatest rank: one more than the bits of a hash that are left of the register's.
	maxRank = 64 - indexBits + 1

	seed = 0xadc83b19
)

// hash is Austin Appleby's MurmurHash64A under the seed of Redis.
func hash(b []byte) uint64 {
	const m, r = 0xc6a4a7935bd1e995, 47
	h := seed ^ uint64(len(b))*m
	for ; len(b) >= 8; b = b[8:] {
		k := binary.LittleEndian.Uint64(b) * m
		k ^= k >> r
		h = (h ^ k*m) * m
	}
	if len(b) > 0 {
		for i, c := range b {
			h ^= uint64(c) << (8 * i)
		}
		h *= m
	}
	h ^= h >> r
	h *= m
	return h ^ h>>r
}

// place is the register of an element and its rank there.
func place(element []byte) (register int, rank uint8) {
	h := hash(element)
	rest := h>>indexBits | 1<<(64-indexBits)
	return int(h % Registers), uint8(bits.TrailingZeros64(rest)) + 1
}
