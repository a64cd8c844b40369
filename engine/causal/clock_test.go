package causal

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// disk is the durable ceiling of a store.
type disk struct {
	ceiling Time
	broken  bool
}

func (d *disk) reserve(ceiling Time) error {
	if d.broken {
		return errors.New("disk full")
	}
	if ceiling < d.ceiling {
		return errors.New("the ceiling was lowered")
	}
	d.ceiling = ceiling
	return nil
}

// TestTimesAreNeverIssuedTwice restarts a clock at random, with the wall clock jumping both ways.
func TestTimesAreNeverIssuedTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wall := time.UnixMilli(1_700_000_000_000)
		var d disk
		c := NewClock(func() time.Time { return wall }, 0, d.reserve)
		var last Time
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "event") {
			case 0:
				c = NewClock(func() time.Time { return wall }, d.ceiling, d.reserve)
			case 1:
				wall = wall.Add(time.Duration(rapid.IntRange(-60_000, 60_000).Draw(t, "jump")) * time.Millisecond)
			case 2:
				if err := c.Observe(TimeAt(wall.UnixMilli()+rapid.Int64Range(0, 5000).Draw(t, "ahead")), 10*time.Second); err != nil {
					t.Fatal(err)
				}
			default:
				now, err := c.Now()
				if err != nil {
					t.Fatal(err)
				}
				if now <= last {
					t.Fatalf("%d after %d", now, last)
				}
				if now >= d.ceiling {
					t.Fatalf("%d is not below the durable ceiling %d", now, d.ceiling)
				}
				last = now
			}
		}
	})
}

func TestCrashLoopDoesNotRunAway(t *testing.T) {
	wall := time.UnixMilli(1_700_000_000_000)
	var d disk
	var now Time
	for range 20 {
		c := NewClock(func() time.Time { return wall }, d.ceiling, d.reserve)
		now, _ = c.Now()
	}
	if ahead := now.Milliseconds() - wall.UnixMilli(); ahead > 5000 {
		t.Fatalf("after 20 crashes at once the clock is %d ms ahead", ahead)
	}
}

func TestNoTimeWithoutADurableCeiling(t *testing.T) {
	d := disk{broken: true}
	c := NewClock(time.Now, 0, d.reserve)
	if now, err := c.Now(); err == nil {
		t.Fatalf("issued %d, which a restart could issue again", now)
	}
	d.broken = false
	if _, err := c.Now(); err != nil {
		t.Fatal(err)
	}
}

func TestObserve(t *testing.T) {
	wall := time.UnixMilli(1_700_000_000_000)
	var d disk
	c := NewClock(func() time.Time { return wall }, 0, d.reserve)
	peer := TimeAt(wall.UnixMilli()+2000) + 7
	if err := c.Observe(peer, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if now, _ := c.Now(); now <= peer {
		t.Fatalf("a write after seeing %d is at %d", peer, now)
	}
	if err := c.Observe(TimeAt(wall.UnixMilli()+11_000), 10*time.Second); !errors.Is(err, ErrDrift) {
		t.Fatalf("a time 11 s ahead: %v", err)
	}
	if now, _ := c.Now(); now > TimeAt(wall.UnixMilli()+3000) {
		t.Fatal("a refused time moved the clock")
	}
}
