package kind

import (
	"math"

	"github.com/kindredkv/kindred/engine/object"
)

// StreamTrim says what is removed from the beginning of a stream.
type StreamTrim struct {
	// ByLength keeps MaxLength entries; else those from MinID on are kept.
	ByLength  bool
	MaxLength int64
	MinID     StreamID
	// Approximate removes whole blocks of entries only, at most Limit entries, 0 for any number.
	Approximate bool
	Limit       int64
}

// trimBlock is the number of entries that an approximate trim removes at once: Redis's default of stream-node-max-entries.
const trimBlock = 100

// DropEntries removes what Doomed has named.
func DropEntries(e *object.Edit, ids []StreamID) {
	if len(ids) == 0 {
		return
	}
	for _, id := range ids {
		e.Remove(entryName(id))
	}
	h := headOfCell(e.Cell(headCell))
	if first, ok := ids[len(ids)-1].Next(); ok {
		h.first = laterID(h.first, first)
		h.put(e)
	}
}

// Doomed are the entries to be removed. Finding them costs what their removal does.
func (t *StreamTrim) Doomed(o *object.Object) (ids []StreamID) {
	length := StreamLength(o)
	excess := int64(math.MaxInt64)
	if t.ByLength {
		if excess = length - t.MaxLength; excess <= 0 {
			return nil
		}
	}
	limit := int64(math.MaxInt64)
	if t.Limit > 0 {
		limit = t.Limit
	}
	block := int64(1)
	if t.Approximate {
		block = trimBlock
	}
	if t.ByLength && excess < length && t.Approximate {
		excess -= excess % block
	}
	whole := 0 // the ids of whole blocks
	if min(excess, limit) == 0 {
		return nil
	}
	for entry := range StreamEntries(o, StreamID{}, MaxStreamID) {
		seen := int64(len(ids)) + 1
		if seen > min(excess, limit) || !t.ByLength && !entry.ID.Before(t.MinID) {
			break
		}
		ids = append(ids, entry.ID)
		if seen%block == 0 || seen == length {
			whole = len(ids)
		}
	}
	return ids[:whole]
}
