package antientropy

import (
	"encoding/binary"
	"errors"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// The kinds of requests. They are part of the peer protocol.
const (
	// kindGroups asks for a hash over the roots of each group of some slots.
	kindGroups uint8 = 32 + iota
	// kindRoots asks for the roots of some slots.
	kindRoots
	// kindBuckets asks for the trees of a few slots.
	kindBuckets
	// kindLeaves asks for the keys of some buckets, with their digests, a page at a time.
	kindLeaves
	// kindObjects asks for the objects of keys whose digest is still the one that was seen.
	kindObjects
	// kindMerge brings objects.
	kindMerge
	// kindAgree asks whether tombstones may be reaped.
	kindAgree
	// kindForget reaps them.
	kindForget
	// kindCover brings objects that the sender is about to drop.
	kindCover
	// kindHold asks to sync, and whether the node is a primary of some slots.
	kindHold
	kindEnd
)

// Handles reports whether requests of this kind are for a Repairer.
func Handles(kind uint8) bool { return kindGroups <= kind && kind < kindEnd }

// Bounds on one message.
const (
	// bucketsAtOnce is the number of slots whose trees are asked for together: 128 bytes each.
	bucketsAtOnce = 256
	// leavesBytes is the size at which a page of leaves is full.
	leavesBytes = 64 << 10
	// objectsAtOnce is the number of keys that are asked for together.
	objectsAtOnce = 1024
	// objectsBytes is the size at which an answer of objects is full.
	objectsBytes = 256 << 10
	// tombstonesAtOnce is the number of tombstones that are asked about together.
	tombstonesAtOnce = 8192
	// tombstonesBytes is the size of their names at which a question about tombstones is full.
	tombstonesBytes = 1 << 20
)

// ErrMalformed says that a peer's message cannot be decoded.
var ErrMalformed = errors.New("malformed message of an exchange")

// reader takes a message apart. After a failure it yields nothing more.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.b, r.failed = nil, true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// bytes reads a length and that many bytes, which share memory with the message.
func (r *reader) bytes() []byte {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.b, r.failed = nil, true
		return nil
	}
	r.b = r.b[size:]
	return r.take(n)
}

func (r *reader) key() object.Key {
	db := r.byte()
	return object.Key{DB: db, Name: string(r.bytes())}
}

func (r *reader) slots() *engine.SlotSet {
	set := &engine.SlotSet{}
	for i := range set {
		set[i] = r.uint64()
	}
	return set
}

// err is ErrMalformed unless all was read without a failure.
func (r *reader) err() error {
	if r.failed || len(r.b) > 0 {
		return ErrMalformed
	}
	return nil
}

func appendSlots(b []byte, set *engine.SlotSet) []byte {
	for _, word := range set {
		b = binary.BigEndian.AppendUint64(b, word)
	}
	return b
}

func appendBytes(b, p []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(p)))
	return append(b, p...)
}

func appendKey(b []byte, key object.Key) []byte {
	b = append(b, key.DB)
	b = binary.AppendUvarint(b, uint64(len(key.Name)))
	return append(b, key.Name...)
}

// A request for leaves is the place to begin at and the ranges, in the order of their slots.
func appendLeavesRequest(b []byte, from Place, ranges []Range) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(from))
	for _, r := range ranges {
		b = binary.BigEndian.AppendUint16(b, uint16(r.Slot))
		b = binary.BigEndian.AppendUint16(b, r.Buckets)
	}
	return b
}

func decodeLeavesRequest(b []byte) (from Place, ranges []Range, err error) {
	r := reader{b: b}
	from = Place(r.uint64())
	for len(r.b) > 0 && len(ranges) < bucketsAtOnce {
		next := Range{Slot: object.Slot(r.uint16()), Buckets: r.uint16()}
		if next.Slot >= object.Slots || len(ranges) > 0 && next.Slot <= ranges[len(ranges)-1].Slot {
			return 0, nil, ErrMalformed
		}
		ranges = append(ranges, next)
	}
	return from, ranges, r.err()
}

// An answer of leaves is the place to go on at, and for each leaf its key and digest. The place follows from the key.
func appendLeaf(b []byte, l *Leaf) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(l.Digest))
	return appendKey(b, l.Key)
}

func decodeLeaves(b []byte) (next Place, leaves []Leaf, err error) {
	r := reader{b: b}
	next = Place(r.uint64())
	for len(r.b) > 0 {
		l := Leaf{Digest: causal.Digest(r.uint64()), Key: r.key()}
		l.Place = placeOf(l.Key)
		leaves = append(leaves, l)
	}
	return next, leaves, r.err()
}

// A request for objects is a list of keys, each with the digest that was seen of it.
func appendItem(b []byte, key object.Key, d causal.Digest) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(d))
	return appendKey(b, key)
}

// item is a key with a digest.
type item struct {
	key    object.Key
	digest causal.Digest
}

func decodeItems(b []byte, limit int) ([]item, error) {
	r := reader{b: b}
	var items []item
	for len(r.b) > 0 && len(items) < limit {
		d := causal.Digest(r.uint64())
		items = append(items, item{r.key(), d})
	}
	return items, r.err()
}

// An answer of objects has for each key in turn a state, and the object behind objectHere. It may end early: the rest is
// to be asked for again.
const (
	objectHere  = 0
	objectNone  = 1 // the replica still knows nothing of the key
	objectMoved = 2 // it has changed since: a write is on its way
)

// foundObject is what a replica answers about one key.
type foundObject struct {
	state  byte
	object *object.Object
}

func decodeObjects(b []byte, asked int) ([]foundObject, error) {
	r := reader{b: b}
	var out []foundObject
	for len(r.b) > 0 && len(out) < asked {
		f := foundObject{state: r.byte()}
		switch f.state {
		case objectHere:
			var err error
			if f.object, err = object.Decode(append([]byte(nil), r.bytes()...)); err != nil {
				return nil, err
			}
			if len(f.object.Context) == 0 {
				return nil, ErrMalformed
			}
		case objectNone, objectMoved:
		default:
			return nil, ErrMalformed
		}
		out = append(out, f)
	}
	if len(out) == 0 {
		return nil, ErrMalformed
	}
	return out, r.err()
}
