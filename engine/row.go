package engine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// The keys of the store. The slot leads, so a slot is one range; within it rows are in the order of their position, so
// a bucket of the slot's tree is one range too.
//
//	slot (2) 'o' position (6) database (1) name     an object
//	0xffff 'm' name                                 a fact about the store
//	0xffff 'e' deadline (8) the key of an object     a deadline to come
//	0xffff 'h' the key of an object                 a hint
//	0xffff 's' slot (2)                             the summary of a slot
//	0xffff 'j' shard (2) sequence (8)               summary changes of one batch
const (
	tagObject  = 'o'
	tagDue     = 'e'
	tagHint    = 'h'
	tagMeta    = 'm'
	tagSummary = 's'
	tagJournal = 'j'
)

const (
	localPrefix   = "\xff\xff"
	positionBytes = merkle.PositionBits / 8
	objectPrefix  = 2 + 1 + positionBytes + 1 // bytes before the name
)

// ErrCorrupt says that a row is not what this software wrote.
var ErrCorrupt = errors.New("corrupt row")

func appendPosition(b []byte, slot object.Slot, at merkle.Position) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(slot))
	b = append(b, tagObject)
	return append(b, byte(at>>40), byte(at>>32), byte(at>>24), byte(at>>16), byte(at>>8), byte(at))
}

func appendRowKey(b []byte, key object.Key) []byte {
	b = appendPosition(b, key.Slot(), merkle.PositionOf(key))
	b = append(b, key.DB)
	return append(b, key.Name...)
}

// splitRowKey takes the key of an object's row apart.
func splitRowKey(b []byte) (slot object.Slot, at merkle.Position, key object.Key, err error) {
	if len(b) < objectPrefix || b[2] != tagObject {
		return 0, 0, key, fmt.Errorf("%w: key %x", ErrCorrupt, b)
	}
	for _, c := range b[3 : 3+positionBytes] {
		at = at<<8 | merkle.Position(c)
	}
	key = object.Key{DB: b[objectPrefix-1], Name: string(b[objectPrefix:])}
	return object.Slot(binary.BigEndian.Uint16(b)), at, key, nil
}

// rowFormat leads every object's row, so that a later version of the software can tell what it reads.
const rowFormat = 1

// appendRow appends the row of an object: format, epoch, birth, object. The epoch says in which run of the
// store the row was written: the birth of a row from an earlier one is void, for the row may have lost its newest writes.
func appendRow(b []byte, epoch uint64, o *object.Object) []byte {
	b = append(b, rowFormat)
	b = binary.AppendUvarint(b, epoch)
	b = binary.BigEndian.AppendUint64(b, uint64(o.Birth))
	return object.Append(b, o)
}

// splitRow takes a row apart: the epoch it was written in, the birth, and the encoding of the object.
func splitRow(b []byte) (epoch uint64, birth causal.Time, encoding []byte, err error) {
	if len(b) == 0 || b[0] != rowFormat {
		return 0, 0, nil, fmt.Errorf("%w: unknown format", ErrCorrupt)
	}
	epoch, n := binary.Uvarint(b[1:])
	if n <= 0 || len(b) < 1+n+8 {
		return 0, 0, nil, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(b))
	}
	return epoch, causal.Time(binary.BigEndian.Uint64(b[1+n:])), b[1+n+8:], nil
}

// decodeRow reads a row into room, or into memory of its own when there is none. The object shares memory with b.
func decodeRow(b []byte, epoch uint64, room *object.Room) (*object.Object, error) {
	written, birth, encoding, err := splitRow(b)
	if err != nil {
		return nil, err
	}
	o, err := object.DecodeIn(room, encoding)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if written == epoch || mutant.KeepsBirthsAfterCrash {
		o.Birth = birth
	}
	return o, nil
}
