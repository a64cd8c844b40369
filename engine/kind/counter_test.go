package kind

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// at makes a change at a node and returns the object after it.
func at(o *object.Object, node causal.Node, time causal.Time, change func(*object.Edit)) *object.Object {
	e := object.NewEdit(o, causal.Dot{Actor: causal.Actor{Node: node, Birth: causal.Time(node)}, Time: time})
	change(e)
	o, _ = e.Finish()
	return o
}

func set(value string) func(*object.Edit) {
	return func(e *object.Edit) { Set(e, []byte(value), false) }
}

func add(delta int64) func(*object.Edit) {
	return func(e *object.Edit) {
		addition, _, err := Add(e.Object(), delta)
		if err != nil {
			panic(err)
		}
		addition.Make(e)
	}
}

func show(t *testing.T, o *object.Object, want string) {
	t.Helper()
	if got := string(Value(o)); got != want {
		t.Errorf("shows %q, want %q", got, want)
	}
}

func TestConcurrentIncrementsAddUp(t *testing.T) {
	base := at(nil, 1, 10, set("10"))
	a, b := at(base, 1, 20, add(5)), at(base, 2, 21, add(-2))
	show(t, object.Join(a, b), "13")
	a, b = at(a, 1, 30, add(1)), at(b, 2, 31, add(1))
	show(t, object.Join(a, b), "15")
}

func TestIncrementsOfAMissingKeyAddUp(t *testing.T) {
	show(t, object.Join(at(nil, 1, 1, add(3)), at(nil, 2, 2, add(4))), "7")
	show(t, object.Join(at(nil, 1, 1, add(3)), at(nil, 2, 2, set("10"))), "13")
}

// This is the example of the package comment.
func TestSetSettlesJustWhatItHasSeen(t *testing.T) {
	a := at(nil, 1, 1, set("10"))
	b := a
	for i := range 3 {
		b = at(b, 2, causal.Time(10+i), add(1))
	}
	a = at(object.Join(a, b), 1, 20, set("100"))
	b = at(b, 2, 30, add(1))
	both := object.Join(a, b)
	show(t, both, "101")
	show(t, at(both, 2, 40, add(1)), "102")
	show(t, at(at(both, 2, 40, set("5")), 2, 41, add(1)), "6")
}

func TestOfTwoThatSettledTheLaterCounts(t *testing.T) {
	// The one that has seen more may have a clock behind the other's, or ahead.
	for time, want := range map[causal.Time]string{15: "101", 25: "201"} {
		b := at(nil, 2, 10, add(3))
		less := at(b, 1, 20, set("100"))
		b = at(b, 2, 12, add(2))
		more := at(b, 3, time, set("200"))
		b = at(b, 2, 40, add(1))
		show(t, object.Join(object.Join(less, more), b), want)
		show(t, object.Join(more, object.Join(b, less)), want)
	}
}

func TestRemovalSettlesJustWhatItHasSeen(t *testing.T) {
	b := at(nil, 2, 10, add(3))
	a := at(b, 1, 20, Clear)
	if !a.Tombstone() {
		t.Fatalf("a removed counter is there: %+v", a)
	}
	show(t, object.Join(a, at(b, 2, 30, add(1))), "1")
}

func TestOwnIncrementsLeaveNothingBehind(t *testing.T) {
	o := at(nil, 1, 10, add(3))
	if o = at(o, 1, 20, set("5")); len(o.Cells) != 1 {
		t.Errorf("a plain string has cells %+v", o.Cells)
	}
	if o = at(at(o, 1, 30, add(3)), 1, 40, Clear); len(o.Cells) != 0 {
		t.Errorf("a removed counter has cells %+v", o.Cells)
	}
}

func TestIncrementsCannotAddToAWord(t *testing.T) {
	base := at(nil, 1, 10, set("10"))
	word, added := at(base, 1, 20, set("word")), at(base, 2, 15, add(5))
	both := object.Join(word, added)
	show(t, both, "word")
	if _, _, err := Add(both, 1); !errors.Is(err, ErrNotInteger) {
		t.Errorf("INCR: %v", err)
	}
	show(t, at(both, 1, 40, set("1")), "1")
}

func TestSumBeyond64BitsShowsTheLimit(t *testing.T) {
	base := at(nil, 1, 10, set(fmt.Sprint(math.MaxInt64-10)))
	both := object.Join(at(base, 1, 20, add(10)), at(base, 2, 21, add(9)))
	show(t, both, fmt.Sprint(math.MaxInt64))
	show(t, at(both, 1, 30, add(-12)), fmt.Sprint(math.MaxInt64-3))

	base = at(nil, 1, 10, set(fmt.Sprint(math.MinInt64+10)))
	both = object.Join(at(base, 1, 20, add(-10)), at(base, 2, 21, add(-9)))
	show(t, both, fmt.Sprint(math.MinInt64))
}

func TestTotalsBeyond64Bits(t *testing.T) {
	o := at(nil, 1, 10, set(fmt.Sprint(math.MinInt64)))
	for i := range 3 {
		o = at(at(o, 1, causal.Time(20+i), add(math.MaxInt64)), 2, causal.Time(30+i), add(math.MinInt64+1))
	}
	show(t, o, fmt.Sprint(math.MinInt64))
}

func TestAddOverflows(t *testing.T) {
	for _, c := range []struct {
		value string
		delta int64
	}{
		{"9223372036854775807", 1}, {"-9223372036854775808", -1}, {"1", math.MaxInt64}, {"-2", math.MinInt64},
	} {
		o := at(nil, 1, 10, set(c.value))
		if _, _, err := Add(o, c.delta); !errors.Is(err, ErrOverflow) {
			t.Errorf("%s plus %d: %v", c.value, c.delta, err)
		}
	}
}

func TestFloatIncrements(t *testing.T) {
	for _, c := range []struct {
		value, delta, want string
		err                error
	}{
		{"10.50", "0.1", "10.6", nil},
		{"10.6", "-5", "5.6", nil},
		{"5.0e3", "2.0e2", "5200", nil},
		{"3.0", "0", "3", nil},
		{"0.1", "0.2", "0.3", nil},
		{"1000000000000000000", "0.1", "1000000000000000000.125", nil},
		{"word", "1", "", ErrNotFloat},
		{"", "1", "", ErrNotFloat},
		{"inf", "1", "", ErrNotFinite},
		{"1", "-inf", "", ErrNotFinite},
		{"1.1e4932", "1.1e4932", "", ErrNotFinite},
	} {
		o := at(nil, 1, 10, set(c.value))
		x, ok := ParseFloat([]byte(c.delta))
		if !ok {
			t.Fatal(c.delta)
		}
		_, got, err := AddFloat(o, x)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s plus %s: %q, %v; want %q, %v", c.value, c.delta, got, err, c.want, c.err)
		}
	}
}

func TestTokenWithoutTotalsIsRefused(t *testing.T) {
	token := object.EncodeToken(key, object.Token{Settled: []byte("nonsense")})
	if _, err := ParseToken(key, []byte(token)); !errors.Is(err, object.ErrTokenMalformed) {
		t.Errorf("err %v", err)
	}
}

func TestEqualValuesAreNoConflict(t *testing.T) {
	same := object.Join(at(nil, 1, 1, set("v")), at(nil, 2, 2, set("v")))
	if Conflicted(same) || len(Values(same)) != 1 {
		t.Errorf("values %v", Values(same))
	}
	both := object.Join(same, at(nil, 3, 3, set("w")))
	if !Conflicted(both) || len(Values(both)) != 2 {
		t.Errorf("values %v", Values(both))
	}
}

func TestCopyTakesWhatIsShown(t *testing.T) {
	o := object.Join(at(nil, 1, 1, set("5")), at(nil, 2, 2, add(3)))
	o = at(o, 1, 10, func(e *object.Edit) { e.SetDeadline(500) })
	copied := at(at(nil, 1, 20, set("old")), 1, 30, func(e *object.Edit) { Copy(e, o) })
	show(t, copied, "8")
	if copied.Deadline() != 500 || len(Values(copied)) != 1 {
		t.Errorf("copied %+v", copied)
	}
}

func TestKeepTTL(t *testing.T) {
	o := at(nil, 1, 10, func(e *object.Edit) {
		set("1")(e)
		e.SetDeadline(500)
	})
	kept := at(o, 1, 20, func(e *object.Edit) { Set(e, []byte("2"), true) })
	if got := kept.Deadline(); got != 500 {
		t.Errorf("kept deadline %d", got)
	}
	if got := at(kept, 1, 30, add(1)).Deadline(); got != 500 {
		t.Errorf("deadline after an increment %d", got)
	}
	if got := at(o, 1, 20, set("2")).Deadline(); got != object.NoDeadline {
		t.Errorf("dropped deadline %d", got)
	}
}

func FuzzDecodeSettled(f *testing.F) {
	b := at(at(nil, 2, 10, add(3)), 1, 20, set("5"))
	f.Add(b.Cell(settledCell).Newest().Payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, ok := decodeSettled(b)
		if !ok {
			return
		}
		again, ok := decodeSettled(s.encode())
		if !ok || len(again) != len(s) {
			t.Fatalf("%x decodes once but not twice", b)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	o := at(nil, 1, 1, add(1))
	b.ReportAllocs()
	for i := range b.N {
		o = at(o, 1, causal.Time(2+i), add(1))
	}
}

func BenchmarkSet(b *testing.B) {
	o := at(nil, 1, 1, set("value"))
	value := make([]byte, 100)
	b.ReportAllocs()
	for i := range b.N {
		o = at(o, 1, causal.Time(2+i), func(e *object.Edit) { Set(e, value, false) })
	}
}

func TestSettledTotalsAreBounded(t *testing.T) {
	var s settled
	for i := range 3 * maxSettled {
		actor := causal.Actor{Node: causal.Node(i)}
		s = s.add(increment{name: incrementName(ones, actor), at: causal.Time(1000 - i)})
	}
	s = s.bounded()
	if len(s) != maxSettled || s[0].at != 1000 || s[maxSettled-1].at != 1001-maxSettled {
		t.Errorf("%d are left, from %d to %d", len(s), s[0].at, s[len(s)-1].at)
	}
}
