package transport

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
)

// headRoom is how many times as much memory is set aside for a long message as has come of it, once half of that has come no
// more than the message. The copies of a growing buffer thus add little to its length.
const headRoom = 8

var (
	errTooManyOpen = errors.New("too many long messages at once")
	errNoLeave     = errors.New("a long message came without leave")
)

// assembly is a long message on its way in.
type assembly struct {
	id     uint64
	length int
	body   []byte
	claim  *claim // of room; nil where none is needed
}

// assemblies are those of a connection, and belong to its reader.
type assemblies struct {
	room  *room
	share share
	open  []*assembly
}

// find returns an assembly, nil when there is none.
func (a *assemblies) find(id uint64) *assembly {
	for _, m := range a.open {
		if m.id == id {
			return m
		}
	}
	return nil
}

// begin opens an assembly. leave is called, maybe at once and by any goroutine, when the message may be sent on.
func (a *assemblies) begin(id uint64, length, limit int, leave func()) error {
	if length <= Short || length > limit || a.find(id) != nil {
		return errFrameBody
	}
	if len(a.open) == maxOpen {
		return errTooManyOpen
	}
	m := &assembly{id: id, length: length}
	a.open = append(a.open, m)
	if length > unasked {
		m.claim = a.room.take(int64(length), &a.share, leave)
	}
	return nil
}

// add takes a part, and returns the body of the message when that was the last; nil too for a message that was given up.
func (a *assemblies) add(id uint64, part []byte) (whole []byte, err error) {
	m := a.find(id)
	if m == nil {
		return nil, nil
	}
	if m.claim != nil && !m.claim.granted.Load() {
		return nil, errNoLeave
	}
	if len(part) == 0 || len(part) > m.length-len(m.body) {
		return nil, errFrameBody
	}
	m.body = append(m.grown(len(part)), part...)
	if len(m.body) < m.length {
		return nil, nil
	}
	a.end(id)
	return m.body, nil
}

// grown is the body with room for n bytes more.
func (m *assembly) grown(n int) []byte {
	least := len(m.body) + n
	if least <= cap(m.body) {
		return m.body
	}
	size := 2 * least
	if headRoom*least >= m.length {
		size = m.length
	}
	grown := make([]byte, 0, size)
	for body := m.body; len(body) > 0; { // in pieces, since no copy can be stopped in the midst of it
		n := min(len(body), 1<<20)
		grown = append(grown, body[:n]...)
		body = body[n:]
	}
	return grown
}

// end forgets an assembly.
func (a *assemblies) end(id uint64) {
	for i, m := range a.open {
		if m.id == id {
			a.open = append(a.open[:i:i], a.open[i+1:]...)
			if m.claim != nil {
				a.room.give(m.claim)
			}
			return
		}
	}
}

// close forgets all: the connection is gone.
func (a *assemblies) close() {
	for len(a.open) > 0 {
		a.end(a.open[0].id)
	}
}

// claim is the room that a message takes.
type claim struct {
	bytes   int64
	share   *share
	leave   func()
	granted atomic.Bool
}

// takeLong takes a frame about long messages, those that come in and those that go out. When it was the last part of one it
// returns the body and the stamp. known says whether a message is wanted that begins.
func (w *wire) takeLong(body []byte, known func(id uint64) bool) (whole []byte, stamp int64, err error) {
	if len(body) < numberSize {
		return nil, 0, errFrameBody
	}
	id := binary.LittleEndian.Uint64(body[1:])
	switch rest := body[numberSize:]; body[0] {
	case frameBegin:
		if len(rest) != 4 {
			return nil, 0, errFrameBody
		}
		if known != nil && !known(id) {
			w.tell(frameStop, id)
			return nil, 0, nil
		}
		length := int(binary.LittleEndian.Uint32(rest))
		return nil, 0, w.coming.begin(id, length, w.longest, func() { w.tell(frameGrant, id) })
	case framePart:
		if len(rest) < 8 {
			return nil, 0, errFrameBody
		}
		whole, err = w.coming.add(id, rest[8:])
		return whole, int64(binary.LittleEndian.Uint64(rest)), err
	}
	if len(body) != numberSize {
		return nil, 0, errFrameBody
	}
	switch body[0] {
	case frameGrant:
		w.goOn(id)
	case frameStop:
		w.stop(id)
	case frameCancel:
		w.coming.end(id)
	}
	return nil, 0, nil
}
