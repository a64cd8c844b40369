package causal

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt says that bytes are not a context.
var ErrCorrupt = errors.New("corrupt context")

// AppendContext appends the encoding of c: the number of entries, then node (8 bytes), birth and time of each. Births and
// times are fixed width, because they are of one magnitude and decoding is on the path of every command.
func AppendContext(b []byte, c Context) []byte {
	b = binary.AppendUvarint(b, uint64(len(c)))
	for _, e := range c {
		b = binary.BigEndian.AppendUint64(b, uint64(e.Node))
		b = binary.BigEndian.AppendUint64(b, uint64(e.Birth))
		b = binary.BigEndian.AppendUint64(b, uint64(e.Time))
	}
	return b
}

const entrySize = 24

// DecodeContext reads a context from the front of b into dst[:0] and returns it with the bytes behind it. Only the
// canonical form is accepted: entries in order, one per actor, no zero time.
func DecodeContext(dst Context, b []byte) (Context, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size)/entrySize {
		return nil, nil, ErrCorrupt
	}
	b = b[size:]
	dst = dst[:0]
	for range n {
		e := Entry{
			Actor: Actor{
				Node:  Node(binary.BigEndian.Uint64(b)),
				Birth: Time(binary.BigEndian.Uint64(b[8:])),
			},
			Time: Time(binary.BigEndian.Uint64(b[16:])),
		}
		if e.Time == 0 || len(dst) > 0 && dst[len(dst)-1].Actor.Compare(e.Actor) >= 0 {
			return nil, nil, ErrCorrupt
		}
		dst = append(dst, e)
		b = b[entrySize:]
	}
	return dst, b, nil
}
