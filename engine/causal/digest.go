package causal

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// Digest is a hash of a context, the same on every node and in every version of the software. Equal contexts mean
// equal objects, so comparing digests compares replicas. The empty context has digest 0.
type Digest uint64

// Digest hashes the context.
func (c Context) Digest() Digest {
	if len(c) == 0 {
		return 0
	}
	var buf [4 * entrySize]byte
	b := buf[:0]
	for _, e := range c {
		b = binary.BigEndian.AppendUint64(b, uint64(e.Node))
		b = binary.BigEndian.AppendUint64(b, uint64(e.Birth))
		b = binary.BigEndian.AppendUint64(b, uint64(e.Time))
	}
	return Digest(max(1, xxh3.Hash(b)))
}
