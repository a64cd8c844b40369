package hint

import "time"

// gait is how a replay goes, so that clients notice little of it: in letters as small as its rate allows, for what else the
// owner is asked for waits behind a whole letter; and resting as long as each letter took, so that it never works for more
// than half of the time. Letters take longer where clients keep the nodes busy, and so do the rests.
type gait struct{ size int }

// letter is how many hints the next letter may hold.
func (g *gait) letter() int { return max(g.size, fewAtOnce) }

// took notes how long the last letter took, up to when its hints were struck off, and returns how long to rest. rate is in
// bytes a second. The next letter holds what the rate asks for while one is sent and rested from.
func (g *gait) took(d time.Duration, rate int64) (rest time.Duration) {
	due := 2 * d.Seconds() * float64(rate) / leastCost
	g.size = int(min(max(due, fewAtOnce), atOnce))
	return d
}
