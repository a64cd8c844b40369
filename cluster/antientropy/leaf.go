package antientropy

import (
	"cmp"
	"math/bits"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// Place is where a key stands in the order of all keys: its slot above its position. Rows are in this order.
type Place uint64

// endPlace is past every key.
const endPlace = Place(object.Slots) << merkle.PositionBits

func placeOf(key object.Key) Place {
	return startOf(key.Slot()) | Place(merkle.PositionOf(key))
}

// startOf is the first place of a slot.
func startOf(slot object.Slot) Place { return Place(slot) << merkle.PositionBits }

func (p Place) slot() object.Slot { return object.Slot(p >> merkle.PositionBits) }

func (p Place) position() merkle.Position {
	return merkle.Position(p) & (1<<merkle.PositionBits - 1)
}

// Leaf is what a replica tells of a key: where it is, its name, and the digest of the context that the replica has of it.
type Leaf struct {
	Place  Place
	Key    object.Key
	Digest causal.Digest
}

// compare is the order of rows.
func (l *Leaf) compare(o *Leaf) int {
	return cmp.Or(cmp.Compare(l.Place, o.Place), cmp.Compare(l.Key.DB, o.Key.DB), cmp.Compare(l.Key.Name, o.Key.Name))
}

// Range is some buckets of one slot, as a bit set.
type Range struct {
	Slot    object.Slot
	Buckets uint16
}

func (r Range) has(p Place) bool {
	return p.slot() == r.Slot && r.Buckets&(1<<p.position().Bucket()) != 0
}

// bucketBits is how many bits of a position are below those that name its bucket.
var bucketBits = merkle.PositionBits - bits.Len(merkle.Buckets-1)

// each calls visit with the first place of every bucket of the range and the place behind the bucket.
func (r Range) each(visit func(start, end Place) error) error {
	for b := range merkle.Buckets {
		if r.Buckets&(1<<b) == 0 {
			continue
		}
		start := startOf(r.Slot) + Place(b)<<bucketBits
		if err := visit(start, start+1<<bucketBits); err != nil {
			return err
		}
	}
	return nil
}

// Difference is a key of which two replicas have different contexts. A digest of 0 is a replica that knows nothing of it.
type Difference struct {
	Key         object.Key
	Own, Theirs causal.Digest
}

// View is what a comparison reads of this node's store.
type View interface {
	// Tree is a copy of the slot's tree.
	Tree(object.Slot) merkle.Tree
	// Leaves visits the keys of a range from a place on, in order, until visit returns false.
	Leaves(r Range, from Place, visit func(Leaf) bool) error
}
