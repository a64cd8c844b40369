package kind

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/object"
)

// deadlineWorld is a fieldWorld whose field is given deadlines.
type deadlineWorld struct {
	fieldWorld
	deadlines map[int]int64 // by the write that gave it
}

func (w deadlineWorld) expire(r *replica, at int64) {
	if !HasField(r.object, theField) {
		return
	}
	kills := opSet{} // the deadlines that it takes the place of
	for i := range r.knows {
		if _, ok := w.deadlines[i]; ok {
			kills[i] = true
		}
	}
	w.write(r, func(e *object.Edit, o *op) error {
		SetFieldDeadline(e, theField, at)
		o.kills = kills
		w.deadlines[len(w.ops)] = at
		return nil
	})
}

// wanted is the deadline that the field must have by what a replica knows.
func (w deadlineWorld) wanted(r *replica) int64 {
	base, others, _ := w.live(r)
	if base == nil {
		return object.NoDeadline
	}
	dead := opSet{}
	for i := range r.knows {
		maps.Copy(dead, w.ops[i].kills)
	}
	latest, stays := int64(0), false
	var newest *op
	for i := range r.knows {
		at, ok := w.deadlines[i]
		if !ok || dead[i] {
			continue
		}
		stays = stays || at == object.NoDeadline
		latest = max(latest, at)
		if o := w.ops[i]; newest == nil || newest.dot.Compare(o.dot) < 0 {
			newest = o
		}
	}
	for _, value := range append(others, base) {
		stays = stays || newest != nil && newest.dot.Compare(value.dot) < 0
	}
	if stays {
		return object.NoDeadline
	}
	return latest
}

func (w deadlineWorld) check(r *replica) {
	w.fieldWorld.check(r)
	got, want := FieldDeadline(r.object, theField), w.wanted(r)
	if got != want {
		w.t.Fatalf("node %d: the deadline is %d, want %d", r.node, got, want)
	}
	next := NextDue(r.object)
	if got != object.NoDeadline && (next == object.NoDeadline || next > got) {
		w.t.Fatalf("node %d has a deadline at %d and looks at %d", r.node, got, next)
	}
	for _, now := range []int64{got - 1, got, got + 1} {
		shown := Shown(r.object, now)
		there := HasField(r.object, theField) && (got == object.NoDeadline || got > now)
		if HasField(shown, theField) != there {
			w.t.Fatalf("node %d, %d before the deadline: there %v, want %v", r.node, got-now, !there, there)
		}
		if n := shownCount(shown); n != shownCount(r.object)-count(HasField(r.object, theField) && !there) {
			w.t.Fatalf("node %d counts %d fields", r.node, n)
		}
	}
}

func shownCount(o *object.Object) int64 {
	if o == nil {
		return 0
	}
	return o.Count(object.Hash)
}

func count(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

func (w deadlineWorld) step() {
	r := w.replica("at")
	switch w.int("step", 0, 11) {
	case 0, 1:
		w.set(r, fmt.Append(nil, w.int("number", -1000, 1000)))
	case 2:
		w.remove(r)
	case 3, 4, 5:
		w.expire(r, int64(w.int("deadline", 1, 5)))
	case 6:
		w.expire(r, object.NoDeadline)
	case 7:
		w.other(r)
	case 8:
		r.birth = 0
	case 9:
		w.join(r, w.replica("from"))
	default:
		w.deliver(r)
	}
	for _, r := range w.replicas {
		w.check(r)
	}
}

func TestFieldDeadlinesConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			w := deadlineWorld{fieldWorld{newWorld(t)}, map[int]int64{}}
			for range w.int("steps", 10, 60) {
				w.step()
			}
			w.settleAll(w.check)
		}
	})
}

// Removing what is due leaves no mark behind that is.
func TestDueFieldsAreRemoved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := deadlineWorld{fieldWorld{newWorld(t)}, map[int]int64{}}
		for range w.int("steps", 10, 60) {
			w.step()
		}
		r, now := w.replica("at"), int64(w.int("now", 1, 6))
		shown := Shown(r.object, now)
		if next := NextDue(r.object); next == object.NoDeadline || next > now {
			return
		}
		w.write(r, func(e *object.Edit, _ *op) error {
			RemoveDueFields(e, now, 100)
			return nil
		})
		if next := NextDue(r.object); next != object.NoDeadline && next <= now {
			t.Fatalf("at %d there is still a mark at %d", now, next)
		}
		if shownCount(r.object) != shownCount(shown) || HasField(r.object, theField) != HasField(shown, theField) {
			t.Fatal("other fields were removed than those that were hidden")
		}
	})
}
