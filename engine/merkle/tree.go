// Package merkle holds the trees by which replicas find out where they differ: for each slot a few buckets, each the
// XOR of the leaves of its keys. A leaf is a hash of a key and the digest of its context; since equal contexts mean
// equal objects, equal buckets mean equal data but for a hash collision.
//
// XOR makes an update independent of the rest of the bucket: take the old leaf out, put the new one in. So a tree is
// kept up to date by each write and never rebuilt in service.
//
// After Merkle (1987) and DeCandia et al., Dynamo (2007), section 4.7. The package is pure.
package merkle

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Buckets is the number of buckets of a slot. With a million keys a node, a bucket holds about four.
const Buckets = 16

// Position is where a key stands among the keys of its slot: 48 bits of a hash. Rows are ordered by it, so a bucket is
// one range of rows, and a scan can go on from it.
type Position uint64

// PositionBits is the width of a Position.
const PositionBits = 48

// PositionOf hashes a key of any database to its position.
func PositionOf(key object.Key) Position { return Position(HashOf(key) >> (64 - PositionBits)) }

// HashOf is the hash that the position of a key is a part of.
func HashOf(key object.Key) uint64 { return Hash(key.DB, xxh3.HashString(key.Name)) }

// Hash is HashOf for whoever has the name's XXH3.
func Hash(db uint8, name uint64) uint64 { return name ^ uint64(db)*0x9e3779b97f4a7c15 }

// Bucket is the bucket that holds the position.
func (p Position) Bucket() int { return int(p >> (PositionBits - 4)) }

// Leaf is what one key adds to its bucket. A key that the store knows nothing of has leaf 0, and so has a digest of 0.
func Leaf(key object.Key, digest causal.Digest) uint64 {
	if digest == 0 {
		return 0
	}
	var b [9]byte
	binary.BigEndian.PutUint64(b[:], uint64(digest))
	b[8] = key.DB
	return xxh3.HashStringSeed(key.Name, xxh3.Hash(b[:]))
}

// Tree is the buckets of one slot.
type Tree [Buckets]uint64

// Replace takes one leaf out of a bucket and puts another in.
func (t *Tree) Replace(bucket int, old, new uint64) { t[bucket] ^= old ^ new }

// Root is the hash of the slot; 0 for a slot that holds nothing.
func (t *Tree) Root() uint64 {
	if *t == (Tree{}) {
		return 0
	}
	var b [Buckets * 8]byte
	for i, v := range t {
		binary.BigEndian.PutUint64(b[i*8:], v)
	}
	return max(1, xxh3.Hash(b[:]))
}

// Differing returns the buckets in which two trees differ, as a bit set.
func (t *Tree) Differing(o *Tree) (set uint16) {
	for i := range t {
		if t[i] != o[i] {
			set |= 1 << i
		}
	}
	return set
}
