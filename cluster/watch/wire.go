package watch

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine/object"
)

// The kinds of requests between services. They are part of the peer protocol.
const (
	// KindWatch tells a coordinator of queues. The reply is empty.
	KindWatch uint8 = 8
	// KindOffer offers elements of a key to a node. The reply, what became of it, comes when that is known.
	KindOffer uint8 = 9
)

// Handles reports whether requests of a kind are for Serve.
func Handles(kind uint8) bool { return kind == KindWatch || kind == KindOffer }

const (
	statusOK uint8 = iota
	statusRefused
)

// ErrMalformed says that a peer's message cannot be decoded.
var ErrMalformed = errors.New("malformed message about waiting clients")

// notice tells of a queue, and for how long its first client has waited.
type notice struct {
	key Key
	age time.Duration
}

// Serve answers a request of another node. It does not wait.
func (s *Service) Serve(from ring.NodeID, r *transport.Request) {
	var err error
	switch r.Kind {
	case KindWatch:
		var notices []notice
		if notices, err = decodeNotices(r.Payload); err == nil {
			s.desk.watch(from, notices)
			r.Respond(statusOK)
		}
	case KindOffer:
		var k Key
		var n int
		if k, n, err = decodeOffer(r.Payload); err == nil {
			s.offered(k, n, func(a answer) { r.Respond(statusOK, appendAnswer(nil, a)) })
		}
	default:
		err = ErrMalformed
	}
	if err != nil {
		s.o.Logger.Warn("a peer's request was refused", "peer", string(from), "kind", r.Kind, "error", err)
		r.Respond(statusRefused)
	}
}

// A key is its type, database, and name with its length.
func appendKey(b []byte, k Key) []byte {
	b = append(b, byte(k.Kind), k.DB)
	b = binary.AppendUvarint(b, uint64(len(k.Name)))
	return append(b, k.Name...)
}

func takeKey(b []byte) (k Key, rest []byte, err error) {
	if len(b) < 2 {
		return k, nil, ErrMalformed
	}
	k.Kind, k.DB = object.Kind(b[0]), b[1]
	n, rest, err := takeNumber(b[2:])
	if err != nil || n > uint64(len(rest)) {
		return k, nil, ErrMalformed
	}
	k.Name = string(rest[:n])
	return k, rest[n:], nil
}

func takeNumber(b []byte) (n uint64, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, ErrMalformed
	}
	return n, b[size:], nil
}

// A watch request is a list of keys, each with an age in milliseconds.
func appendNotices(b []byte, notices []notice) []byte {
	for _, n := range notices {
		b = binary.AppendUvarint(appendKey(b, n.key), uint64(n.age.Milliseconds()))
	}
	return b
}

// maxAge bounds ages that others tell, so that they can be counted with.
const maxAge = 100 * 365 * 24 * time.Hour

func takeAge(b []byte) (age time.Duration, rest []byte, err error) {
	ms, rest, err := takeNumber(b)
	return time.Duration(min(ms, uint64(maxAge.Milliseconds()))) * time.Millisecond, rest, err
}

func decodeNotices(b []byte) (notices []notice, err error) {
	for len(b) > 0 {
		var n notice
		if n.key, b, err = takeKey(b); err != nil {
			return nil, err
		}
		if n.age, b, err = takeAge(b); err != nil {
			return nil, err
		}
		notices = append(notices, n)
	}
	return notices, nil
}

// An offer is a key and a number.
func appendOffer(b []byte, k Key, n int64) []byte {
	return binary.AppendUvarint(appendKey(b, k), uint64(n))
}

func decodeOffer(b []byte) (k Key, n int, err error) {
	k, b, err = takeKey(b)
	if err != nil {
		return k, 0, err
	}
	count, b, err := takeNumber(b)
	if err != nil || len(b) > 0 || count == 0 {
		return k, 0, ErrMalformed
	}
	return k, int(min(count, unlimited)), nil
}

// An answer is how many have taken something, whether clients wait (1), and for how long the first of them has.
func appendAnswer(b []byte, a answer) []byte {
	waiting := byte(0)
	if a.waiting {
		waiting = 1
	}
	b = append(binary.AppendUvarint(b, uint64(a.took)), waiting)
	return binary.AppendUvarint(b, uint64(a.age.Milliseconds()))
}

func decodeAnswer(b []byte) (a answer, err error) {
	took, b, err := takeNumber(b)
	if err != nil || len(b) == 0 {
		return a, ErrMalformed
	}
	a.took, a.waiting = int(min(took, unlimited)), b[0] == 1
	a.age, b, err = takeAge(b[1:])
	if err != nil || len(b) > 0 {
		return a, ErrMalformed
	}
	return a, nil
}
