package kind

import (
	"encoding/binary"
	"strings"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// The position of a list's element is what its cell's name has behind the type. Positions compare as byte strings:
//
//	anchor, middle                  an element that was pushed
//	anchor, digits, time, node      one that was inserted beside it: before it when the digits are below middle, else behind
//
// An anchor is the time of a push, counted from the origin upwards for pushes at the right and downwards for those at
// the left (8 bytes), the node (8), and an index among what it pushed (1 to 9). So a push needs to read nothing of the list, its elements
// stay together whatever comes beside them, and a position is as long after ten million pushes as after one. What a node
// pushes is beyond all that it has seen, popped elements included, for its clock is: see causal.Clock.Observe.
//
// Digits are chosen between those of the two neighbors (between). An anchor is not the beginning of another one, and a time
// and a node are issued for one edit, so no two elements ever have one position.
const (
	origin     = 1 << 63
	middle     = 0x80
	behindAll  = 0xff  // above what stands behind any anchor
	anchorSize = 8 + 8 // besides the index
	tieSize    = 8 + 8
	// maxBeside bounds what stands behind an anchor.
	maxBeside = 1024
)

// Side is an end of a list.
type Side bool

// The ends of a list.
const (
	Left  Side = false
	Right Side = true
)

func listName(s Spot) object.CellName { return object.CellName(string(byte(object.List)) + string(s)) }

// pushedName names the cell of the nth element that an edit pushes at one end.
func pushedName(dot causal.Dot, side Side, n int64) object.CellName {
	at, index := origin-uint64(dot.Time), -n
	if side == Right {
		at, index = origin+uint64(dot.Time), n
	}
	var room [1 + anchorSize + 9 + 1]byte
	b := append(room[:0], byte(object.List))
	b = binary.BigEndian.AppendUint64(b, at)
	b = binary.BigEndian.AppendUint64(b, uint64(dot.Node))
	return object.CellName(append(appendIndex(b, index), middle))
}

// anchorOf is the anchor that a position begins with, empty when it has none.
func anchorOf(s Spot) Spot {
	if len(s) <= anchorSize {
		return ""
	}
	size := anchorSize + indexSize(s[anchorSize])
	if len(s) < size {
		return ""
	}
	return s[:size]
}

// Indexes are encoded so that they compare as byte strings and none is the beginning of another: in one byte around
// indexZero, or in a byte that tells how many follow. Negative ones are the complements of positive ones.
const (
	indexZero = 0x80
	smallest  = 0x60 // from here on an index takes more than one byte
)

func appendIndex(b []byte, i int64) []byte {
	if i < 0 {
		at := len(b)
		b = appendIndex(b, -1-i)
		for ; at < len(b); at++ {
			b[at] = ^b[at]
		}
		return b
	}
	if i < smallest {
		return append(b, indexZero+byte(i))
	}
	size := 1
	for i>>(8*size) > 0 {
		size++
	}
	b = append(b, indexZero+smallest+byte(size))
	for size--; size >= 0; size-- {
		b = append(b, byte(i>>(8*size)))
	}
	return b
}

// indexSize is the length of an index that begins with a byte.
func indexSize(first byte) int {
	if first < indexZero {
		first = ^first
	}
	return 1 + max(0, int(first)-indexZero-smallest)
}

// Gap is a place between two neighbors of a list: what the position of an element there begins with.
type Gap string

// gapBeside is the place beside an element at one side of it, where outer is the next there, or empty when there is none. It has
// the anchor of the element, so nothing but what is inserted there concurrently can come between. It is false when there is no room.
func gapBeside(pivot, outer Spot, side Side) (Gap, bool) {
	anchor := anchorOf(pivot)
	low, high := "", string(pivot[len(anchor):])
	if side == Right {
		low, high = high, string([]byte{behindAll})
	}
	if rest, same := strings.CutPrefix(string(outer), string(anchor)); same && outer != "" {
		if side == Right {
			high = rest
		} else {
			low = rest
		}
	}
	digits, ok := between(low, high)
	if !ok || len(digits)+tieSize > maxBeside {
		return "", false
	}
	return Gap(string(anchor) + string(digits)), true
}

// insertedName names the cell of an element that an edit puts at a place.
func insertedName(dot causal.Dot, at Gap) object.CellName {
	b := make([]byte, 0, 1+len(at)+tieSize)
	b = append(append(b, byte(object.List)), at...)
	b = binary.BigEndian.AppendUint64(b, uint64(dot.Time))
	return object.CellName(binary.BigEndian.AppendUint64(b, uint64(dot.Node)))
}

const (
	// spareDigits is how many more digits are taken than are needed where those of the neighbors leave no room, so that many of the
	// next fit without any.
	spareDigits = 6
	// stride is how far from a neighbor an element is put. A program that inserts one after the other at one place has 2¹³
	// of them and more before digits are added; one that halves the gap each time, the worst that can be, some 40.
	stride = 1 << 36
)

// between chooses digits so that whatever begins with them is between what stands behind an anchor at two neighbors. It is
// near the one with more digits, which was inserted later: most often the next comes between the new one and the other.
// It is false when there is no room.
func between(low, high string) (digits []byte, ok bool) {
	gap, width := int64(0), 0
	widen := func() {
		gap = gap<<8 + digitAt(high, width) - digitAt(low, width)
		width++
	}
	for enough := max(countDigits(low), countDigits(high)); width < enough && gap < 1<<(8*spareDigits); {
		widen()
	}
	if gap < 2 {
		for gap < 2 {
			if gap < 0 || width > maxBeside {
				return nil, false
			}
			widen()
		}
		for range spareDigits {
			widen()
		}
	}
	step := min(gap/2, stride)
	switch a, b := countDigits(low), countDigits(high); {
	case a == b || max(a, b) == 1:
		step = gap / 2
	case a < b:
		step = gap - step
	}
	digits = make([]byte, width)
	copy(digits, low)
	for i := width - 1; step > 0; i-- {
		step += int64(digits[i])
		digits[i] = byte(step)
		step >>= 8
	}
	return digits, true
}

func digitAt(s string, i int) int64 {
	if i < len(s) {
		return int64(s[i])
	}
	return 0
}

// countDigits is the number of digits in what stands behind an anchor.
func countDigits(s string) int {
	if len(s) > tieSize {
		return len(s) - tieSize
	}
	return min(len(s), 1)
}
