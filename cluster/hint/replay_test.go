package hint

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
)

// soon is long enough for what is done at once.
const soon = 3 * time.Second

func TestHintsReachTheirOwnerWhenItIsBack(t *testing.T) {
	inWorld(t, func(w *world) {
		keys := w.keys(1000)
		for i, key := range keys {
			w.keep(key, fmt.Sprint(i), w.ids[0])
		}
		time.Sleep(time.Minute)
		if w.left() != 1000 || w.messages(w.ids[0]) != 0 {
			t.Fatalf("while the owner is away: %d hints left, %d messages", w.left(), w.messages(w.ids[0]))
		}
		w.arrive(w.ids[0])
		w.r.Returned(w.ids[0])
		time.Sleep(soon)
		for i, key := range keys {
			if got := w.value(w.ids[0], key); got != fmt.Sprint(i) {
				t.Fatalf("%s is %q", key.Name, got)
			}
		}
		if w.left() != 0 || w.r.Stats().Replayed != 1000 || w.messages(w.ids[0]) != 9 {
			t.Fatalf("%d hints left, %+v, %d messages", w.left(), w.r.Stats(), w.messages(w.ids[0]))
		}
	})
}

func TestAHintStaysUntilEveryOwnerHasConfirmed(t *testing.T) {
	inWorld(t, func(w *world) {
		key := w.keys(1)[0]
		w.keep(key, "v", w.ids[0], w.ids[1])
		w.arrive(w.ids[0])
		time.Sleep(soon)
		if w.left() != 1 || w.value(w.ids[0], key) != "v" {
			t.Fatal("after the first owner")
		}
		sent := w.messages(w.ids[0])
		w.arrive(w.ids[1])
		time.Sleep(soon)
		if w.left() != 0 || w.value(w.ids[1], key) != "v" || w.messages(w.ids[0]) != sent {
			t.Fatal("after the second owner")
		}
	})
}

func TestAHintWhoseConfirmationIsLostIsSentAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		key := w.keys(1)[0]
		w.keep(key, "v", w.ids[0])
		w.change(func() { w.lose = 4 })
		w.arrive(w.ids[0])
		time.Sleep(7500 * time.Millisecond)
		status := w.r.Status(engine.Owner(w.ids[0]))
		if w.left() != 1 || !strings.Contains(status.LastError, errGone.Error()) || status.Retry == 0 {
			t.Fatalf("%d left, %+v, sent %d times", w.left(), status, w.messages(w.ids[0]))
		}
		// The pauses are 1, 2 and 4 s, and what looking once a second adds.
		if n := w.messages(w.ids[0]); n != 3 {
			t.Fatalf("sent %d times", n)
		}
		time.Sleep(20 * time.Second)
		if w.left() != 0 || w.r.Status(engine.Owner(w.ids[0])).LastError != "" {
			t.Fatal("not delivered after the failures")
		}
	})
}

func TestAWriteThatComesMeanwhileIsSentToo(t *testing.T) {
	inWorld(t, func(w *world) {
		key := w.keys(1)[0]
		w.keep(key, "old", w.ids[0])
		w.change(func() { w.meanwhile = func() { w.keep(key, "new", w.ids[0]) } })
		w.arrive(w.ids[0])
		time.Sleep(soon)
		if w.left() != 0 || w.value(w.ids[0], key) != "new" {
			t.Fatalf("%d left, the owner has %q", w.left(), w.value(w.ids[0], key))
		}
	})
}

func TestReplayGoesOnAfterARestartOfTheHolder(t *testing.T) {
	inWorld(t, func(w *world) {
		keys := w.keys(600)
		for _, key := range keys {
			w.keep(key, "v", w.ids[0])
		}
		w.crash()
		w.setRate(5 << 10)
		w.arrive(w.ids[0])
		time.Sleep(soon)
		left := w.left()
		if left == 0 || left == 600 {
			t.Fatalf("%d hints left", left)
		}
		w.crash()
		w.setRate(1 << 30)
		time.Sleep(soon)
		if w.left() != 0 || w.r.Stats().Replayed != uint64(left) {
			t.Fatalf("%d of %d left, %+v", w.left(), left, w.r.Stats())
		}
	})
}

func TestReplayKeepsToItsRate(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, key := range w.keys(400) {
			w.keep(key, strings.Repeat("v", 8000), w.ids[0])
		}
		w.setRate(100 << 10)
		w.arrive(w.ids[0])
		time.Sleep(10 * time.Second)
		if get(w, &w.bytes) < 700<<10 || get(w, &w.bytes) > 1000<<10+2*bytesAtOnce {
			t.Fatalf("%d bytes in 10 s", get(w, &w.bytes))
		}
		w.setRate(0)
		time.Sleep(5 * time.Second)
		before := get(w, &w.bytes)
		time.Sleep(time.Minute)
		if get(w, &w.bytes) != before {
			t.Fatal("a rate of 0 does not pause")
		}
	})
}

// Small hints count as leastCost: a hundred bytes take as long to merge as some thousand.
func TestSmallHintsKeepToTheRateToo(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, key := range w.keys(2000) {
			w.keep(key, "v", w.ids[0])
		}
		w.setRate(100 * leastCost)
		w.arrive(w.ids[0])
		time.Sleep(10 * time.Second)
		if left := w.left(); left < 2000-1000-2*fewAtOnce || left > 2000-900 {
			t.Fatalf("%d of 2000 are left after 10 s at 100 a second", left)
		}
	})
}

// An owner that takes long is let alone for as long, and given more at once, for that its rate asks.
func TestReplayRestsAsLongAsItWorks(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, key := range w.keys(2000) {
			w.keep(key, "v", w.ids[0])
		}
		w.change(func() { w.takes = 100 * time.Millisecond })
		w.arrive(w.ids[0])
		w.r.Returned(w.ids[0])
		time.Sleep(950 * time.Millisecond)
		w.change(func() { w.sent = map[ring.NodeID]int{} })
		time.Sleep(time.Second)
		if n := w.messages(w.ids[0]); n != 5 {
			t.Fatalf("%d messages in a second, each of which takes a tenth", n)
		}
		if left := w.left(); left != 2000-fewAtOnce-9*atOnce {
			t.Fatalf("%d hints left", left)
		}
	})
}

func TestAnOwnerThatLeftTheRingIsStruckOff(t *testing.T) {
	inWorld(t, func(w *world) {
		key := w.keys(1)[0]
		w.keep(key, "v", w.ids[0])
		w.arrive(w.ids[1:3]...)
		time.Sleep(soon)
		// The holder is a primary of the slot now, and takes its own part.
		w.ring(ring.Removed, ring.Member, ring.Member, ring.Member)
		time.Sleep(soon)
		if w.left() != 0 {
			t.Fatalf("%d hints left", w.left())
		}
		for _, id := range w.ids[1:] {
			if w.value(id, key) != "v" {
				t.Fatalf("node %s holds %q", id, w.value(id, key))
			}
		}
	})
}

// A node that is to become a primary stands in for those that are, and so for its future self.
func TestWhatTheHolderOwesItselfIsItsOwn(t *testing.T) {
	inWorld(t, func(w *world) {
		key := w.keys(1)[0]
		w.ring(ring.Leaving, ring.Member, ring.Member, ring.Member)
		time.Sleep(soon)
		w.keep(key, "v", w.ids[0], w.ids[3])
		time.Sleep(soon)
		if w.value(w.ids[3], key) != "v" {
			t.Fatalf("the holder holds %q itself", w.value(w.ids[3], key))
		}
		w.arrive(w.ids[:3]...)
		time.Sleep(soon)
		if w.left() != 0 {
			t.Fatalf("%d hints left", w.left())
		}
	})
}

func TestAnOldHintGoesOnlyWhenOthersHaveIt(t *testing.T) {
	inWorld(t, func(w *world) {
		key := w.keys(1)[0]
		w.keep(key, "v", w.ids[0])
		w.arrive(w.ids[1])
		time.Sleep(w.settings.MaxAge + time.Minute)
		if w.left() != 1 || w.r.Stats().Aged != 0 || w.r.Status(engine.Owner(w.ids[0])).LastError != errTooFew.Error() {
			t.Fatalf("one other primary of two that W needs: %d left, %+v", w.left(), w.r.Stats())
		}
		w.arrive(w.ids[2])
		time.Sleep(2 * time.Minute)
		if w.left() != 0 || w.r.Stats().Aged != 1 || w.r.Stats().Replayed != 0 {
			t.Fatalf("%d left, %+v", w.left(), w.r.Stats())
		}
		for _, id := range w.ids[1:3] {
			if w.value(id, key) != "v" {
				t.Fatalf("node %s holds %q", id, w.value(id, key))
			}
		}
	})
}
