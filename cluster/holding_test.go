package cluster

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

func dotAt(node causal.Node, at causal.Time) causal.Dot {
	return causal.Dot{Actor: causal.Actor{Node: node, Birth: 1}, Time: at}
}

// someHolding draws what a store holds after a few writes.
func someHolding(t *rapid.T) Holding {
	var o *object.Object
	for i := range rapid.IntRange(0, 200).Draw(t, "edits") {
		e := object.NewEdit(o, dotAt(causal.Node(rapid.Uint64Range(1, 5).Draw(t, "node")), causal.Time(100+i)))
		switch rapid.IntRange(0, 9).Draw(t, "edit") {
		case 0:
			e.Clear()
		case 1:
			e.SetDeadline(rapid.Int64Range(1, math.MaxInt64).Draw(t, "deadline"))
		case 2:
			e.PutSeen(object.ValueCell, []byte("v"), nil)
		default:
			e.Put(object.CellName("\x02"+rapid.StringN(0, 2, 8).Draw(t, "field")), []byte("v"))
		}
		o, _ = e.Finish()
	}
	return holdingOf(o, 0)
}

func TestHoldingEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := someHolding(t)
		encoded := appendHolding(nil, &h)
		got, err := decodeHolding(encoded)
		if err != nil || !got.Context.Equal(h.Context) || len(got.Dots) != len(h.Dots) {
			t.Fatalf("%+v comes back as %+v, %v", h, got, err)
		}
		got.Context, got.Dots = h.Context, append([]causal.Dot(nil), got.Dots...)
		if len(h.Dots) == 0 {
			got.Dots = h.Dots
		}
		if !reflect.DeepEqual(got, h) {
			t.Fatalf("%+v comes back as %+v", h, got)
		}
		cut := rapid.IntRange(0, len(encoded)-1).Draw(t, "cut")
		if _, err := decodeHolding(encoded[:cut]); err == nil {
			t.Fatalf("%d of %d bytes are taken", cut, len(encoded))
		}
		if _, err := decodeHolding(append(encoded, 0)); err == nil {
			t.Fatal("a byte too many is taken")
		}
	})
}

func TestHolding(t *testing.T) {
	if h := holdingOf(nil, 0); h.Context != nil || h.Kind != object.None || h.Cells != 0 {
		t.Errorf("of nothing: %+v", h)
	}
	var o *object.Object
	for i := range 150 {
		e := object.NewEdit(o, dotAt(causal.Node(i%3+1), causal.Time(100+i)))
		e.PutSeen(object.ValueCell, []byte("v"), nil) // has seen no other: a sibling of all
		o, _ = e.Finish()
	}
	h := holdingOf(o, 0)
	if h.Cells != 1 || h.Versions != 150 || len(h.Dots) != maxHoldingDots || h.Kind != object.String || len(h.Context) != 3 {
		t.Errorf("of 150 siblings: %+v", h)
	}
	if h.Dots[0] != dotAt(3, 249) && h.Dots[0].Time != 249 || h.Dots[99].Time != 150 {
		t.Errorf("the dots go from %v to %v", h.Dots[0], h.Dots[99])
	}
	e := object.NewEdit(nil, dotAt(1, 100))
	e.Put(object.ValueCell, []byte("v"))
	e.SetDeadline(5000)
	o, _ = e.Finish()
	if h := holdingOf(o, 4999); h.Kind != object.String || h.Deadline != 5000 {
		t.Errorf("before the deadline: %+v", h)
	}
	if h := holdingOf(o, 5000); h.Kind != object.None || h.Deadline != 5000 || len(h.Dots) != 1 {
		t.Errorf("after the deadline: %+v", h)
	}
}

// FuzzDecodeHolding gives whatever a peer may answer.
func FuzzDecodeHolding(f *testing.F) {
	e := object.NewEdit(nil, dotAt(1, 100))
	e.Put(object.ValueCell, []byte("v"))
	o, _ := e.Finish()
	h := holdingOf(o, 0)
	f.Add(appendHolding(nil, &h))
	f.Add(appendHolding(nil, &Holding{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHolding(b)
		if err != nil {
			return
		}
		if h.Cells < 0 || h.Versions < 0 || h.Bytes < 0 || len(h.Dots) > maxHoldingDots || len(h.Context)*dotSize > len(b) {
			t.Errorf("%x gives %+v", b, h)
		}
	})
}
