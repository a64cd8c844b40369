package antientropy

import (
	"errors"
	"testing"

	"github.com/kindredkv/kindred/cluster/handoff"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// FuzzServe serves whatever a peer may send.
func FuzzServe(f *testing.F) {
	keys := []item{{object.Key{Name: "k"}, 5}, {object.Key{DB: 1, Name: "l"}, 6}}
	var items []byte
	for _, i := range keys {
		items = appendItem(items, i.key, i.digest)
	}
	w := newWorld(f, 2, false)
	page := handoff.NewPage(0)
	page.Add(1, object.Key{Name: "k"}, w.nodes[0].set("k", "v"))
	f.Add(kindGroups, appendSlots(nil, everySlot()))
	f.Add(kindRoots, appendSlots(nil, everySlot()))
	f.Add(kindBuckets, []byte{0, 1, 0, 2})
	f.Add(kindLeaves, appendLeavesRequest(nil, 0, []Range{{object.SlotOf("k"), 0xffff}}))
	f.Add(kindObjects, items)
	f.Add(kindMerge, page.Bytes())
	f.Add(kindAgree, appendAgreeRequest(w.table.Version(), keys))
	f.Add(kindForget, items)
	f.Fuzz(func(t *testing.T, kind uint8, payload []byte) {
		out, err := w.nodes[0].Serve(w.nodes[1].id, kind, payload, 0)
		if !Handles(kind) && !errors.Is(err, ErrMalformed) {
			t.Errorf("kind %d: %v", kind, err)
		}
		if limit := objectsBytes + 64<<10 + 8*len(payload); kind != kindRoots && len(out) > limit && kind != kindBuckets {
			t.Errorf("%d bytes answer %d", len(out), len(payload))
		}
	})
}

// FuzzTake gives an exchange whatever a peer may answer, at each level.
func FuzzTake(f *testing.F) {
	own := newReplica(map[object.Key]causal.Digest{{Name: "k"}: 1, {Name: "{k}2"}: 2})
	ranges := []Range{{object.SlotOf("k"), 0xffff}}
	theirs, err := answer(own, kindLeaves, appendLeavesRequest(nil, 0, ranges), anySlot)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(0), make([]byte, 8*groups))
	f.Add(uint8(1), make([]byte, 8*object.Slots))
	f.Add(uint8(2), make([]byte, 128))
	f.Add(uint8(3), theirs)
	f.Fuzz(func(t *testing.T, level uint8, answer []byte) {
		x := NewExchange(own, everySlot(), level >= 128)
		switch level % 4 {
		case 1:
			x.grouped = false
		case 2:
			x.slots, x.asked = []object.Slot{ranges[0].Slot}, 1
		case 3:
			x.ranges, x.explain = ranges, make([]bool, 1)
		}
		if x.Take(answer) == nil {
			x.Next()
		}
		for _, d := range x.Found() {
			if d.Own == d.Theirs || d.Key.Slot() != ranges[0].Slot {
				t.Errorf("found %+v", d)
			}
		}
	})
}

// FuzzAnswers decodes whatever a peer may answer about objects and tombstones.
func FuzzAnswers(f *testing.F) {
	o := &opinion{oldest: testOldest, states: []state{{state: agreeHolds}, {agreeNothing, 77}}}
	f.Add(o.append(nil), 2)
	f.Add([]byte{objectNone, objectMoved}, 2)
	f.Fuzz(func(t *testing.T, answer []byte, asked int) {
		asked = max(0, min(asked, tombstonesAtOnce))
		if found, err := decodeObjects(answer, asked); err == nil && (len(found) == 0 || len(found) > asked) {
			t.Errorf("%d objects for %d keys", len(found), asked)
		}
		if o, err := decodeOpinion(answer, asked); err == nil && string(o.append(nil)) != string(answer) {
			t.Errorf("%x is read as %+v", answer, o)
		}
	})
}
