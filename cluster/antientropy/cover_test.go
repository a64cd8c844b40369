package antientropy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// cover has b cover what a holds of all slots.
func (n *worldNode) cover(b *worldNode) error {
	return n.Cover(n.w.t.Context(), b.id, allSlots(), n.w.table.Version())
}

// TestCoverGivesAndDoesNotFetch makes two stores differ in every way, and has one cover the other.
func TestCoverGivesAndDoesNotFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, false)
		a, b := w.nodes[0], w.nodes[1]
		for i := range 200 {
			w.everywhere(fmt.Sprint("same-", i), versionOf(9, uint64(i+1), "v"))
		}
		a.set("only", "a")
		b.set("theirs", "b")
		b.merge("newer", a.set("newer", "old"))
		b.set("newer", "new")
		a.set("siblings", "a")
		b.set("siblings", "b")
		for i := range 40 { // more than a page of objects
			a.set(fmt.Sprint("big-", i), strings.Repeat("a", 20_000))
		}
		if err := a.cover(b); err != nil {
			t.Fatal(err)
		}
		err := a.store.Scan(allSlots(), engine.Place{}, func(_ engine.Place, key object.Key, o *object.Object) bool {
			if theirs := b.get(key.Name); theirs == nil || !theirs.Context.CoversAll(o.Context) {
				t.Errorf("the peer does not cover %s", key.Name)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if a.value("theirs") != "-" || a.value("newer") != "old" || b.value("newer") != "new" || len(b.get("siblings").Cell(cell).Versions) != 2 {
			t.Error("something was fetched, or lost")
		}
	})
}

// TestCoverIsRefused covers nothing where the peer is not asked as a primary by the same ring, refuses an object, or restarts
// in between.
func TestCoverIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, true)
		a, b := w.nodes[0], w.nodes[1]
		a.set("k", "v")
		if err := a.Cover(t.Context(), b.id, allSlots(), w.table.Version()+1); !errors.Is(err, ErrNotShared) {
			t.Errorf("by another ring: %v", err)
		}
		holds := 0
		w.meet = func(_, _ ring.NodeID, kind uint8) error {
			if kind == kindHold {
				if holds++; holds == 2 {
					b.crash()
				}
			}
			return nil
		}
		if err := a.cover(b); !errors.Is(err, errRestarted) {
			t.Errorf("a peer that restarted: %v", err)
		}
		w.meet = nil
		if err := a.cover(b); err != nil || b.value("k") != "v" {
			t.Errorf("%v, the peer has %q", err, b.value("k"))
		}
	})
}

// TestDropSlot drops what is as it was seen, and nothing when the slot has changed.
func TestDropSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, false)
		a := w.nodes[0]
		a.set("{k}1", "v")
		seen := a.store.Changed(object.SlotOf("{k}"))
		a.set("{k}2", "v")
		if n, err := DropSlot(a.store, object.SlotOf("{k}"), seen); n != 0 || err != nil {
			t.Fatalf("%d dropped, %v", n, err)
		}
		a.set("other", "v")
		if n, err := DropSlot(a.store, object.SlotOf("{k}"), a.store.Changed(object.SlotOf("{k}"))); n != 2 || err != nil {
			t.Fatalf("%d dropped, %v", n, err)
		}
		if a.value("{k}1") != "-" || a.value("{k}2") != "-" || a.value("other") != "v" {
			t.Error("not just the slot was dropped")
		}
		if tree := a.store.Tree(object.SlotOf("{k}")); tree.Root() != 0 {
			t.Error("the tree of an empty slot")
		}
	})
}
