package causal

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func drawContext(t *rapid.T, label string) Context {
	var c Context
	for range rapid.IntRange(0, 6).Draw(t, label) {
		c = c.With(Dot{
			Actor: Actor{Node: Node(rapid.IntRange(1, 3).Draw(t, "node")), Birth: Time(rapid.IntRange(1, 2).Draw(t, "birth"))},
			Time:  Time(rapid.IntRange(1, 9).Draw(t, "time")),
		})
	}
	return c
}

func TestContextLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawContext(t, "a"), drawContext(t, "b"), drawContext(t, "c")
		ab := a.Merge(b)
		if !ab.Equal(b.Merge(a)) || !a.Merge(a).Equal(a) || !ab.Merge(c).Equal(a.Merge(b.Merge(c))) {
			t.Fatal("merge is not a join")
		}
		if !ab.CoversAll(a) || !ab.CoversAll(b) {
			t.Fatal("a merge covers less than its parts")
		}
		for _, e := range ab {
			if d := Dot(e); !a.Covers(d) && !b.Covers(d) {
				t.Fatalf("the merge covers %v, neither part does", d)
			}
		}
		if a.CoversAll(b) != ab.Equal(a) {
			t.Fatal("covering all is not the order of the join")
		}
		if (a.Digest() == b.Digest()) != a.Equal(b) {
			t.Fatal("digests and contexts disagree")
		}
		decoded, rest, err := DecodeContext(nil, AppendContext(nil, a))
		if err != nil || len(rest) != 0 || !decoded.Equal(a) {
			t.Fatalf("decoded %v, %v", decoded, err)
		}
	})
}

func TestDecodeContextRefusesDisorder(t *testing.T) {
	one := Entry{Actor: Actor{Node: 1, Birth: 1}, Time: 1}
	two := Entry{Actor: Actor{Node: 2, Birth: 1}, Time: 1}
	for name, c := range map[string]Context{"unsorted": {two, one}, "double": {one, one}, "no time": {{Actor: one.Actor}}} {
		if _, _, err := DecodeContext(nil, AppendContext(nil, c)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	whole := AppendContext(nil, Context{one, two})
	for n := range whole {
		if _, _, err := DecodeContext(nil, whole[:n]); err == nil {
			t.Errorf("the first %d bytes were accepted", n)
		}
	}
}

func FuzzDecodeContext(f *testing.F) {
	f.Add(AppendContext(nil, Context{{Actor: Actor{Node: 1, Birth: 2}, Time: 3}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, rest, err := DecodeContext(nil, b)
		if err != nil {
			return
		}
		if again, _, err := DecodeContext(nil, AppendContext(nil, c)); err != nil || !again.Equal(c) {
			t.Fatalf("%x does not survive: %v", b, err)
		}
		if !bytes.HasSuffix(b, rest) {
			t.Fatal("the rest is not the end of the input")
		}
	})
}

func TestPrune(t *testing.T) {
	const day = int64(PruneAge / time.Millisecond)
	now := TimeAt(10 * day)
	old, young := TimeAt(2*day), TimeAt(10*day-1)
	var c Context
	add := func(node int, time Time) {
		c = c.With(Dot{Actor: Actor{Node: Node(node), Birth: 1}, Time: time})
	}
	for i := range 40 {
		add(i+1, old+Time(i))
	}
	nobody := func(Actor) bool { return false }
	if !c.Prune(now, nobody).Equal(c) {
		t.Fatal("pruned below the limit")
	}
	for i := range 20 {
		add(i+100, young)
	}
	kept := Actor{Node: 1, Birth: 1} // the oldest, which names a live version
	pruned := c.Prune(now, func(a Actor) bool { return a == kept })
	if len(pruned) != PruneAbove {
		t.Fatalf("%d entries left, want %d", len(pruned), PruneAbove)
	}
	if !pruned.Covers(Dot{Actor: kept, Time: old}) {
		t.Fatal("the actor of a live version was pruned")
	}
	if pruned.Covers(Dot{Actor: Actor{Node: 2, Birth: 1}, Time: 1}) {
		t.Fatal("the oldest entry that nothing needs was kept")
	}
	for i := range 60 {
		add(i+200, young)
	}
	if got := c.Prune(now, nobody); len(got) != 80 {
		t.Fatalf("%d entries left, want the 80 that are younger than a day", len(got))
	}
}
