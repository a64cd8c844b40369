package kind

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// An increment cell is named by the string kind, what it counts, and the actor: node (8 bytes), birth (8 bytes).
const (
	stringPrefix = object.ValueCell
	ones         = '+' // the total is in ones
	units        = '.' // the total is in units of 10⁻¹⁷
	nameSize     = 1 + 1 + 16
)

// settledCell holds the settled totals. It is of no type: a removed key has it too.
const settledCell object.CellName = "\x00+"

func incrementName(counts byte, actor causal.Actor) object.CellName {
	b := make([]byte, 0, nameSize)
	b = append(b, stringPrefix...)
	b = append(b, counts)
	b = binary.BigEndian.AppendUint64(b, uint64(actor.Node))
	b = binary.BigEndian.AppendUint64(b, uint64(actor.Birth))
	return object.CellName(b)
}

// increment is what one actor has counted, as of one of its writes.
type increment struct {
	name object.CellName
	// at is the time of the write. The totals of one actor are ordered by it.
	at causal.Time
	// epoch is when the total began at 0. A settled total applies to the running total of the same epoch only.
	epoch causal.Time
	total amount
}

func (i *increment) counts() byte { return i.name[1] }

func (i *increment) actor() causal.Actor {
	return causal.Actor{
		Node:  causal.Node(binary.BigEndian.Uint64([]byte(i.name[2:10]))),
		Birth: causal.Time(binary.BigEndian.Uint64([]byte(i.name[10:18]))),
	}
}

// payload is epoch (8 bytes) and total.
func (i *increment) payload(b []byte) []byte {
	return appendAmount(binary.BigEndian.AppendUint64(b, uint64(i.epoch)), i.total)
}

// readIncrement reads a version of an increment cell. One that is no such thing counts nothing.
func readIncrement(name object.CellName, at causal.Time, payload []byte) (increment, bool) {
	if len(name) != nameSize || len(payload) < 8 {
		return increment{}, false
	}
	epoch := causal.Time(binary.BigEndian.Uint64(payload))
	return increment{name: name, at: at, epoch: epoch, total: decodeAmount(payload[8:])}, true
}

// settled are totals that are part of a value, or were removed with one: at most one for each increment cell, in the
// order of the names.
type settled []increment

// maxSettled bounds settled totals. Beyond it the oldest are given up: if their actor has been away all the time and
// has counted on, what it counted before is counted twice.
const maxSettled = 64

// add takes a total in, unless a later one of the same cell is there.
func (s settled) add(i increment) settled {
	at, ok := s.find(i.name)
	if !ok {
		return slices.Insert(s, at, i)
	}
	if s[at].at < i.at {
		s[at] = i
	}
	return s
}

// addEncoded takes in the totals of one version of the settled cell.
func (s settled) addEncoded(payload []byte) settled {
	more, _ := decodeSettled(payload)
	for _, i := range more {
		s = s.add(i)
	}
	return s
}

func (s settled) find(name object.CellName) (int, bool) {
	return slices.BinarySearchFunc(s, name, func(i increment, name object.CellName) int {
		return strings.Compare(string(i.name), string(name))
	})
}

// rest is the part of a running total that is not settled.
func (s settled) rest(i increment) amount {
	if at, ok := s.find(i.name); ok && s[at].epoch == i.epoch {
		return i.total.minus(s[at].total)
	}
	return i.total
}

// settledOf is what any live write of the key has settled.
func settledOf(o *object.Object) settled {
	c := o.Cell(settledCell)
	if c == nil {
		return nil
	}
	var s settled
	for i := range c.Versions {
		s = s.addEncoded(c.Versions[i].Payload)
	}
	return s
}

// encode gives each total: name without the kind (17 bytes), time (8), length of the payload (uvarint), payload.
func (s settled) encode() []byte {
	var b, payload []byte
	for i := range s {
		payload = s[i].payload(payload[:0])
		b = append(b, s[i].name[1:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(s[i].at))
		b = binary.AppendUvarint(b, uint64(len(payload)))
		b = append(b, payload...)
	}
	return b
}

// decodeSettled reads totals. It reports false when b is something else.
func decodeSettled(b []byte) (settled, bool) {
	const fixed = nameSize - 1 + 8
	var s settled
	for len(b) > 0 {
		if len(b) < fixed {
			return nil, false
		}
		name := stringPrefix + object.CellName(b[:nameSize-1])
		at := causal.Time(binary.BigEndian.Uint64(b[nameSize-1:]))
		size, n := binary.Uvarint(b[fixed:])
		if n <= 0 || size > uint64(len(b)-fixed-n) {
			return nil, false
		}
		end := fixed + n + int(size)
		i, ok := readIncrement(name, at, b[fixed+n:end])
		if !ok || len(s) > 0 && s[len(s)-1].name >= name {
			return nil, false
		}
		s = append(s, i)
		b = b[end:]
	}
	return s, true
}

// bounded drops the oldest totals beyond maxSettled.
func (s settled) bounded() settled {
	for len(s) > maxSettled {
		oldest := 0
		for i := range s {
			if s[i].at < s[oldest].at {
				oldest = i
			}
		}
		s = slices.Delete(s, oldest, oldest+1)
	}
	return s
}
