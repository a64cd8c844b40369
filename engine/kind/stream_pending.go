package kind

import (
	"encoding/binary"
	"iter"

	"github.com/kindredkv/kindred/engine/object"
)

// Pending is an entry that was delivered to a consumer of a group and not acknowledged. Of concurrent versions the newest
// counts, so an entry has one owner.
type Pending struct {
	Consumer string
	// Delivered is the Unix millisecond of the last delivery, Deliveries how many there were.
	Delivered  int64
	Deliveries uint64
}

func pendingName(group []byte, id StreamID) object.CellName {
	return object.CellName(id.appendName(withinGroup(pendingCells, group)))
}

// PendingOf is what is pending under an ID, nil for nothing, in an object or as an edit has left it so far.
func PendingOf(o interface {
	Cell(name object.CellName) *object.Cell
}, group []byte, id StreamID,
) *Pending {
	if c := o.Cell(pendingName(group, id)); c != nil {
		return pendingOfCell(c)
	}
	return nil
}

func pendingOfCell(c *object.Cell) *Pending {
	p := packed{rest: c.Newest().Payload}
	return &Pending{Delivered: p.signed(), Deliveries: p.number(), Consumer: string(p.bytes())}
}

// PendingEntries yields what is pending in a group from an ID on, in ascending order.
func PendingEntries(o *object.Object, group []byte, from StreamID) iter.Seq2[StreamID, *Pending] {
	return func(yield func(StreamID, *Pending) bool) {
		for name, c := range cellsFrom(o, withinGroup(pendingCells, group), from.appendName(nil)) {
			if id, ok := idOf(name); ok && !yield(id, pendingOfCell(c)) {
				return
			}
		}
	}
}

// PutPending makes an entry pending, or changes what it is.
func PutPending(e *object.Edit, group []byte, id StreamID, p Pending) {
	b := binary.AppendUvarint(binary.AppendVarint(nil, p.Delivered), p.Deliveries)
	e.Put(pendingName(group, id), appendBytes(b, []byte(p.Consumer)))
}

// RemovePending acknowledges an entry. It must be pending.
func RemovePending(e *object.Edit, group []byte, id StreamID) { e.Remove(pendingName(group, id)) }
