package antientropy

import (
	"encoding/binary"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// Exchange is one comparison of this node's replica of some slots with a peer's. It does no I/O: Next gives the question
// to send, Take takes the answer. A question whose answer was lost is simply sent again.
//
//	groups   a hash for each of 64 groups of slots         2.5 KB, all that equal replicas cost
//	roots    the roots of the slots in groups that differ  8 bytes a slot
//	buckets  the trees of slots that differ                128 bytes a slot, some slots at a time
//	again    the same, after a pause; only of a patient exchange
//	leaves   the keys in buckets that differ               a page at a time
//
// Buckets are compared leaf by leaf before the next slots are looked at, so that what an exchange holds is bounded
// however much differs.
//
// Where writes arrive all the time two trees are hardly ever equal, and leaves cost what the bucket holds. So a patient
// exchange looks at the trees twice and leaves alone those buckets whose difference has changed: what was on its way
// has moved on. Whatever a fault has left stays the same.
type Exchange struct {
	view    View
	patient bool

	grouped bool            // groups have yet to be asked for, of the slots in open
	open    *engine.SlotSet // slots whose roots have yet to be asked for; nil when done
	slots   []object.Slot   // slots that differ, and whose trees have yet to be asked for
	asked   int             // the first of slots that are asked for
	seen    []merkle.Tree   // of those, what the difference of the trees was at the first look; nil before
	skipped engine.SlotSet  // slots with buckets that were left alone
	ranges  []Range         // buckets that differ, and whose leaves have yet to be asked for
	explain []bool          // for each range, whether a leaf was found to differ
	cursor  Place           // where in ranges the comparison goes on

	found []Difference
	// unexplained are slots with buckets that differ and leaves that do not.
	unexplained []object.Slot
	compared    int
}

const (
	// fewSlots is up to how many slots go without groups and roots: their trees are no larger.
	fewSlots = 16
	// foundLimit is how many differences are gathered before somebody has to see to them.
	foundLimit = 4096
)

// NewExchange begins a comparison.
func NewExchange(view View, slots *engine.SlotSet, patient bool) *Exchange {
	x := &Exchange{view: view, patient: patient}
	for slot := range object.Slot(object.Slots) {
		if slots.Has(slot) {
			if x.slots = append(x.slots, slot); len(x.slots) > fewSlots {
				open := *slots
				x.slots, x.open, x.grouped = nil, &open, true
				break
			}
		}
	}
	return x
}

// Next is the question to ask next. more is false when all has been compared.
func (x *Exchange) Next() (kind uint8, question []byte, more bool) {
	switch {
	case len(x.ranges) > 0:
		return kindLeaves, appendLeavesRequest(nil, x.cursor, x.ranges), true
	case len(x.slots) > 0:
		if x.asked = min(len(x.slots), bucketsAtOnce); x.seen != nil {
			x.asked = len(x.seen)
		}
		for _, slot := range x.slots[:x.asked] {
			question = binary.BigEndian.AppendUint16(question, uint16(slot))
		}
		return kindBuckets, question, true
	case x.grouped:
		return kindGroups, appendSlots(nil, x.open), true
	case x.open != nil:
		return kindRoots, appendSlots(nil, x.open), true
	default:
		return 0, nil, false
	}
}

// Take takes the answer to the last question. After an error the exchange is over.
func (x *Exchange) Take(answer []byte) error {
	switch {
	case len(x.ranges) > 0:
		return x.takeLeaves(answer)
	case len(x.slots) > 0:
		return x.takeBuckets(answer)
	case x.grouped:
		return x.takeGroups(answer)
	default:
		return x.takeRoots(answer)
	}
}

// Early reports whether the next question should wait, so that what is on its way arrives.
func (x *Exchange) Early() bool { return x.seen != nil }

// Skipped are the slots with buckets that a patient exchange left alone.
func (x *Exchange) Skipped() *engine.SlotSet { return &x.skipped }

// Full reports whether so many differences were found that they should be seen to before the exchange goes on.
func (x *Exchange) Full() bool { return len(x.found) >= foundLimit }

// Found takes the differences found so far.
func (x *Exchange) Found() []Difference {
	found := x.found
	x.found = nil
	return found
}

// Unexplained are the slots whose trees differ though their leaves do not: one of the trees may be wrong.
func (x *Exchange) Unexplained() []object.Slot { return x.unexplained }

// Compared is the number of keys compared so far.
func (x *Exchange) Compared() int { return x.compared }

func (x *Exchange) takeGroups(answer []byte) error {
	r := reader{b: answer}
	own := groupHashes(x.view, x.open)
	var differing uint64
	for g := range own {
		if r.uint64() != own[g] {
			differing |= 1 << g
		}
	}
	if err := r.err(); err != nil {
		return err
	}
	x.grouped = false
	if differing == 0 {
		x.open = nil
		return nil
	}
	x.open = within(x.open, differing)
	return nil
}

func (x *Exchange) takeRoots(answer []byte) error {
	r := reader{b: answer}
	var differing []object.Slot
	for slot := range object.Slot(object.Slots) {
		if !x.open.Has(slot) {
			continue
		}
		tree := x.view.Tree(slot)
		if r.uint64() != tree.Root() {
			differing = append(differing, slot)
		}
	}
	if err := r.err(); err != nil {
		return err
	}
	x.open, x.slots = nil, differing
	return nil
}

func (x *Exchange) takeBuckets(answer []byte) error {
	differences, err := x.compareTrees(answer)
	if err != nil {
		return err
	}
	if x.patient && x.seen == nil && x.lookAgain(differences) {
		return nil
	}
	var ranges []Range
	for i, slot := range x.slots[:x.asked] {
		set := differences[i].Differing(&merkle.Tree{})
		if x.seen != nil {
			moved := set & differences[i].Differing(&x.seen[i])
			if set &^= moved; moved != 0 {
				x.skipped.Add(slot)
			}
		}
		if set != 0 {
			ranges = append(ranges, Range{slot, set})
		}
	}
	x.slots, x.seen = x.slots[x.asked:], nil
	x.ranges, x.explain, x.cursor = ranges, make([]bool, len(ranges)), 0
	return nil
}

// compareTrees is what differs between the own and the peer's trees of the slots that were asked for, bucket by bucket.
func (x *Exchange) compareTrees(answer []byte) ([]merkle.Tree, error) {
	r := reader{b: answer}
	differences := make([]merkle.Tree, x.asked)
	for i, slot := range x.slots[:x.asked] {
		own := x.view.Tree(slot)
		for bucket := range own {
			differences[i][bucket] = own[bucket] ^ r.uint64()
		}
	}
	return differences, r.err()
}

// lookAgain keeps the slots that differ to be asked for once more. It reports whether there are any.
func (x *Exchange) lookAgain(differences []merkle.Tree) bool {
	var slots []object.Slot
	for i, slot := range x.slots[:x.asked] {
		if differences[i] != (merkle.Tree{}) {
			slots = append(slots, slot)
			x.seen = append(x.seen, differences[i])
		}
	}
	if len(slots) == 0 {
		return false
	}
	x.slots = append(slots, x.slots[x.asked:]...)
	return true
}

// takeLeaves merges a page of the peer's leaves with this node's own of the same places.
func (x *Exchange) takeLeaves(answer []byte) error {
	next, theirs, err := decodeLeaves(answer)
	if err != nil {
		return err
	}
	if err := x.check(next, theirs); err != nil {
		return err
	}
	x.compared += len(theirs)
	full := false
	for i, r := range x.ranges {
		before := len(x.found)
		err := x.view.Leaves(r, x.cursor, func(own Leaf) bool {
			if own.Place >= next {
				return false
			}
			for len(theirs) > 0 && theirs[0].compare(&own) < 0 {
				theirs = x.differ(theirs[0].Key, Difference{Theirs: theirs[0].Digest}, theirs[1:])
			}
			if x.Full() && own.Place > x.cursor && own.Place != x.last() {
				next, full = own.Place, true
				return false
			}
			d := Difference{Own: own.Digest}
			if len(theirs) > 0 && theirs[0].compare(&own) == 0 {
				d.Theirs, theirs = theirs[0].Digest, theirs[1:]
			}
			theirs = x.differ(own.Key, d, theirs)
			return true
		})
		if err != nil {
			return err
		}
		for !full && len(theirs) > 0 && r.has(theirs[0].Place) {
			theirs = x.differ(theirs[0].Key, Difference{Theirs: theirs[0].Digest}, theirs[1:])
		}
		x.explain[i] = x.explain[i] || len(x.found) > before
		if full {
			break
		}
	}
	if x.cursor = next; next == endPlace {
		x.finishRanges()
	}
	return nil
}

// last is the place of the last difference.
func (x *Exchange) last() Place { return placeOf(x.found[len(x.found)-1].Key) }

// differ notes a key if its digests differ. It returns rest.
func (x *Exchange) differ(key object.Key, d Difference, rest []Leaf) []Leaf {
	if d.Own != d.Theirs {
		d.Key = key
		x.found = append(x.found, d)
	}
	return rest
}

// check refuses a page that is not one of this question: leaves in order, each in one of the ranges and before next.
func (x *Exchange) check(next Place, leaves []Leaf) error {
	if next <= x.cursor || next > endPlace || next < endPlace && len(leaves) == 0 {
		return ErrMalformed
	}
	ranges := x.ranges
	for i := range leaves {
		l := &leaves[i]
		for len(ranges) > 0 && ranges[0].Slot < l.Place.slot() {
			ranges = ranges[1:]
		}
		if len(ranges) == 0 || !ranges[0].has(l.Place) || l.Place < x.cursor || l.Place >= next || l.Digest == 0 {
			return ErrMalformed
		}
		if i > 0 && leaves[i-1].compare(l) >= 0 {
			return ErrMalformed
		}
	}
	return nil
}

func (x *Exchange) finishRanges() {
	for i, r := range x.ranges {
		if !x.explain[i] {
			x.unexplained = append(x.unexplained, r.Slot)
		}
	}
	x.ranges, x.explain = nil, nil
}
