package hyperloglog

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// someText is a sketch of some elements, few or many, in either encoding.
func someText(t *rapid.T, label string) ([]byte, map[string]bool) {
	text, members := New(), map[string]bool{}
	if rapid.Bool().Draw(t, label+" dense") {
		text, _ = Dense(text)
	}
	base, n := rapid.IntRange(0, 3000).Draw(t, label+" from"), rapid.SampledFrom([]int{0, 1, 5, 300, 2500}).Draw(t, label+" size")
	var elements [][]byte
	for i := range n {
		e := fmt.Sprint("element:", base+i)
		members[e] = true
		elements = append(elements, []byte(e))
	}
	text, changed, err := Add(text, elements)
	if err != nil || changed != (n > 0) {
		t.Fatalf("adding %d elements to a new sketch: changed %v, %v", n, changed, err)
	}
	return text, members
}

func ranks(t *rapid.T, text []byte) []uint8 {
	out, err := Ranks(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Joining is a join, and what was added on either side is in it.
func TestJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, inA := someText(t, "a")
		b, inB := someText(t, "b")
		ab, err := Join(a, b)
		if err != nil {
			t.Fatal(err)
		}
		ba, _ := Join(b, a)
		twice, _ := Join(ab, a)
		if !bytes.Equal(ab, ba) || !bytes.Equal(ab, twice) {
			t.Fatal("the order of joining shows, or how often it was done")
		}
		of := func(sets ...map[string]bool) (all [][]byte) {
			for _, set := range sets {
				for e := range set {
					all = append(all, []byte(e))
				}
			}
			return all
		}
		if _, changed, _ := Add(ab, of(inA, inB)); changed {
			t.Fatal("an element of one side is not in the join")
		}
		both, _, _ := Add(New(), of(inA, inB))
		if !slices.Equal(ranks(t, ab), ranks(t, both)) {
			t.Fatal("the join is another sketch than that of all elements")
		}
		if IsDense(ab) != (IsDense(a) || IsDense(b) || IsDense(both)) {
			t.Fatal("the join is dense while neither side nor its size asks for it, or the other way round")
		}
	})
}

func TestCountIsNear(t *testing.T) {
	if err := Check(); err != nil {
		t.Fatal(err)
	}
}

// The encodings have the same registers, and sparse is left where it does not do.
func TestEncodings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s sketch
		for range rapid.SampledFrom([]int{0, 1, 20, 4000}).Draw(t, "count") {
			i := rapid.IntRange(0, Registers-1).Draw(t, "register")
			length := rapid.IntRange(1, 9).Draw(t, "length")
			rank := uint8(rapid.IntRange(1, maxRank).Draw(t, "rank"))
			for ; length > 0 && i < Registers; length-- {
				s.registers[i] = rank
				i++
			}
		}
		packed := s
		packed.dense = true
		for _, text := range [][]byte{s.text(), packed.text()} {
			if !Is(text) || !slices.Equal(ranks(t, text), s.registers[:]) {
				t.Fatalf("encoded as %x and so on, it is something else", text[:20])
			}
			if !IsDense(text) && slices.Max(s.registers[:]) > sparseRank || len(text) > sparseMax && !IsDense(text) {
				t.Fatal("sparse cannot hold that")
			}
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add(New())
	d, _ := Dense(New())
	f.Add(d)
	f.Add([]byte("HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xfe\x81"))
	f.Fuzz(func(t *testing.T, text []byte) {
		joined, err := Join(text, New())
		if (err == nil) != Is(text) {
			t.Fatalf("Is says %v, Join %v", Is(text), err)
		}
		if err == nil {
			a, _ := Ranks(text)
			b, _ := Ranks(joined)
			if !slices.Equal(a, b) {
				t.Fatal("a register has changed")
			}
			if n, err := Count(text); err != nil || n < 0 {
				t.Fatalf("count %d, %v", n, err)
			}
		}
		_, _, _ = Add(text, [][]byte{[]byte("x")})
	})
}
