package cache

import (
	"encoding/binary"
	"unsafe"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Record is what the cache holds of one key: the key, the digest of its context, and its row as the store has it. It is
// immutable.
//
//	digest (8) row length (4) name length (4) database (1) name row
type Record []byte

const (
	recordRowLength  = 8
	recordNameLength = 12
	recordDB         = 16
	recordHead       = 17
)

// NewRecord makes a record of copies.
func NewRecord(key object.Key, digest causal.Digest, row []byte) Record {
	r := make([]byte, recordHead+len(key.Name)+len(row))
	binary.LittleEndian.PutUint64(r, uint64(digest))
	binary.LittleEndian.PutUint32(r[recordRowLength:], uint32(len(row)))
	binary.LittleEndian.PutUint32(r[recordNameLength:], uint32(len(key.Name)))
	r[recordDB] = key.DB
	copy(r[recordHead:], key.Name)
	copy(r[recordHead+len(key.Name):], row)
	return r
}

// MakeRecord makes a record with a row that fill appends to what it is given, of about so many bytes. It spares large rows a copy.
func MakeRecord(key object.Key, digest causal.Digest, size int, fill func([]byte) []byte) Record {
	r := make([]byte, recordHead, recordHead+len(key.Name)+size)
	r = fill(append(r, key.Name...))
	binary.LittleEndian.PutUint64(r, uint64(digest))
	binary.LittleEndian.PutUint32(r[recordRowLength:], uint32(len(r)-recordHead-len(key.Name)))
	binary.LittleEndian.PutUint32(r[recordNameLength:], uint32(len(key.Name)))
	r[recordDB] = key.DB
	return r
}

// recordAt is the record that begins at a byte: an entry holds one word, so that it can be changed at once.
func recordAt(first *byte) Record {
	head := unsafe.Slice(first, recordHead)
	n := recordHead + int(binary.LittleEndian.Uint32(head[recordRowLength:])) + int(binary.LittleEndian.Uint32(head[recordNameLength:]))
	return unsafe.Slice(first, n)
}

// Of reports whether it is the record of that key.
func (r Record) Of(key object.Key) bool {
	return r[recordDB] == key.DB && string(r.name()) == key.Name
}

func (r Record) name() []byte {
	return r[recordHead : recordHead+int(binary.LittleEndian.Uint32(r[recordNameLength:]))]
}

// Digest is that of the context of the key's object.
func (r Record) Digest() causal.Digest { return causal.Digest(binary.LittleEndian.Uint64(r)) }

// Row is the key's row; empty when the store holds nothing of the key.
func (r Record) Row() []byte {
	return r[len(r)-int(binary.LittleEndian.Uint32(r[recordRowLength:])):]
}

// Peek reads what look-ups of the key are going to read, for it to come near the processor. The result is worthless, but
// has to be kept somewhere for the reads to take place.
func (r Record) Peek() byte { return r[len(r)/2] ^ r[len(r)-1] }
