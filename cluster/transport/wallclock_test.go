package transport

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestWallClocks tells a node what its peers' clocks read and lists whom it refuses.
func TestWallClocks(t *testing.T) {
	seconds := func(n int64) int64 { return n * 1000 }
	now := time.UnixMilli(1_000_000_000)
	for name, c := range map[string]struct {
		told    []int64 // by how many seconds each peer is ahead
		refused string
		behind  time.Duration
	}{
		"all agree":                       {[]int64{0, 3, -4}, "", 0},
		"one is far ahead":                {[]int64{0, 60, 1}, "1", 0},
		"one is far behind":               {[]int64{0, -60, 1}, "", 0},
		"within the bound":                {[]int64{0, 10, 0}, "", 0},
		"just beyond it":                  {[]int64{0, 11, 0}, "1", 0},
		"the other of two":                {[]int64{60}, "0", 0},
		"this one is behind all":          {[]int64{60, 61, 60}, "", 60 * time.Second},
		"behind most, and one beyond":     {[]int64{60, 60, 60, 120}, "3", 60 * time.Second},
		"as many are ahead as are not":    {[]int64{0, 0, 60, 60}, "2 3", 0},
		"most are ahead, this one agrees": {[]int64{0, 60, 60, 60}, "", 60 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			peers := map[string]*peer{}
			clocks := &wallClocks{now: func() time.Time { return now }, limit: 10 * time.Second, ahead: map[string]int64{}}
			for i := range c.told {
				peers[fmt.Sprint(i)] = &peer{}
			}
			clocks.follow(peers)
			var refused []string
			for range 2 { // when all have told once, each is judged by all
				refused = nil
				for i, ahead := range c.told {
					if clocks.check(fmt.Sprint(i), now.UnixMilli()+seconds(ahead)) != nil {
						refused = append(refused, fmt.Sprint(i))
					}
				}
			}
			if got := strings.Join(refused, " "); got != c.refused {
				t.Errorf("refused are %q, want %q", got, c.refused)
			}
			if got := time.Duration(clocks.reference()) * time.Millisecond; got != c.behind {
				t.Errorf("this node is %s behind, want %s", got, c.behind)
			}
			// A stranger's clock is judged, and does not count.
			before := clocks.reference()
			if clocks.check("stranger", now.UnixMilli()+seconds(1000)) == nil {
				t.Error("a stranger is not refused")
			}
			if clocks.reference() != before {
				t.Error("a stranger's clock counts")
			}
		})
	}
}
