package kind

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

func TestParseScore(t *testing.T) {
	for text, want := range map[string]float64{
		"1": 1, "-1.5": -1.5, "+3": 3, ".5": 0.5, "5.": 5, "1e3": 1000, "0x10": 16, "0x1p4": 16, "-0x.8": -0.5, "inf": math.Inf(1),
		"-Infinity": math.Inf(-1), "+INF": math.Inf(1), "0e999999": 0, "0x0p-9999": 0,
		"4.9e-324": 5e-324, "1.7976931348623157e308": math.MaxFloat64,
	} {
		if x, ok := ParseScore([]byte(text)); !ok || x != want {
			t.Errorf("%q is %v (%v), want %v", text, x, ok, want)
		}
	}
	for _, text := range []string{
		"", " 1", "1 ", "nan", "-nan", "x", "1e", "0x", "1_0", "0x_1", "1e400", "-1e400", "1e-400", "0x1p-2000", "--1", "1,5", "infinit", "1\x00",
	} {
		if x, ok := ParseScore([]byte(text)); ok {
			t.Errorf("%q is %v, and is no score", text, x)
		}
	}
}

func TestParseReach(t *testing.T) {
	for text, want := range map[string]Reach[float64]{
		"": {}, "(": {Excluded: true}, "(1": {At: 1, Excluded: true}, " 1": {At: 1}, "( 1": {At: 1, Excluded: true}, "1e400": {At: math.Inf(1)},
		"(-inf": {At: math.Inf(-1), Excluded: true}, "1e-400": {},
	} {
		if r, ok := ParseReach([]byte(text)); !ok || r != want {
			t.Errorf("%q is %+v (%v), want %+v", text, r, ok, want)
		}
	}
	for _, text := range []string{"nan", "x", "((1", "1 ", "[1"} {
		if r, ok := ParseReach([]byte(text)); ok {
			t.Errorf("%q is %+v, and is no score", text, r)
		}
	}
}

// Sums of floats are exact, whatever their order.
func TestDyadicSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64), 0, 8).Draw(t, "numbers")
		var sum, back dyadic
		for i, x := range list {
			sum = sum.plus(dyadicOf(x))
			back = back.plus(dyadicOf(list[len(list)-1-i]))
		}
		if sum.float64() != back.float64() {
			t.Fatalf("%v and %v", sum.float64(), back.float64())
		}
		again, ok := decodeDyadic(appendDyadic(nil, sum))
		if !ok || again.float64() != sum.float64() {
			t.Fatalf("%v comes back as %v", sum, again)
		}
		for _, x := range list {
			sum = sum.minus(dyadicOf(x))
		}
		if sum.float64() != 0 {
			t.Fatalf("%v is left", sum)
		}
	})
}

// A score that ever more actors count does not grow without bound, and stays what it is.
func TestTotalsAreBounded(t *testing.T) {
	member := []byte("m")
	var o *object.Object
	for i := range 500 {
		o = at(o, causal.Node(i+1), causal.Time(100+i), func(e *object.Edit) {
			if i%7 == 3 {
				SetScore(e, member, float64(i)+1) // what it is, and one more
			} else {
				AddToScore(e, member, 1)
			}
		})
		if score, _ := Score(o, member); score != float64(i)+1 {
			t.Fatalf("%v after %d increments", score, i+1)
		}
	}
	if n := o.Size(); n > 20_000 {
		t.Errorf("the object takes %d bytes", n)
	}
}

// FuzzStanding reads what might come from a damaged disk or another version.
func FuzzStanding(f *testing.F) {
	var seed []byte
	base := at(nil, 1, 10, func(e *object.Edit) { SetScore(e, []byte("m"), 2) })
	for i := range 3 {
		base = at(base, causal.Node(i+1), causal.Time(20+i), func(e *object.Edit) { AddToScore(e, []byte("m"), 0.5) })
		seed = base.Cell(elementName(object.ZSet, []byte("m"))).Versions[0].Payload
		f.Add(seed, seed)
	}
	f.Add(bytes.Repeat([]byte{0xff}, 100), []byte("="))
	f.Fuzz(func(_ *testing.T, a, b []byte) {
		versions := []causal.Version{{Dot: causal.Dot{Time: 1}, Payload: a}, {Dot: causal.Dot{Time: 2}, Payload: b}}
		scoreOf(versions[:1])
		scoreOf(versions)
		ownEpoch(versions, causal.Actor{})
		s := standingOf(versions)
		next := s.count(1, causal.Dot{Time: 3}, 0)
		next.payload(1)
	})
}
