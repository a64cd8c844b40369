package transport

import (
	"math"
	"time"
)

// Reply is the end of a call.
type Reply struct {
	// Status is what the handler gave to Respond; it means nothing when Err is set.
	Status uint8
	// Payload belongs to the receiver and is never reused. Small payloads share an allocation of 4 KB: copy what is kept.
	Payload []byte
	// Err is nil, ErrNotSent, ErrLost, ErrTimeout or ErrReplyTooLarge, possibly wrapped.
	Err error
}

// call is a slot of a callTable. Times are microseconds of the connection's stopwatch.
type call struct {
	done     func(Reply) // nil in a free slot
	start    int64       // when it was made, or a part of a long message came or went
	deadline int64
	timeout  int64
	end      uint64 // position in the byte stream just behind the frame; math.MaxUint64 while a part of the request is not there
	long     bool   // request or reply is a long message
	uses     uint32 // how often the slot was taken: a reply to an earlier use is recognized as late
	next     int32  // the next free slot plus one, in a free slot
}

// callTable holds the calls in flight on one connection. A call's id is its slot and how often the slot was used, so
// that making and ending a call neither hashes nor allocates. The caller locks.
type callTable struct {
	slots    []call
	free     int32 // the first free slot plus one, 0 when none is
	inFlight int
}

// add takes a slot for a call and returns its id.
func (t *callTable) add(c call) uint64 {
	slot := t.free - 1
	if slot >= 0 {
		t.free = t.slots[slot].next
		c.uses = t.slots[slot].uses + 1
		t.slots[slot] = c
	} else {
		slot = int32(len(t.slots))
		t.slots = append(t.slots, c)
	}
	t.inFlight++
	return uint64(c.uses)<<32 | uint64(uint32(slot))
}

// find returns the call with this id, nil when there is none.
func (t *callTable) find(id uint64) *call {
	slot := uint32(id)
	if uint64(slot) >= uint64(len(t.slots)) {
		return nil
	}
	c := &t.slots[slot]
	if c.done == nil || c.uses != uint32(id>>32) {
		return nil
	}
	return c
}

// progress notes that bytes of the call flow.
func (c *call) progress(now int64) { c.start, c.deadline = now, now+c.timeout }

// take removes the call with this id. It reports false when there is none: it has ended before.
func (t *callTable) take(id uint64) (call, bool) {
	c := t.find(id)
	if c == nil {
		return call{}, false
	}
	taken := *c
	t.release(int(uint32(id)))
	return taken, true
}

func (t *callTable) release(slot int) {
	c := &t.slots[slot]
	c.done = nil
	c.next = t.free
	t.free = int32(slot) + 1
	t.inFlight--
}

// lateCall is a call that has ended without a reply.
type lateCall struct {
	id   uint64
	done func(Reply)
	end  uint64
}

// expire removes the calls whose deadline is not after now, and returns them and the earliest deadline left, math.MaxInt64
// when none is.
func (t *callTable) expire(now int64) (late []lateCall, earliest int64) {
	earliest = math.MaxInt64
	for i := range t.slots {
		c := &t.slots[i]
		switch {
		case c.done == nil:
		case c.deadline <= now:
			late = append(late, lateCall{uint64(c.uses)<<32 | uint64(uint32(i)), c.done, c.end})
			t.release(i)
		default:
			earliest = min(earliest, c.deadline)
		}
	}
	return late, earliest
}

// drain removes all calls.
func (t *callTable) drain() []call {
	left := make([]call, 0, t.inFlight)
	for i := range t.slots {
		if t.slots[i].done != nil {
			left = append(left, t.slots[i])
			t.release(i)
		}
	}
	return left
}

// moveLatency adds a sample to moving averages of round trips and of their distance from that: each reply moves the one by an
// eighth of the difference, the other by a quarter, as in Jacobson, Congestion avoidance and control (1988).
func moveLatency(average, deviation, sample time.Duration) (newAverage, newDeviation time.Duration) {
	if average == 0 {
		return sample, sample / 2
	}
	off := sample - average
	return average + off/8, deviation + (max(off, -off)-deviation)/4
}

// slowLink is the least that a connection is expected to carry, and who gets a message to make of it, in bytes a second.
const slowLink = 8 << 20

// Arrival is how long a message of so many bytes may take beside what short ones take: to be sent, or to be served.
func Arrival(bytes int) time.Duration {
	if bytes <= Short {
		return 0
	}
	return time.Duration(bytes) * time.Second / slowLink
}
