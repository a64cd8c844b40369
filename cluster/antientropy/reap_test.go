package antientropy

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine/object"
)

// coordinator is the first primary of a key, and the other two nodes.
func (w *world) coordinator(key string) (first, second, third *worldNode) {
	primaries := w.table.Primaries(object.SlotOf(key))
	node := func(id ring.NodeID) *worldNode {
		return w.nodes[slices.IndexFunc(w.nodes, func(n *worldNode) bool { return n.id == id })]
	}
	return node(primaries[0]), node(primaries[1]), node(primaries[2])
}

// old lets tombstones become older than messages can be. Every test of this package that sleeps runs in a synctest bubble: its
// clock is fake, and no sleep takes real time.
func old() { time.Sleep(lateFactor*testOldest + time.Second) } // of the bubble's fake clock

// reapOnce goes through a node's tombstones once.
func (n *worldNode) reapOnce() {
	if err := n.reapAll(context.Background()); err != nil {
		n.w.t.Log(err)
	}
}

// anywhere are the values of a key that the stores show, after all have been made equal.
func (w *world) anywhere(key string) (values []string) {
	for range 2 {
		for _, a := range w.nodes {
			for _, b := range w.nodes {
				if a != b {
					if err := a.exchangeWith(b); err != nil {
						w.t.Fatal(err)
					}
				}
			}
		}
	}
	for _, n := range w.nodes {
		values = append(values, n.value(key))
	}
	return values
}

func (w *world) tombstones() (n int64) {
	for _, node := range w.nodes {
		n += node.Stats().Tombstones
	}
	return n
}

func TestReaping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, true)
		for i := range 200 {
			key := fmt.Sprint("k", i)
			w.everywhere(key, w.nodes[i%3].set(key, "v"))
			w.everywhere(key, w.nodes[i%2].del(key))
		}
		w.everywhere("live", w.nodes[0].set("live", "v"))
		for _, n := range w.nodes {
			n.reapOnce()
		}
		if w.tombstones() != 600 || w.nodes[0].Stats().Held[HeldYoung] == 0 {
			t.Fatalf("%d tombstones are left of 600 young ones, %v", w.tombstones(), w.nodes[0].Stats().Held)
		}
		old()
		for _, n := range w.nodes {
			n.reapOnce()
		}
		if w.tombstones() != 0 || !w.alike() || w.nodes[1].value("live") != "v" {
			t.Errorf("%d tombstones are left, alike %v", w.tombstones(), w.alike())
		}
		if n := w.nodes[0].Stats().Reaped + w.nodes[1].Stats().Reaped + w.nodes[2].Stats().Reaped; n != 200 {
			t.Errorf("%d were reaped, 200 removed", n)
		}
	})
}

// TestReapingRules makes up, for each rule, the case that it is for: a value was removed, and some place still has it. With
// the rule it stays removed; without, it comes back.
func TestReapingRules(t *testing.T) {
	const key = "k"
	cases := map[string]struct {
		rule Rule
		// play removes the value v, which all stores have, and reaps while some place still has it.
		play func(w *world, v *object.Object)
	}{
		"a primary missed the removal": {RuleSame, func(w *world, _ *object.Object) {
			first, second, third := w.coordinator(key)
			second.merge(key, first.del(key))
			old()
			first.reapOnce()
			if third.value(key) != "v" {
				w.t.Error("the third node has not kept what it had")
			}
		}},
		"the removal is not on disk": {RuleSynced, func(w *world, _ *object.Object) {
			first, second, third := w.coordinator(key)
			for _, n := range w.nodes {
				if err := n.store.Sync(); err != nil {
					w.t.Fatal(err)
				}
			}
			// A store whose clock moves on makes its reserve of times durable, and with it all it has written before.
			began := time.Now()
			third.setClock(func() time.Time { return began })
			tombstone := first.del(key)
			second.merge(key, tombstone)
			third.merge(key, tombstone)
			old()
			first.reapOnce()
			third.setClock(time.Now)
			third.crash()
		}},
		"an older message arrives": {RuleLate, func(w *world, v *object.Object) {
			first, _, third := w.coordinator(key)
			w.everywhere(key, first.del(key))
			go func() { // sent before the removal, it takes as long as it may
				time.Sleep(testTimeout) // of the bubble's fake clock
				third.merge(key, v)
			}()
			first.reapOnce()
			time.Sleep(testTimeout + time.Second) // of the bubble's fake clock
			old()
			first.reapOnce()
		}},
	}
	for name, c := range cases {
		for _, without := range []Rule{0, c.rule} {
			t.Run(fmt.Sprintf("%s/without=%d", name, without), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, 3, true, without)
					first, _, _ := w.coordinator(key)
					v := first.set(key, "v")
					w.everywhere(key, v)
					c.play(w, v)
					got := w.anywhere(key)
					want := []string{"-", "-", "-"}
					if without != 0 {
						want = []string{"v", "v", "v"}
					}
					if !slices.Equal(got, want) {
						t.Errorf("the stores have %v, want %v", got, want)
					}
					if without == 0 {
						old()
						first.reapOnce()
						if n := w.tombstones(); n != 0 {
							t.Errorf("%d tombstones are left when nothing holds them any more: %v", n, first.Stats().Held)
						}
					}
				})
			})
		}
	}
}

// TestHeldBack lists why a tombstone stays, and that it goes when the reason does.
func TestHeldBack(t *testing.T) {
	const key = "k"
	joining := func(w *world, state ring.State) {
		var members []ring.Node
		for _, n := range w.nodes {
			members = append(members, ring.Node{ID: n.id, Weight: 1, State: ring.Member})
		}
		if state != ring.Removed {
			members = append(members, ring.Node{ID: "new", Weight: 1, State: state, Change: 1})
		}
		w.table = ring.Build(members, 16, 3)
	}
	for want, c := range map[Reason]struct{ begin, end func(w *world) }{
		HeldAway:     {func(w *world) { w.setDown(2, true) }, func(w *world) { w.setDown(2, false) }},
		HeldChanging: {func(w *world) { joining(w, ring.Joining) }, func(w *world) { joining(w, ring.Removed) }},
		HeldHints: {func(w *world) { _, n, _ := w.coordinator(key); n.hints = true },
			func(w *world) { _, n, _ := w.coordinator(key); n.hints = false }},
		HeldDiffers: {func(w *world) { _, n, _ := w.coordinator(key); n.forget(key) },
			func(w *world) { w.anywhere(key) }},
	} {
		t.Run(want.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 3, false)
				first, _, _ := w.coordinator(key)
				w.everywhere(key, first.set(key, "v"))
				w.everywhere(key, first.del(key))
				old()
				c.begin(w)
				first.reapOnce()
				held := [reasons]int64{}
				held[want] = 1
				if got := first.Stats(); got.Held != held || got.Reaped != 0 || got.Tombstones != 1 {
					t.Errorf("held %v, reaped %d, tombstones %d", got.Held, got.Reaped, got.Tombstones)
				}
				c.end(w)
				first.reapOnce()
				if got := first.Stats(); got.Held != [reasons]int64{} || got.Reaped != 1 || w.tombstones() != 0 {
					t.Errorf("then: held %v, reaped %d, tombstones %d", got.Held, got.Reaped, w.tombstones())
				}
			})
		})
	}
}

// TestReapingBrokenOffReturnsTombstonesOnly loses the last step on its way to one node: the tombstone may come back, the
// value may not, and in the end both are gone.
func TestReapingBrokenOffReturnsTombstonesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, true)
		const key = "k"
		first, second, third := w.coordinator(key)
		w.everywhere(key, first.set(key, "v"))
		w.everywhere(key, first.del(key))
		old()
		lose := true
		w.meet = func(_, to ring.NodeID, kind uint8) error {
			if lose && kind == kindForget && to == third.id {
				return transport.ErrTimeout
			}
			return nil
		}
		first.reapOnce()
		if second.get(key) != nil && third.get(key) != nil || first.get(key) == nil || first.Stats().Held[HeldAway] != 1 {
			t.Errorf("%v %v %v", first.get(key), second.get(key), third.get(key))
		}
		if got := w.anywhere(key); !slices.Equal(got, []string{"-", "-", "-"}) || w.tombstones() != 3 {
			t.Fatalf("the stores have %v, and %d tombstones", got, w.tombstones())
		}
		lose = false
		first.reapOnce()
		if w.tombstones() != 0 {
			t.Errorf("%d tombstones are left", w.tombstones())
		}
	})
}

// TestRestartStopsReaping has a node come back between the two questions: what it said before may be lost.
func TestRestartStopsReaping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, false)
		const key = "k"
		first, _, third := w.coordinator(key)
		w.everywhere(key, first.set(key, "v"))
		w.everywhere(key, first.del(key))
		old()
		time.AfterFunc(time.Second, func() { first.Returned(third.id) })
		first.reapOnce()
		if s := first.Stats(); s.Reaped != 0 || s.Held[HeldAway] != 1 {
			t.Errorf("reaped %d, held %v", s.Reaped, s.Held)
		}
	})
}

// TestWriteWhileReaping writes the key between the two questions, and between the second and the last step.
func TestWriteWhileReaping(t *testing.T) {
	for _, at := range []struct {
		name string
		kind uint8
	}{{"between the questions", kindAgree}, {"before the last step", kindForget}} {
		t.Run(at.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 3, false)
				const key = "k"
				first, second, third := w.coordinator(key)
				w.everywhere(key, first.set(key, "v"))
				w.everywhere(key, first.del(key))
				old()
				wrote := false
				w.meet = func(_, _ ring.NodeID, kind uint8) error {
					if kind == at.kind && !wrote {
						wrote = true
						third.merge(key, second.set(key, "new"))
					}
					return nil
				}
				first.reapOnce()
				if got := w.anywhere(key); !slices.Equal(got, []string{"new", "new", "new"}) {
					t.Errorf("the stores have %v", got)
				}
			})
		})
	}
}

// TestCopiesOfNodesThatAreNoPrimaries adds a node that held a key before and is no primary of it now.
func TestCopiesOfNodesThatAreNoPrimaries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4, false)
		var members []ring.Node
		for _, n := range w.nodes {
			members = append(members, ring.Node{ID: n.id, Weight: 1, State: ring.Member})
		}
		w.table = ring.Build(members, 16, 3)
		const key = "k"
		first, second, third := w.coordinator(key)
		stray := w.nodes[slices.IndexFunc(w.nodes, func(n *worldNode) bool {
			return !slices.Contains(w.table.Primaries(object.SlotOf(key)), n.id)
		})]
		v := first.set(key, "v")
		for _, n := range []*worldNode{second, third, stray} {
			n.merge(key, v)
		}
		tombstone := first.del(key)
		second.merge(key, tombstone)
		third.merge(key, tombstone)
		old()
		first.reapOnce()
		if s := first.Stats(); s.Reaped != 0 || s.Held[HeldDiffers] != 1 {
			t.Fatalf("a node has the value yet: %+v", s)
		}
		stray.forget(key)
		w.meet = func(_, to ring.NodeID, kind uint8) error {
			if kind == kindAgree && to == stray.id { // it meets an old copy of another key of the slot meanwhile
				go func() {
					time.Sleep(testTimeout) // of the bubble's fake clock
					stray.merge("{"+key+"}other", versionOf(9, 9, "old"))
				}()
			}
			return nil
		}
		first.reapOnce()
		if s := first.Stats(); s.Reaped != 0 || s.Held[HeldDiffers] != 1 {
			t.Fatalf("a node has had a change of the slot: %+v", s)
		}
		w.meet = nil
		first.reapOnce()
		if s := first.Stats(); s.Reaped != 1 || s.Held != [reasons]int64{} {
			t.Errorf("%+v", s)
		}
	})
}
