package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Messages of the handshake: a type, two bytes of length, a body. Names go with a byte of length.
const (
	messageHello uint8 = 1 + iota
	messageChallenge
	messageProof
	messageRefusal
)

const (
	magic      = "KINDRED\n" // begins the first message, so that a stray client of another protocol is told apart
	nonceSize  = 32
	wallSize   = 8
	maxMessage = 512
)

var errHandshake = errors.New("malformed handshake")

// hello is the dialer's first message.
type hello struct {
	min, max uint8 // protocol versions
	cluster  string
	from, to string // node ids
	wall     int64  // what the sender's clock reads, in Unix milliseconds
	nonce    [nonceSize]byte
}

func (m hello) encode() []byte {
	b := append([]byte(magic), m.min, m.max)
	b = appendName(b, m.cluster)
	b = appendName(b, m.from)
	b = appendName(b, m.to)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.wall))
	return append(b, m.nonce[:]...)
}

func parseHello(b []byte) (m hello, err error) {
	if len(b) < len(magic)+2 || string(b[:len(magic)]) != magic {
		return m, errHandshake
	}
	m.min, m.max, b = b[len(magic)], b[len(magic)+1], b[len(magic)+2:]
	for _, name := range []*string{&m.cluster, &m.from, &m.to} {
		if b, err = cutName(b, name); err != nil {
			return m, err
		}
	}
	if len(b) != wallSize+nonceSize {
		return m, errHandshake
	}
	m.wall, m.nonce = int64(binary.LittleEndian.Uint64(b)), [nonceSize]byte(b[wallSize:])
	return m, nil
}

// challenge is the acceptor's answer.
type challenge struct {
	version  uint8 // the one to use
	min, max uint8
	id       string
	wall     int64 // as in hello
	nonce    [nonceSize]byte
}

func (m challenge) encode() []byte {
	b := appendName([]byte{m.version, m.min, m.max}, m.id)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.wall))
	return append(b, m.nonce[:]...)
}

func parseChallenge(b []byte) (m challenge, err error) {
	if len(b) < 3 {
		return m, errHandshake
	}
	m.version, m.min, m.max = b[0], b[1], b[2]
	if b, err = cutName(b[3:], &m.id); err != nil {
		return m, err
	}
	if len(b) != wallSize+nonceSize {
		return m, errHandshake
	}
	m.wall, m.nonce = int64(binary.LittleEndian.Uint64(b)), [nonceSize]byte(b[wallSize:])
	return m, nil
}

func appendName(b []byte, name string) []byte {
	return append(append(b, byte(len(name))), name...)
}

// cutName takes a name off the front of b.
func cutName(b []byte, name *string) ([]byte, error) {
	if len(b) < 1 || b[0] == 0 || b[0] > maxName || len(b) < 1+int(b[0]) {
		return nil, errHandshake
	}
	n := 1 + int(b[0])
	*name = string(b[1:n])
	return b[n:], nil
}

func writeMessage(w io.Writer, kind uint8, body []byte) error {
	b := append(make([]byte, 0, 3+len(body)), kind)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(body)))
	_, err := w.Write(append(b, body...))
	return err
}

// readMessage reads one message and no byte more. A refusal instead of the wanted message is returned as an error.
func readMessage(r io.Reader, want uint8) ([]byte, error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("handshake broken off: %w", err)
	}
	n := int(binary.LittleEndian.Uint16(head[1:]))
	if n > maxMessage || head[0] != want && head[0] != messageRefusal {
		return nil, errHandshake
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("handshake broken off: %w", err)
	}
	if head[0] == messageRefusal {
		if n != 1 {
			return nil, errHandshake
		}
		return nil, refusal{reason: reason(body[0]), remote: true}
	}
	return body, nil
}
