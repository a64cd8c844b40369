package object

import (
	"testing"

	"github.com/kindredkv/kindred/engine/causal"
)

// at makes an edit of a replica and returns the object after it.
func at(o *Object, time causal.Time, node causal.Node, change func(*Edit)) *Object {
	e := NewEdit(o, dot(node, causal.Time(node), time))
	change(e)
	o, _ = e.Finish()
	return o
}

func set(e *Edit) {
	e.Clear()
	e.Put(ValueCell, []byte("v"))
}

func setEx(deadline int64) func(*Edit) {
	return func(e *Edit) {
		set(e)
		e.SetDeadline(deadline)
	}
}

func expire(deadline int64) func(*Edit) { return func(e *Edit) { e.SetDeadline(deadline) } }

func remove(e *Edit) { e.Clear() }

func TestDeadlineOfConcurrentWrites(t *testing.T) {
	base := at(nil, 1, 1, set)
	volatile := at(nil, 1, 1, setEx(50))
	for _, c := range []struct {
		name string
		a, b *Object
		want int64
	}{
		{"the later of two", at(base, 10, 1, expire(100)), at(base, 11, 2, expire(90)), 100},
		{"PERSIST and EXPIRE", at(volatile, 10, 1, expire(NoDeadline)), at(volatile, 11, 2, expire(90)), NoDeadline},
		{"SET EX and SET EX", at(base, 10, 1, setEx(100)), at(base, 11, 2, setEx(90)), 100},
		{"SET, then SET EX elsewhere", at(base, 10, 1, set), at(base, 11, 2, setEx(90)), NoDeadline},
		{"SET EX, then SET elsewhere", at(base, 10, 1, setEx(90)), at(base, 11, 2, set), NoDeadline},
		{"EXPIRE, then SET elsewhere", at(base, 10, 1, expire(90)), at(base, 11, 2, set), NoDeadline},
		{"SET, then EXPIRE elsewhere", at(base, 10, 1, set), at(base, 11, 2, expire(90)), 90},
		{"one without, one with", at(volatile, 10, 1, set), volatile, NoDeadline},
		{"a field and EXPIRE", at(base, 11, 1, func(e *Edit) { e.Put("\x02f", nil) }), at(base, 10, 2, expire(90)), 90},
	} {
		if got := Join(c.a, c.b).Deadline(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		if got := Join(c.b, c.a).Deadline(); got != c.want {
			t.Errorf("%s, joined the other way: %d, want %d", c.name, got, c.want)
		}
	}
}

// The client of the SET was told that its value is stored, and never put a deadline on it.
func TestValueOutlivesTheDeadlineOfItsSibling(t *testing.T) {
	merged := Join(at(nil, 10, 1, set), at(nil, 11, 2, setEx(90)))
	if merged.Expired(1000) {
		t.Error("a value without a deadline expired")
	}
	if later := at(merged, 20, 1, expire(95)); later.Deadline() != 95 {
		t.Errorf("EXPIRE of the siblings gives %d", later.Deadline())
	}
}

func TestDeadlineAloneIsNoKey(t *testing.T) {
	base := at(nil, 1, 1, set)
	merged := Join(at(base, 10, 1, remove), at(base, 11, 2, expire(90)))
	if !merged.Tombstone() || merged.Kind() != None {
		t.Errorf("a removed key with a deadline is there: %+v", merged)
	}
}
