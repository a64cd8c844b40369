// Package rank counts the elements of an ordered sequence, so that the rank of an element and the element of a rank are found
// without a walk from the beginning.
//
// It knows some of the elements, the landmarks, and how many elements stand from each up to the next. One element in 32 is a
// landmark, one in 64 of these is one of the level above, and so on, chosen by a hash: a skip list with widths (Pugh, A skip
// list cookbook, 1990) whose shape depends on the elements alone. It takes some two bytes an element.
package rank

import (
	"strings"

	"github.com/tidwall/btree"
	"github.com/zeebo/xxh3"
)

const (
	levels       = 3
	landmarkBits = 5 // one element in 32
	fanoutBits   = 6 // one landmark in 64 is one of the level above
)

// Widths are the counts of one sequence. The empty string is a landmark before all elements and none itself.
type Widths struct {
	// widths are by level and landmark the elements from it up to the next landmark of the level. The empty landmark is in
	// each level.
	widths [levels]btree.Map[string, int64]
}

// Walk visits the elements from one on, upwards, until visit returns false. What is kept of them is copied: they may be parts of
// something larger.
type Walk func(from string, visit func(element string) bool)

// New counts a sequence.
func New(walk Walk) *Widths {
	w := &Widths{}
	var at [levels]string
	var n [levels]int64
	walk("", func(element string) bool {
		for level := range levels {
			if isLandmark(level, element) {
				w.widths[level].Set(at[level], n[level])
				at[level], n[level] = strings.Clone(element), 0
			}
			n[level]++
		}
		return true
	})
	for level := range levels {
		w.widths[level].Set(at[level], n[level])
	}
	return w
}

func isLandmark(level int, element string) bool {
	mask := uint64(1)<<(landmarkBits+level*fanoutBits) - 1
	return xxh3.HashString(element)&mask == 0
}

// Copy returns counts that change independently. It takes no time that depends on their number.
func (w *Widths) Copy() *Widths {
	out := &Widths{}
	for level := range levels {
		out.widths[level] = *w.widths[level].Copy()
	}
	return out
}

// Bytes is about what the counts take in memory.
func (w *Widths) Bytes() int64 { return int64(w.widths[0].Len()) * landmarkBytes }

const landmarkBytes = 96

// floor is the greatest landmark of a level that is not above an element.
func (w *Widths) floor(level int, element string) (landmark string, width int64) {
	w.widths[level].Descend(element, func(at string, n int64) bool {
		landmark, width = at, n
		return false
	})
	return landmark, width
}

// Insert counts an element that is new. walk must find the elements that were counted before, with or without the new one.
func (w *Widths) Insert(element string, walk Walk) {
	for level := range levels {
		at, n := w.floor(level, element)
		if !isLandmark(level, element) {
			w.widths[level].Set(at, n+1)
			continue
		}
		before := w.between(level, at, element, walk)
		w.widths[level].Set(at, before)
		w.widths[level].Set(strings.Clone(element), n-before+1)
	}
}

// between is the number of elements from a landmark of a level up to an element. Levels below count that already.
func (w *Widths) between(level int, from, to string, walk Walk) (n int64) {
	if level == 0 {
		walk(from, func(element string) bool {
			if element < to {
				n++
			}
			return element < to
		})
		return n
	}
	w.widths[level-1].Ascend(from, func(at string, width int64) bool {
		if at < to {
			n += width
		}
		return at < to
	})
	return n
}

// Remove no longer counts an element.
func (w *Widths) Remove(element string) {
	for level := range levels {
		if !isLandmark(level, element) {
			at, n := w.floor(level, element)
			w.widths[level].Set(at, n-1)
			continue
		}
		n, _ := w.widths[level].Delete(element)
		at, before := w.floor(level, element)
		w.widths[level].Set(at, before+n-1)
	}
}

// Below is the greatest landmark that is not above an element, and how many elements stand below the landmark.
func (w *Widths) Below(element string) (landmark string, rank int64) {
	for level := levels - 1; level >= 0; level-- {
		n := int64(0) // the width of landmark
		w.widths[level].Ascend(landmark, func(at string, width int64) bool {
			if at > element {
				return false
			}
			rank += n
			landmark, n = at, width
			return true
		})
	}
	return landmark, rank
}

// Before is the last landmark whose rank is at most so much, and its rank.
func (w *Widths) Before(rank int64) (landmark string, at int64) {
	for level := levels - 1; level >= 0; level-- {
		n := int64(0)
		w.widths[level].Ascend(landmark, func(name string, width int64) bool {
			if at+n > rank {
				return false
			}
			at += n
			landmark, n = name, width
			return true
		})
	}
	return landmark, at
}
