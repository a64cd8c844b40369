package causal

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrDrift says that a peer's time is further ahead of this node's wall clock than is allowed.
var ErrDrift = errors.New("clock drift too large")

// Clock is the hybrid logical clock of one store. Its readings are strictly increasing for the life of the store,
// restarts and backward jumps of the wall clock included.
//
// A store must never issue a time twice, or two events share a dot. The clock therefore never passes a ceiling that
// has been made durable before: a restart begins at the ceiling of the run before it. reserve is called to raise it,
// ahead of use.
//
// The ceiling is Reserve ahead of the wall clock and not of the last reading, for a store that crashes over and
// over begins each time at its ceiling: readings would run away from the wall clock by Reserve with each crash, until
// the peers refuse them. As it is, a crash costs at most step beyond the first.
type Clock struct {
	wall    func() time.Time
	reserve func(ceiling Time) error

	mu      sync.Mutex // guards the fields below
	last    Time
	ceiling Time
}

const (
	// Reserve is how far ahead of the wall clock the ceiling is made durable.
	Reserve = 3 * time.Second
	// step is how far ahead of the last reading it is at least: room for 65,536 events a millisecond.
	step = 100 * time.Millisecond
)

// NewClock returns a clock whose first reading is above start, the ceiling that an earlier run made durable (0 for a
// new store). reserve must not return before ceiling is on disk.
func NewClock(wall func() time.Time, start Time, reserve func(ceiling Time) error) *Clock {
	return &Clock{wall: wall, reserve: reserve, last: start, ceiling: start}
}

// Now returns the next time: the wall clock's where it has moved on, else the last reading plus one. An error means
// that the ceiling could not be raised; no time was issued.
func (c *Clock) Now() (Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := max(c.last+1, TimeAt(c.wall().UnixMilli()))
	if next >= c.ceiling {
		if err := c.raise(next); err != nil {
			return 0, err
		}
	}
	c.last = next
	return next, nil
}

// raise makes a ceiling above next durable.
func (c *Clock) raise(next Time) error {
	wall := c.wall().UnixMilli()
	ceiling := TimeAt(max(wall+Reserve.Milliseconds(), next.Milliseconds()+step.Milliseconds()))
	if err := c.reserve(ceiling); err != nil {
		return fmt.Errorf("reserve times up to %d: %w", ceiling, err)
	}
	c.ceiling = ceiling
	return nil
}

// Extend raises the ceiling when less than half of Reserve is left, so that Now seldom has to wait for the disk.
func (c *Clock) Extend() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := max(c.last+1, TimeAt(c.wall().UnixMilli()))
	if next+TimeAt(Reserve.Milliseconds()/2) < c.ceiling {
		return nil
	}
	return c.raise(next)
}

// Observe moves the clock past a time that another node issued, so that what is written here after seeing a write
// is newer than it. A time more than drift ahead of the wall clock is refused with ErrDrift and changes nothing: one
// wrong clock must not drag the others with it.
func (c *Clock) Observe(t Time, drift time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t <= c.last {
		return nil
	}
	wall := c.wall().UnixMilli()
	if ahead := t.Milliseconds() - wall; ahead > drift.Milliseconds() {
		return fmt.Errorf("%w: %d ms ahead", ErrDrift, ahead)
	}
	if t >= c.ceiling {
		if err := c.raise(t); err != nil {
			return err
		}
	}
	c.last = t
	return nil
}
