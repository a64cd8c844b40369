package antientropy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// TestRepairBothWays makes two stores differ in every way there is, and exchanges once.
func TestRepairBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, false)
		a, b := w.nodes[0], w.nodes[1]
		for i := range 2000 {
			w.everywhere(fmt.Sprint("same-", i), versionOf(9, uint64(i+1), "v"))
		}
		a.set("here", "a")
		b.set("there", "b")
		b.merge("newer", a.set("newer", "old"))
		b.set("newer", "new")
		a.set("siblings", "a")
		b.set("siblings", "b")
		b.merge("deleted", a.set("deleted", "v"))
		a.del("deleted")
		for i := range 60 { // more than a page of objects
			a.set(fmt.Sprint("big-a-", i), strings.Repeat("a", 20_000))
			b.set(fmt.Sprint("big-b-", i), strings.Repeat("b", 20_000))
		}
		if err := a.exchangeWith(b); err != nil {
			t.Fatal(err)
		}
		if !w.alike() {
			t.Error("the trees differ after the exchange")
		}
		for name, want := range map[string]string{"here": "a", "there": "b", "newer": "new", "siblings": "b", "deleted": "-"} {
			for i, n := range w.nodes {
				if got := n.value(name); got != want {
					t.Errorf("node %d has %q of %s, want %q", i, got, name, want)
				}
			}
		}
		if n := len(a.get("siblings").Cell(cell).Versions); n != 2 {
			t.Errorf("%d of two concurrent values are left", n)
		}
		s := a.Stats()
		// What only the other has, has newer, or has a sibling of comes; the opposite goes.
		if s.Pulled != 60+3 || s.Pushed != 60+3 || s.Exchanges != 1 || s.Mended != 0 {
			t.Errorf("%+v", s)
		}
		before := s.Bytes
		if err := a.exchangeWith(b); err != nil {
			t.Fatal(err)
		}
		if cost := a.Stats().Bytes - before; cost > 4096 {
			t.Errorf("comparing equal replicas took %d bytes", cost)
		}
	})
}

// TestWritesOnTheirWayAreNoDifference lets the objects of an exchange be asked for only after what differed has arrived by
// replication, or has changed again.
func TestWritesOnTheirWayAreNoDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, false)
		a, b := w.nodes[0], w.nodes[1]
		arriving, moving, theirs := a.set("arriving", "1"), a.set("moving", "1"), b.set("theirs", "1")
		asked := 0
		w.meet = func(_, _ ring.NodeID, kind uint8) error {
			switch kind {
			case kindLeaves:
				go func() {
					time.Sleep(recheckPause / 2) // of the bubble's fake clock
					b.merge("arriving", arriving)
					a.set("moving", "2")
					b.set("theirs", "2")
				}()
			case kindObjects:
				asked++
			}
			return nil
		}
		if err := a.exchangeWith(b); err != nil {
			t.Fatal(err)
		}
		if s := a.Stats(); s.Pulled+s.Pushed != 0 {
			t.Errorf("%d keys were repaired", s.Pulled+s.Pushed)
		}
		if b.value("moving") != "-" || a.value("theirs") != "-" || moving == nil || theirs == nil {
			t.Error("a key that was being written was repaired")
		}
		if asked != 1 {
			t.Errorf("objects were asked for %d times", asked)
		}
	})
}

// TestBucketsThatAreWrittenAreLeftAlone has a key differ at every look, and one that stays as it is. The first costs no
// comparison of leaves until it has been left alone for long; the second is repaired at once.
func TestBucketsThatAreWrittenAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, false)
		a, b := w.nodes[0], w.nodes[1]
		began := time.Now()
		var first, writes atomic.Int64 // first: when leaves were first asked for
		w.meet = func(_, _ ring.NodeID, kind uint8) error {
			a.set("{t}busy", fmt.Sprint(writes.Add(1)))
			if kind == kindLeaves {
				first.CompareAndSwap(0, int64(time.Since(began)))
			}
			return nil
		}
		w.run(t, func() {
			w.await(t, func() bool { return first.Load() > 0 })
			if after := time.Duration(first.Load()); after < patience || after > patience+5*time.Second {
				t.Errorf("leaves were compared after %v", after)
			}
			b.set("still", "v")
			w.await(t, func() bool { return a.value("still") == "v" })
		})
	})
}

// TestBrokenExchangesAreMadeAgain loses messages of every kind: the loop goes on until all is equal.
func TestBrokenExchangesAreMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, false)
		for i := range 300 {
			w.nodes[i%3].set(fmt.Sprint("k", i), "v")
		}
		lost, asked := map[uint8]bool{}, 0
		w.meet = func(_, _ ring.NodeID, kind uint8) error {
			asked++
			if !lost[kind] || asked%23 == 0 {
				lost[kind] = true
				return transport.ErrTimeout
			}
			return nil
		}
		w.run(t, func() { w.await(t, w.alike) })
		for kind := kindGroups; kind <= kindMerge; kind++ {
			if !lost[kind] {
				t.Errorf("no message of kind %d was lost", kind)
			}
		}
	})
}

// run runs the loops of all nodes while f runs.
func (w *world) run(t *testing.T, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	for _, n := range w.nodes {
		go n.Run(ctx)
	}
	f()
	cancel()
	synctest.Wait()
}

func (w *world) await(t *testing.T, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(100 * time.Millisecond) { // of the bubble's fake clock
		if time.Since(start) > 5*time.Minute {
			t.Fatal("after five minutes: still not")
		}
	}
}

// TestTouchedSlotsComeFirst compares two slots of many that differ, because a fault touched them.
func TestTouchedSlotsComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, false)
		a, b := w.nodes[0], w.nodes[1]
		for i := range 100 {
			a.set(fmt.Sprint("k", i), "v")
		}
		touched := &engine.SlotSet{}
		touched.Add(object.SlotOf("k7"))
		touched.Add(object.SlotOf("k8"))
		a.Touch(touched, b.id)
		if j, at := a.nextTouched(); j != nil || !at.Equal(time.Now().Add(touchPause)) {
			t.Fatalf("touched slots are compared at once: %v, next at %v", j, at)
		}
		time.Sleep(touchPause) // of the bubble's fake clock
		j, _ := a.nextTouched()
		if j == nil || *j.slots != *touched || j.whole || j.peer != b.id {
			t.Fatalf("%+v", j)
		}
		if err := a.do(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		if b.value("k7") != "v" || b.value("k8") != "v" || b.value("k9") != "-" {
			t.Error("not just the touched slots were repaired")
		}
		if j, _ := a.nextTouched(); j != nil {
			t.Errorf("they are still touched: %+v", j)
		}
	})
}

func TestFailuresBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, false)
		a, b := w.nodes[0], w.nodes[1]
		w.meet = func(_, _ ring.NodeID, _ uint8) error { return transport.ErrTimeout }
		for want := retryMin; want < 3*retryMax; want *= 2 {
			if err := a.exchangeWith(b); !errors.Is(err, transport.ErrTimeout) {
				t.Fatal(err)
			}
			time.Sleep(min(want, retryMax) - 1) // of the bubble's fake clock
			if j := a.nextInTurn(); j != nil {
				t.Fatalf("an exchange within %s of a failure", want)
			}
			time.Sleep(time.Nanosecond) // of the bubble's fake clock
			if j := a.nextInTurn(); j == nil {
				t.Fatalf("no exchange %s after a failure", want)
			}
		}
		a.Returned(b.id)
		time.Sleep(touchPause) // of the bubble's fake clock
		if j, _ := a.nextTouched(); j == nil || !j.whole {
			t.Errorf("a peer that returned: %+v", j)
		}
	})
}

// TestRateAndPause repairs much at a low rate, and nothing while it is paused.
func TestRateAndPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, false)
		a, b := w.nodes[0], w.nodes[1]
		for i := range 100 {
			a.set(fmt.Sprint("k", i), strings.Repeat("v", 10_000))
		}
		w.config.Rate = 100_000 // a megabyte in ten seconds
		a.Pause(true)
		b.Pause(true)
		w.run(t, func() {
			time.Sleep(time.Minute) // of the bubble's fake clock
			if a.Stats().Exchanges+b.Stats().Exchanges != 0 {
				t.Error("exchanges were made while paused")
			}
			start := time.Now()
			a.Pause(false)
			w.await(t, w.alike)
			if took := time.Since(start); took < 7*time.Second || took > 20*time.Second {
				t.Errorf("a megabyte at 100 kB/s took %s", took)
			}
		})
	})
}

// TestRunOfRepair asks for a full run with one peer away, and for one of what was touched.
func TestRunOfRepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, false)
		a, b := w.nodes[0], w.nodes[1]
		slot := object.SlotOf("k")
		a.set("k", "v")
		a.set("other", "v")
		w.setDown(2, true)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if _, ok := a.LastRun(); ok {
			t.Error("a run before one was asked for")
		}
		if err := a.Start(true, slot, slot); err != nil {
			t.Fatal(err)
		}
		if err := a.Start(true, 0, 9); !errors.Is(err, ErrRunning) {
			t.Errorf("a second run: %v", err)
		}
		a.work(ctx, a.startedRun())
		run, _ := a.LastRun()
		if run.Finished.IsZero() || run.Peers != 2 || run.PeersDone != 1 || run.PeersFailed != 1 || run.Slots != 1 || run.SlotsDone != 1 {
			t.Errorf("%+v", run)
		}
		if b.value("k") != "v" || b.value("other") != "-" {
			t.Error("not just the slots of the run were repaired")
		}
		if err := a.Start(false, 0, object.Slots-1); err != nil {
			t.Fatal(err)
		}
		a.work(ctx, a.startedRun())
		if run, _ := a.LastRun(); run.Peers != 0 || b.value("other") != "-" {
			t.Errorf("nothing was touched: %+v", run)
		}
		touched := &engine.SlotSet{}
		touched.Add(object.SlotOf("other"))
		a.Touch(touched, b.id)
		if err := a.Start(false, 0, object.Slots-1); err != nil {
			t.Fatal(err)
		}
		a.work(ctx, a.startedRun())
		if run, _ := a.LastRun(); run.PeersDone != 1 || run.Slots != 0 || b.value("other") != "v" {
			t.Errorf("%+v", run)
		}
	})
}

// TestOldMessagesAreRefused brings an object that was under way for too long: it might bring back what was reaped.
func TestOldMessagesAreRefused(t *testing.T) {
	w := newWorld(t, 2, false)
	if _, err := w.nodes[0].Serve(w.nodes[1].id, kindMerge, nil, testTimeout+1); !errors.Is(err, ErrTooOld) {
		t.Error(err)
	}
	if _, err := w.nodes[0].Serve("stranger", kindObjects, appendItem(nil, object.Key{Name: "k"}, 0), 0); !errors.Is(err, ErrNotShared) {
		t.Error(err)
	}
}

// TestOneRefusedObjectStopsNothing has a peer hold a key with a time that cannot have been yet, among others that differ.
func TestOneRefusedObjectStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, false)
		a, b := w.nodes[0], w.nodes[1]
		b.setClock(func() time.Time { return time.Now().Add(time.Hour) })
		b.set("ahead", "v")
		b.merge("old", versionOf(9, 9, "v"))
		a.set("own", "v")
		if err := a.exchangeWith(b); err != nil {
			t.Fatal(err)
		}
		if a.value("ahead") != "-" || a.value("old") != "v" || b.value("own") != "v" {
			t.Errorf("%s %s %s", a.value("ahead"), a.value("old"), b.value("own"))
		}
	})
}
