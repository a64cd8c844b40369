package kind

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

func sadd(members ...string) func(*object.Edit) {
	return func(e *object.Edit) {
		for _, m := range members {
			AddMember(e, []byte(m))
		}
	}
}

func srem(members ...string) func(*object.Edit) {
	return func(e *object.Edit) {
		for _, m := range members {
			RemoveMember(e, []byte(m))
		}
		End(e)
	}
}

func names(o *object.Object, kind object.Kind) (out []string) {
	for el := range Elements(o, kind, 0) {
		out = append(out, el.Name)
	}
	slices.Sort(out)
	return out
}

func TestAdditionWinsOverConcurrentRemoval(t *testing.T) {
	base := at(nil, 1, 10, sadd("a", "b", "c"))
	removed, added := at(base, 1, 30, srem("a", "b")), at(base, 2, 20, sadd("a", "d"))
	if got := fmt.Sprint(names(object.Join(removed, added), object.Set)); got != "[a c d]" {
		t.Errorf("members %s", got)
	}
}

func TestLimitOnSiblingsSparesIncrements(t *testing.T) {
	o := at(nil, 1, 1, func(e *object.Edit) { SetField(e, []byte("f"), []byte("10")) })
	var joined *object.Object
	for node := range 5 {
		change := func(e *object.Edit) {
			addition, _, err := AddToField(e.Object(), []byte("f"), 1)
			if err != nil {
				t.Fatal(err)
			}
			addition.MakeInField(e, []byte("f"))
		}
		joined = object.Join(joined, at(o, causal.Node(node+1), causal.Time(10+node), change))
		set := at(o, causal.Node(node+11), causal.Time(20+node), func(e *object.Edit) { SetField(e, []byte("f"), fmt.Append(nil, node)) })
		joined = object.Join(joined, set)
	}
	bounded, dropped := joined.KeepNewest(1, IsValue)
	if got, _ := Field(bounded, []byte("f")); string(got) != "9" || dropped != 4 {
		t.Errorf("shows %s after %d were dropped, want 4 and five increments", got, dropped)
	}
}

// A hash whose last field went does not come back with its old deadline.
func TestLastElementTakesTheDeadlineAlong(t *testing.T) {
	o := at(nil, 1, 1, func(e *object.Edit) {
		sadd("a")(e)
		e.SetDeadline(500)
	})
	o = at(o, 1, 2, srem("a"))
	if !o.Tombstone() || o.Deadline() != object.NoDeadline {
		t.Errorf("left: %+v", o)
	}
	// A deadline that another node sets meanwhile stays; who makes the key again drops it.
	o = object.Join(o, at(at(nil, 2, 3, sadd("b")), 2, 4, func(e *object.Edit) { e.SetDeadline(900); e.Remove(elementName(object.Set, []byte("b"))) }))
	o = at(o, 1, 10, func(e *object.Edit) {
		Begin(e)
		sadd("c")(e)
	})
	if o.Deadline() != object.NoDeadline || o.Tombstone() {
		t.Errorf("made again: %+v", o)
	}
}

func TestDraw(t *testing.T) {
	for _, size := range []int{1, 10, 100, 2000} {
		var members []string
		for i := range size {
			members = append(members, fmt.Sprint(i))
		}
		o := at(nil, 1, 1, sadd(members...))
		for _, n := range []int{1, 3, size, size + 5} {
			once, again := map[string]bool{}, 0
			for el := range Draw(o, object.Set, int64(n), false) {
				once[el.Name] = true
			}
			for range Draw(o, object.Set, int64(n), true) {
				again++
			}
			if len(once) != min(n, size) || again != n {
				t.Errorf("of %d: %d drawn once, %d with repetition, want %d", size, len(once), again, n)
			}
		}
	}
}

// Every member is about as likely as any other.
func TestDrawIsFair(t *testing.T) {
	const size, draws = 1000, 100_000
	var members []string
	for i := range size {
		members = append(members, fmt.Sprint(i))
	}
	o := at(nil, 1, 1, sadd(members...))
	drawn := map[string]int{}
	for el := range Draw(o, object.Set, draws, true) {
		drawn[el.Name]++
	}
	for _, m := range members {
		if n := drawn[m]; n < draws/size/5 || n > draws/size*5 {
			t.Errorf("%s was drawn %d times of %d", m, n, draws)
		}
	}
}

func TestCopyOfCollections(t *testing.T) {
	o := at(nil, 1, 1, func(e *object.Edit) {
		SetField(e, []byte("f"), []byte("5"))
		SetField(e, []byte("g"), []byte("word"))
		e.SetDeadline(500)
	})
	o = object.Join(o, at(o, 2, 5, func(e *object.Edit) {
		addition, _, _ := AddToField(e.Object(), []byte("f"), 3)
		addition.MakeInField(e, []byte("f"))
	}))
	copied := at(at(nil, 1, 20, set("old")), 1, 30, func(e *object.Edit) { Copy(e, o) })
	f, _ := Field(copied, []byte("f"))
	if copied.Kind() != object.Hash || copied.Count(object.Hash) != 2 || string(f) != "8" || copied.Deadline() != 500 {
		t.Errorf("copied %+v", copied)
	}
}
