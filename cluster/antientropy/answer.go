package antientropy

import (
	"encoding/binary"

	"github.com/kindredkv/kindred/engine/object"
)

// answer answers a question of a comparison. allowed says whether the asker may ask about a slot.
func answer(view View, kind uint8, question []byte, allowed func(object.Slot) bool) ([]byte, error) {
	switch kind {
	case kindGroups, kindRoots:
		return answerSet(view, kind, question, allowed)
	case kindBuckets:
		return answerBuckets(view, question, allowed)
	default:
		return answerLeaves(view, question, allowed)
	}
}

func answerSet(view View, kind uint8, question []byte, allowed func(object.Slot) bool) ([]byte, error) {
	r := reader{b: question}
	set := r.slots()
	if err := r.err(); err != nil {
		return nil, err
	}
	for slot := range object.Slot(object.Slots) {
		if set.Has(slot) && !allowed(slot) {
			return nil, ErrNotShared
		}
	}
	var out []byte
	if kind == kindGroups {
		for _, h := range groupHashes(view, set) {
			out = binary.BigEndian.AppendUint64(out, h)
		}
		return out, nil
	}
	for slot := range object.Slot(object.Slots) {
		if set.Has(slot) {
			tree := view.Tree(slot)
			out = binary.BigEndian.AppendUint64(out, tree.Root())
		}
	}
	return out, nil
}

func answerBuckets(view View, question []byte, allowed func(object.Slot) bool) ([]byte, error) {
	if len(question) > bucketsAtOnce*2 {
		return nil, ErrMalformed
	}
	var out []byte
	for r := (reader{b: question}); len(r.b) > 0; {
		slot := object.Slot(r.uint16())
		if r.failed || slot >= object.Slots {
			return nil, ErrMalformed
		}
		if !allowed(slot) {
			return nil, ErrNotShared
		}
		for _, v := range view.Tree(slot) {
			out = binary.BigEndian.AppendUint64(out, v)
		}
	}
	return out, nil
}

// answerLeaves answers with a page of leaves. Keys of one place are never parted.
func answerLeaves(view View, question []byte, allowed func(object.Slot) bool) ([]byte, error) {
	from, ranges, err := decodeLeavesRequest(question)
	if err != nil {
		return nil, err
	}
	out := binary.BigEndian.AppendUint64(nil, uint64(endPlace))
	full := false
	var last Place
	for _, r := range ranges {
		if !allowed(r.Slot) {
			return nil, ErrNotShared
		}
		if full || startOf(r.Slot+1) <= from {
			continue
		}
		err := view.Leaves(r, from, func(l Leaf) bool {
			if len(out) >= leavesBytes && l.Place != last {
				binary.BigEndian.PutUint64(out, uint64(l.Place))
				full = true
				return false
			}
			last = l.Place
			out = appendLeaf(out, &l)
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
