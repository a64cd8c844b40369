package object

import (
	"encoding/binary"

	"github.com/kindredkv/kindred/engine/causal"
)

// NoDeadline is the deadline of an object that does not expire.
const NoDeadline int64 = 0

// Deadline is the Unix millisecond at which the object expires, or NoDeadline. Of concurrent deadlines the latest
// holds, and having none is later than any.
//
// Writing the whole value of a string states a deadline too: the one set in the same edit, or none. Without that rule a
// SET would vanish with the deadline that a concurrent SET … EX put on another value. No cell records the none, as
// plain strings would pay for it; it follows from the dots, see outlives.
func (o *Object) Deadline() int64 {
	c := o.Cell(ExpiryCell)
	if c == nil || o.outlives(c) {
		return NoDeadline
	}
	var latest int64
	for i := range c.Versions {
		at := decodeDeadline(c.Versions[i].Payload)
		if at == NoDeadline {
			return NoDeadline
		}
		latest = max(latest, at)
	}
	return latest
}

// outlives reports whether a live value was written without a deadline and not given one since. A deadline with the dot
// of another value came with that value, so it is concurrent to this one: had its writer seen this one, this one would
// be gone. Any other deadline is an EXPIRE, which counts as having seen the values that are older than it.
func (o *Object) outlives(expiry *Cell) bool {
	value := o.Cell(ValueCell)
	if value == nil {
		return false
	}
	var given causal.Dot // the newest EXPIRE
	for i := range expiry.Versions {
		if dot := expiry.Versions[i].Dot; !value.has(dot) {
			given = dot
		}
	}
	for i := range value.Versions {
		if dot := value.Versions[i].Dot; !expiry.has(dot) && given.Compare(dot) < 0 {
			return true
		}
	}
	return false
}

// Expired reports whether the deadline has passed at a Unix millisecond.
func (o *Object) Expired(now int64) bool {
	at := o.Deadline()
	return at != NoDeadline && at <= now
}

// SetDeadline sets the Unix millisecond at which the object expires. NoDeadline is recorded as a deadline too: it must
// win over a deadline that another node sets at the same time.
func (e *Edit) SetDeadline(at int64) {
	e.Put(ExpiryCell, binary.BigEndian.AppendUint64(nil, uint64(at)))
}

func decodeDeadline(payload []byte) int64 {
	if len(payload) != 8 {
		return NoDeadline
	}
	return int64(binary.BigEndian.Uint64(payload))
}

// SetDeadlineSeen is SetDeadline for a write that supersedes only what seen covers.
func (e *Edit) SetDeadlineSeen(at int64, seen causal.Context) {
	e.PutSeen(ExpiryCell, binary.BigEndian.AppendUint64(nil, uint64(at)), seen)
}
