package hyperloglog

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// New is the text of a sketch of nothing.
func New() []byte { return new(sketch).text() }

// Add adds elements to the sketch of a text, which stays as it is. changed is false when every register stays; the text given
// back is then that of the same sketch.
func Add(text []byte, elements [][]byte) (out []byte, changed bool, err error) {
	if err := check(text); err != nil {
		return nil, false, err
	}
	if text[encodingAt] == dense {
		out, changed = addDense(text, elements)
		return out, changed, nil
	}
	var s sketch
	if err := s.merge(text); err != nil {
		return nil, false, err
	}
	for _, e := range elements {
		if s.raise(place(e)) {
			changed = true
		}
	}
	return s.text(), changed, nil
}

func addDense(text []byte, elements [][]byte) (out []byte, changed bool) {
	out = slices.Clone(text)
	packed := out[headerSize:]
	for _, e := range elements {
		if i, rank := place(e); getPacked(packed, i) < rank {
			setPacked(packed, i, rank)
			changed = true
		}
	}
	if changed {
		out[outdatedAt] |= outdated
	}
	return out, changed
}

// Join is the sketch of all that those of some texts have counted, dense when one of them is.
func Join(texts ...[]byte) ([]byte, error) {
	var s sketch
	for _, text := range texts {
		if err := s.merge(text); err != nil {
			return nil, err
		}
	}
	return s.text(), nil
}

// Dense is a text in the dense encoding.
func Dense(text []byte) ([]byte, error) {
	s := sketch{}
	err := s.merge(text)
	s.dense = true
	return s.text(), err
}

// Ranks are the registers of a text.
func Ranks(text []byte) ([]uint8, error) {
	var s sketch
	err := s.merge(text)
	return s.registers[:], err
}

// Count is about how many distinct elements the sketches of some texts have counted together.
func Count(texts ...[]byte) (int64, error) {
	var s sketch
	for _, text := range texts {
		if err := s.merge(text); err != nil {
			return 0, err
		}
	}
	return s.count(), nil
}

// Runs prints a sparse text as PFDEBUG DECODE does: runs of zeros as z: or Z: and their length, others as v: with rank and length.
func Runs(text []byte) string {
	var b []byte
	for r := range runs(text[headerSize:]) {
		switch {
		case r.rank > 0:
			b = append(b, "v:"+strconv.Itoa(int(r.rank))+","...)
		case r.length <= shortRun:
			b = append(b, "z:"...)
		default:
			b = append(b, "Z:"...)
		}
		b = append(strconv.AppendInt(b, int64(r.length), 10), ' ')
	}
	return string(b[:max(0, len(b)-1)])
}

// count is Ertl's improved raw estimator, which needs no correction for small or large numbers (his algorithm 6).
func (s *sketch) count() int64 {
	const m = float64(Registers)
	var histogram [64]int
	for _, rank := range s.registers {
		histogram[rank]++
	}
	z := m * tau((m-float64(histogram[maxRank]))/m)
	for rank := maxRank - 1; rank >= 1; rank-- {
		z += float64(histogram[rank])
		z *= 0.5
	}
	z += float64(m * sigma(float64(histogram[0])/m)) // rounded before it is added, on every machine
	const alpha = 0.5 / math.Ln2
	return int64(math.Round(alpha * m * m / z))
}

// sigma and tau are the sums of Ertl's equations 13 and 22, each until it changes no more.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	z, y := x, 1.0
	for before := math.NaN(); before != z; {
		x *= x
		before = z
		z += float64(x * y)
		y += y
	}
	return z
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	z, y := 1-x, 1.0
	for before := math.NaN(); before != z; {
		x = math.Sqrt(x)
		before = z
		y *= 0.5
		z -= float64((1 - x) * (1 - x) * y)
	}
	return z / 3
}

// Check counts numbers of known count and tells when a result is off by more than it may: by five standard errors, of
// 1.04/√16384 each.
func Check() error {
	const most, step = 1 << 18, 1 << 12
	text := New()
	for n := 0; n < most; {
		var more [][]byte
		for range step {
			more = append(more, binary.LittleEndian.AppendUint64(nil, uint64(n)))
			n++
		}
		var err error
		if text, _, err = Add(text, more); err != nil {
			return err
		}
		got, err := Count(text)
		if err != nil {
			return err
		}
		if off := math.Abs(float64(got)/float64(n) - 1); off > 5*1.04/128 {
			return fmt.Errorf("%d elements are counted as %d", n, got)
		}
	}
	return nil
}
