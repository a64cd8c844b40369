package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Frames, after the four bytes that give the length of the rest. Integers are little-endian.
//
//	request  type kind id:8 ring:8 stamp:8 timeout:4 payload
//	reply    type status id:8 payload
//	failed   type id:8                 the reply was too large
//	beat     type clock:8              clock: microseconds of the sender since the handshake
//	wall     type clock:8              clock: Unix milliseconds of the sender
//
// A request or a reply that is longer than a frame may be comes in parts. Its id is the call's.
//
//	begin    type id:8 length:4        a message of so many bytes, type included, follows in parts
//	part     type id:8 stamp:8 bytes   stamp: as in requests, of this part; of no meaning in replies
//	cancel   type id:8                 the sender gives the message up
//	grant    type id:8                 from the receiver: there is room for it, go on
//	stop     type id:8                 from the receiver: it is not wanted any more
const (
	frameRequest uint8 = 1 + iota
	frameReply
	frameFailed
	frameBeat
	frameWall
	frameBegin
	framePart
	frameCancel
	frameGrant
	frameStop
)

const (
	lengthSize  = 4
	requestHead = 1 + 1 + 8 + 8 + 8 + 4
	replyHead   = 1 + 1 + 8
	partHead    = 1 + 8 + 8
	numberSize  = 1 + 8 // of frames that are a number
)

var (
	errFrameLength = errors.New("frame length out of bounds")
	errFrameBody   = errors.New("malformed frame")
)

// requestHeader is what a request frame says besides its payload.
type requestHeader struct {
	kind uint8
	id   uint64 // of the call, chosen by the caller
	ring uint64 // the version that the request goes by; 0 for none
	// stamp is at most the receiver's clock, in microseconds since the handshake, at the time of the call: see peerClock.
	stamp int64
	// timeout is the caller's, in microseconds, saturated.
	timeout uint32
}

func appendRequest(buf []byte, h requestHeader, payload ...[]byte) []byte {
	buf = binary.LittleEndian.AppendUint32(buf, uint32(requestHead+sizeOf(payload)))
	buf = appendRequestHead(buf, h)
	for _, p := range payload {
		buf = append(buf, p...)
	}
	return buf
}

func sizeOf(parts [][]byte) (n int) {
	for _, p := range parts {
		n += len(p)
	}
	return n
}

func appendRequestHead(buf []byte, h requestHeader) []byte {
	buf = append(buf, frameRequest, h.kind)
	buf = binary.LittleEndian.AppendUint64(buf, h.id)
	buf = binary.LittleEndian.AppendUint64(buf, h.ring)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(h.stamp))
	return binary.LittleEndian.AppendUint32(buf, h.timeout)
}

// parseRequest takes the body of a request frame apart. The payload aliases it.
func parseRequest(body []byte) (h requestHeader, payload []byte, err error) {
	if len(body) < requestHead || body[0] != frameRequest {
		return h, nil, errFrameBody
	}
	h.kind = body[1]
	h.id = binary.LittleEndian.Uint64(body[2:])
	h.ring = binary.LittleEndian.Uint64(body[10:])
	h.stamp = int64(binary.LittleEndian.Uint64(body[18:]))
	h.timeout = binary.LittleEndian.Uint32(body[26:])
	return h, body[requestHead:], nil
}

func appendReply(buf []byte, id uint64, status uint8, size int, payload [][]byte) []byte {
	buf = binary.LittleEndian.AppendUint32(buf, uint32(replyHead+size))
	buf = appendReplyHead(buf, id, status)
	for _, p := range payload {
		buf = append(buf, p...)
	}
	return buf
}

func appendReplyHead(buf []byte, id uint64, status uint8) []byte {
	return binary.LittleEndian.AppendUint64(append(buf, frameReply, status), id)
}

// parseReply takes the body of a reply frame apart. The payload aliases it.
func parseReply(body []byte) (id uint64, status uint8, payload []byte, err error) {
	if len(body) < replyHead || body[0] != frameReply {
		return 0, 0, nil, errFrameBody
	}
	return binary.LittleEndian.Uint64(body[2:]), body[1], body[replyHead:], nil
}

func appendNumber(buf []byte, kind uint8, number uint64) []byte {
	buf = binary.LittleEndian.AppendUint32(buf, numberSize)
	return binary.LittleEndian.AppendUint64(append(buf, kind), number)
}

func appendBegin(buf []byte, id uint64, length int) []byte {
	buf = binary.LittleEndian.AppendUint32(buf, numberSize+4)
	buf = binary.LittleEndian.AppendUint64(append(buf, frameBegin), id)
	return binary.LittleEndian.AppendUint32(buf, uint32(length))
}

// parseNumber returns the number that the body of a failed, beat or wall frame holds.
func parseNumber(body []byte) (uint64, error) {
	if len(body) != numberSize {
		return 0, errFrameBody
	}
	return binary.LittleEndian.Uint64(body[1:]), nil
}

// unexpectedFrame is the error for a frame type that does not belong in this direction.
func unexpectedFrame(body []byte) error {
	return fmt.Errorf("%w: type %d", errFrameBody, body[0])
}

// saturateMicros converts a timeout for the wire.
func saturateMicros(d time.Duration) uint32 {
	return uint32(min(max(d.Microseconds(), 0), 1<<32-1))
}
