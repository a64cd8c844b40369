package transport

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// wallClocks compares the wall clocks of the nodes. Each tells what its own reads, in the handshake and with every beat. What
// was told is older when it arrives, so the other end is ahead by at least what it seems to be: a slow network refuses nobody.
//
// A peer is refused when it is too far ahead of most, not merely of this node: where all others are ahead, it is this
// node's clock that has jumped back, which does no harm.
type wallClocks struct {
	now   func() time.Time
	limit time.Duration // how far ahead a peer may be; 0 is no bound

	mu    sync.Mutex // guards the two below
	peers map[string]*peer
	ahead map[string]int64 // what peers have told last, less this node's own at that time
}

func (c *wallClocks) millis() int64 {
	if c == nil {
		return 0
	}
	return c.now().UnixMilli()
}

// check notes what a peer has told and returns why it is refused, nil when it is not.
func (c *wallClocks) check(peer string, told int64) error {
	if c == nil {
		return nil
	}
	own := c.millis()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peers[peer] != nil {
		c.ahead[peer] = told - own
	}
	if ahead := told - own - c.reference(); ahead > c.limit.Milliseconds() {
		return refusal{reason: reasonClock, ahead: time.Duration(ahead) * time.Millisecond}
	}
	return nil
}

// reference is by how many milliseconds most clocks are ahead of this node's: the median, the lower of two. Those behind do
// not count against it. mu is held.
func (c *wallClocks) reference() int64 {
	all := []int64{0}
	for _, ahead := range c.ahead {
		all = append(all, ahead)
	}
	slices.Sort(all)
	return max(0, all[(len(all)-1)/2])
}

// follow sets whose clocks count: those of the peers that this node knows, once they have told.
func (c *wallClocks) follow(peers map[string]*peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peers = peers
	maps.DeleteFunc(c.ahead, func(id string, _ int64) bool { return peers[id] == nil })
}

// ClockBehind is by how much this node's clock is behind those of most nodes; 0 when it is not.
func (t *Transport) ClockBehind() time.Duration {
	t.walls.mu.Lock()
	defer t.walls.mu.Unlock()
	return time.Duration(t.walls.reference()) * time.Millisecond
}

// ClockAhead is by how much the clock of a peer is ahead that is refused for that; 0 for all others.
func (t *Transport) ClockAhead(id string) time.Duration {
	if p := (*t.peers.Load())[id]; p != nil && p.conn.Load() == nil {
		return time.Duration(p.ahead.Load())
	}
	return 0
}

func (r refusal) clockText() string {
	if r.remote {
		return "refused by the peer: this node's clock is ahead by more than max-clock-drift"
	}
	return fmt.Sprintf("refused: the peer's clock is %s ahead, more than max-clock-drift", r.ahead.Round(time.Millisecond))
}
