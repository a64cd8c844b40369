package object

import "encoding/binary"

// NoDeadline is the deadline of an object that does not expire.
const NoDeadline int64 = 0

// Deadline is the Unix millisecond at which the object expires, or NoDeadline. Of concurrent deadlines the latest
// holds, and having none is later than any.
func (o *Object) Deadline() int64 {
	c := o.Cell(ExpiryCell)
	if c == nil {
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
