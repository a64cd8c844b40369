package antientropy

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// Slots are compared in groups first: of equal replicas a hash for each group is all that travels.
const (
	groups    = 64
	groupSize = object.Slots / groups
)

// groupHashes hashes the roots of the set's slots, a hash for each group. A group without data has 0, whatever slots of it
// are in the set.
func groupHashes(view View, set *engine.SlotSet) (hashes [groups]uint64) {
	var b [groupSize * 8]byte
	for g := range hashes {
		n, any := 0, uint64(0)
		for slot := object.Slot(g * groupSize); slot < object.Slot((g+1)*groupSize); slot++ {
			if !set.Has(slot) {
				continue
			}
			tree := view.Tree(slot)
			root := tree.Root()
			any |= root
			binary.BigEndian.PutUint64(b[n:], root)
			n += 8
		}
		if any != 0 {
			hashes[g] = xxh3.Hash(b[:n])
		}
	}
	return hashes
}

// within is the slots of the set that are in the groups.
func within(set *engine.SlotSet, chosen uint64) *engine.SlotSet {
	out := &engine.SlotSet{}
	const words = len(engine.SlotSet{}) / groups
	for g := range groups {
		if chosen&(1<<g) != 0 {
			copy(out[g*words:(g+1)*words], set[g*words:(g+1)*words])
		}
	}
	return out
}
