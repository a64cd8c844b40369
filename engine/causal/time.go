package causal

import "time"

// Time is a reading of a hybrid logical clock: 48 bits of Unix milliseconds above 16 bits of counter. The order of
// Times is the order of their numbers. Zero is before every reading.
type Time uint64

const counterBits = 16

// TimeAt is the first Time of a Unix millisecond. Milliseconds before 1970 give 0.
func TimeAt(milliseconds int64) Time {
	if milliseconds < 0 {
		return 0
	}
	return Time(milliseconds) << counterBits
}

// Milliseconds is the Unix millisecond the Time lies in.
func (t Time) Milliseconds() int64 { return int64(t >> counterBits) }

// Wall is the Time as a wall-clock time, to the millisecond.
func (t Time) Wall() time.Time { return time.UnixMilli(t.Milliseconds()) }
