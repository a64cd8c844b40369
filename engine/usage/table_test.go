package usage

import (
	"fmt"
	"testing"
	"time"

	"github.com/kindredkv/kindred/engine/object"
)

const start = int64(1_800_000_000_000)

func key(i int) object.Key { return object.Key{Name: fmt.Sprint("k", i)} }

func TestRecency(t *testing.T) {
	table := New(Recency, 1<<16, start)
	if _, known := table.Idle(key(1), start); known {
		t.Error("a key that was never used has an idle time")
	}
	now := start
	for _, step := range []time.Duration{0, 1500 * time.Millisecond, time.Hour, 24 * 365 * time.Hour} {
		table.Touch(key(1), now)
		now += step.Milliseconds()
		idle, known := table.Idle(key(1), now)
		if !known || idle < step-time.Second || idle > step+time.Second {
			t.Errorf("%s after its use the idle time is %s, %t", step, idle, known)
		}
	}
	if idle, _ := table.Idle(key(1), start-time.Hour.Milliseconds()); idle != 0 {
		t.Errorf("with the clock behind, the idle time is %s", idle)
	}
}

// The figures of redis.conf: with a factor of 10, a hundred uses make about 10, a thousand 18, a hundred thousand 142.
func TestFrequency(t *testing.T) {
	for uses, want := range map[int][2]uint8{1: {5, 6}, 100: {7, 14}, 1000: {13, 26}, 100_000: {120, 165}, 3_000_000: {250, 255}} {
		table := New(Frequency, 1<<16, start)
		for range uses {
			table.Touch(key(1), start)
		}
		if got := table.Uses(key(1), start); got < want[0] || got > want[1] {
			t.Errorf("after %d uses the count is %d, want %d to %d", uses, got, want[0], want[1])
		}
	}
}

func TestFrequencyDecays(t *testing.T) {
	table := New(Frequency, 1<<16, start)
	if got := table.Uses(key(1), start); got != initialUses {
		t.Errorf("a new key has %d", got)
	}
	for range 100_000 {
		table.Touch(key(1), start)
	}
	before := table.Uses(key(1), start)
	if after := table.Uses(key(1), start+10*decayTime.Milliseconds()); after != before-10 {
		t.Errorf("after ten minutes %d has become %d", before, after)
	}
	if after := table.Uses(key(1), start+1000*decayTime.Milliseconds()); after != 0 {
		t.Errorf("after long %d has become %d", before, after)
	}
}

func TestDatabasesAreApart(t *testing.T) {
	table := New(Recency, 1<<16, start)
	table.Touch(object.Key{DB: 1, Name: "k"}, start)
	if _, known := table.Idle(object.Key{DB: 2, Name: "k"}, start); known {
		t.Error("a key of another database counts as used")
	}
}
