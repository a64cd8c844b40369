package object

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/kindredkv/kindred/engine/causal"
)

func dot(node causal.Node, birth, time causal.Time) causal.Dot {
	return causal.Dot{Actor: causal.Actor{Node: node, Birth: birth}, Time: time}
}

// sample has two actors, siblings in one cell, an empty payload and an expiry.
func sample() *Object {
	e := NewEdit(nil, dot(7, 100, 100))
	e.Put("\x01", []byte("one"))
	e.SetDeadline(123456)
	a, _ := e.Finish()
	e = NewEdit(nil, dot(9, 90, 105))
	e.Put("\x01", []byte{})
	b, _ := e.Finish()
	o := Join(a, b)
	o.Birth = 0
	return o
}

func TestCodecRoundTrip(t *testing.T) {
	o := sample()
	got, err := Decode(Append(nil, o))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, o) {
		t.Fatalf("decoded %+v, want %+v", got, o)
	}
	e := NewEdit(o, dot(7, 100, 110))
	e.Put("\x02field", []byte("x"))
	e.Remove("\x01")
	_, d := e.Finish()
	gotDelta, err := DecodeDelta(AppendDelta(nil, d))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotDelta, d) {
		t.Fatalf("decoded %+v, want %+v", gotDelta, d)
	}
}

func TestDecodeRefusesEveryTruncation(t *testing.T) {
	whole := Append(nil, sample())
	for n := range whole {
		if _, err := Decode(whole[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes decoded", n, len(whole))
		}
	}
	if _, err := Decode(append(bytes.Clone(whole), 0)); err == nil {
		t.Fatal("a trailing byte was accepted")
	}
}

func TestDecodeRefusesAnUncoveredDot(t *testing.T) {
	b := causal.AppendContext(nil, causal.Context{{Actor: causal.Actor{Node: 1, Birth: 5}, Time: 5}})
	cell := []byte{1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0}
	if _, err := Decode(append(b, cell...)); err == nil {
		t.Fatal("a version newer than its context was accepted")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Append(nil, sample()))
	f.Add(Append(nil, &Object{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := Decode(b); err == nil {
			if again := Append(nil, o); !bytes.Equal(again, b) && len(again) >= len(b) {
				t.Fatalf("%x decoded and encoded again is %x", b, again)
			}
		}
	})
}

func FuzzDecodeDelta(f *testing.F) {
	e := NewEdit(sample(), dot(7, 100, 110))
	e.Clear()
	e.Put("\x01", []byte("x"))
	_, d := e.Finish()
	f.Add(AppendDelta(nil, d))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := DecodeDelta(b); err == nil {
			if _, err := DecodeDelta(AppendDelta(nil, d)); err != nil {
				t.Fatalf("%x decodes once but not twice", b)
			}
		}
	})
}
