package kind

import (
	"encoding/binary"
	"iter"

	"github.com/kindredkv/kindred/engine/object"
)

// Consumer is a consumer of a group. Of concurrent versions the later of each moment counts.
type Consumer struct {
	// Seen and Active are the Unix milliseconds at which it asked for entries last, and at which it was given some; Active is
	// -1 when it never was.
	Seen, Active int64
}

func consumerName(group, consumer []byte) object.CellName {
	return object.CellName(append(withinGroup(consumerCells, group), consumer...))
}

// ConsumerOf is a consumer of a group, nil when there is none of that name.
func ConsumerOf(o *object.Object, group, name []byte) *Consumer {
	if o == nil {
		return nil
	}
	if c := o.Cell(consumerName(group, name)); c != nil {
		return consumerOfCell(c)
	}
	return nil
}

func consumerOfCell(c *object.Cell) *Consumer {
	out := &Consumer{Active: -1}
	for i := range c.Versions {
		p := packed{rest: c.Versions[i].Payload}
		out.Seen, out.Active = max(out.Seen, p.signed()), max(out.Active, p.signed())
	}
	return out
}

// Consumers yields the consumers of a group in the order of their names.
func Consumers(o *object.Object, group []byte) iter.Seq2[string, *Consumer] {
	return func(yield func(string, *Consumer) bool) {
		for name, c := range streamCells(o, withinGroup(consumerCells, group)) {
			if !yield(name, consumerOfCell(c)) {
				return
			}
		}
	}
}

// PutConsumer makes a consumer, or changes one that is there.
func PutConsumer(e *object.Edit, group, name []byte, c Consumer) {
	e.Put(consumerName(group, name), binary.AppendVarint(binary.AppendVarint(nil, c.Seen), c.Active))
}

// RemoveConsumer removes a consumer and what is pending for it, and returns how much that was. It costs what is pending in
// the group.
func RemoveConsumer(e *object.Edit, o *object.Object, group, name []byte) (pending int64) {
	e.Remove(consumerName(group, name))
	for id, p := range PendingEntries(o, group, StreamID{}) {
		if p.Consumer == string(name) {
			RemovePending(e, group, id)
			pending++
		}
	}
	return pending
}
