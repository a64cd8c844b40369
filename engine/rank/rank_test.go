package rank

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sequence is what the counts must tell of.
type sequence []string

func (s sequence) walk(from string, visit func(string) bool) {
	at, _ := slices.BinarySearch(s, from)
	for _, e := range s[at:] {
		if !visit(e) {
			return
		}
	}
}

func (s sequence) check(t *rapid.T, w *Widths, element string, rank int64) {
	landmark, below := w.Below(element)
	at, there := slices.BinarySearch(s, landmark)
	if landmark > element || landmark != "" && !there || int64(at) != below {
		t.Fatalf("%d elements are below %q, the landmark below %q; want %d", below, landmark, element, at)
	}
	landmark, below = w.Before(rank)
	at, there = slices.BinarySearch(s, landmark)
	if below > rank || landmark != "" && !there || int64(at) != below {
		t.Fatalf("%q is before rank %d with %d elements below; want %d", landmark, rank, below, at)
	}
	total := int64(0)
	w.widths[levels-1].Scan(func(_ string, n int64) bool {
		total += n
		return true
	})
	if total != int64(len(s)) {
		t.Fatalf("%d elements in all, want %d", total, len(s))
	}
}

// TestWidths inserts and removes elements and compares every count with the sequence, and with counts made anew.
func TestWidths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s sequence
		for i := range rapid.SampledFrom([]int{0, 10, 3000, 10_000}).Draw(t, "begin with") {
			s = append(s, fmt.Sprintf("%07d", i*10))
		}
		w := New(s.walk)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			element := fmt.Sprintf("%07d", rapid.IntRange(0, 10*len(s)+10).Draw(t, "element"))
			if rapid.IntRange(0, 3).Draw(t, "a landmark") == 0 {
				for !isLandmark(0, element) {
					element += "x"
				}
			}
			at, there := slices.BinarySearch(s, element)
			if there {
				w.Remove(element)
				s = slices.Delete(s, at, at+1)
			} else {
				w.Insert(element, s.walk)
				s = slices.Insert(s, at, element)
			}
			s.check(t, w, element, int64(rapid.IntRange(0, len(s)).Draw(t, "rank")))
		}
		again := New(s.walk)
		for level := range levels {
			again.widths[level].Scan(func(landmark string, n int64) bool {
				if got, ok := w.widths[level].Get(landmark); !ok || got != n {
					t.Fatalf("level %d has %d from %q, want %d", level, got, landmark, n)
				}
				return true
			})
		}
	})
}

// TestCopies change independently.
func TestCopies(t *testing.T) {
	var s sequence
	for i := range 1000 {
		s = append(s, fmt.Sprintf("%04d", i))
	}
	w := New(s.walk)
	c := w.Copy()
	for _, e := range s[:500] {
		c.Remove(e)
	}
	if _, n := w.Below("9999"); n < 900 {
		t.Errorf("%d are below the last landmark of the original", n)
	}
	if _, n := c.Below("9999"); n >= 500 {
		t.Errorf("%d are below the last landmark of the copy", n)
	}
}
