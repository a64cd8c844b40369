package hint

import (
	"math"
	"testing"
	"time"
)

func TestGait(t *testing.T) {
	const rate = 8 << 20 // 2048 small hints a second
	for _, c := range []struct {
		took time.Duration
		rate int64
		size int
	}{
		{0, rate, fewAtOnce},
		{2 * time.Millisecond, rate, fewAtOnce},
		{20 * time.Millisecond, rate, 81},
		{100 * time.Millisecond, rate, atOnce},
		{100 * time.Millisecond, rate / 8, 51},
		{time.Hour, math.MaxInt64, atOnce},
		{time.Millisecond, 0, fewAtOnce},
	} {
		var g gait
		if g.letter() != fewAtOnce {
			t.Fatalf("the first letter holds %d", g.letter())
		}
		if rest := g.took(c.took, c.rate); rest != c.took || g.letter() != c.size {
			t.Errorf("after %s at %d a second: rests %s, and %d hints; want %d", c.took, c.rate, rest, g.letter(), c.size)
		}
	}
}
