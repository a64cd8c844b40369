package coordinator

import (
	"encoding/binary"

	"github.com/kindredkv/kindred/engine/object"
)

// message is the payload of a request while it is put together. Large values are not copied into it: it refers to them where they
// are, in the row that the store keeps, and the transport takes them from there.
type message struct {
	b    []byte
	refs []reference
}

// reference is bytes that stand in a message behind the first at bytes of b.
type reference struct {
	at int
	p  []byte
}

// referred is from how many bytes on a value is referred to.
const referred = 16 << 10

// bytes appends a length and that many bytes, which must stay as they are.
func (m *message) bytes(p []byte) {
	if len(p) < referred {
		m.b = appendBytes(m.b, p)
		return
	}
	m.b = binary.AppendUvarint(m.b, uint64(len(p)))
	m.refs = append(m.refs, reference{len(m.b), p})
}

// object appends a change as the whole object, as appendReplicateItem does.
func (m *message) object(key object.Key, encoding []byte) {
	m.b = append(appendKey(m.b, key), formObject)
	m.bytes(encoding)
}

// delta appends a change as its delta.
func (m *message) delta(key object.Key, delta []byte) {
	m.b = append(appendKey(m.b, key), formDelta)
	m.bytes(delta)
}

// add appends another message.
func (m *message) add(other *message) {
	for _, r := range other.refs {
		m.refs = append(m.refs, reference{len(m.b) + r.at, r.p})
	}
	m.b = append(m.b, other.b...)
}

// size is the length in bytes.
func (m *message) size() int {
	n := len(m.b)
	for _, r := range m.refs {
		n += len(r.p)
	}
	return n
}

// parts appends the message as it is to be sent.
func (m *message) parts(to [][]byte) [][]byte {
	from := 0
	for _, r := range m.refs {
		to = append(to, m.b[from:r.at:r.at], r.p)
		from = r.at
	}
	return append(to, m.b[from:])
}

// clear empties the message; a large buffer is not kept.
func (m *message) clear() {
	clear(m.refs)
	if m.b, m.refs = m.b[:0], m.refs[:0]; cap(m.b) > keptParcel {
		m.b = nil
	}
}
