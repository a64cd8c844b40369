package rdb

import (
	"encoding/binary"
	"errors"
	"hash/crc64"
	"math"
)

// Errors of a payload.
var (
	// ErrChecksum says that a payload is damaged, or of a version that is not known.
	ErrChecksum = errors.New("payload version or checksum are wrong")
	// ErrFormat says that a payload does not hold a value.
	ErrFormat = errors.New("bad data format")
)

// Kind is the type of a value.
type Kind uint8

// The types.
const (
	String Kind = iota
	List
	Set
	Hash
	ZSet
	StreamKind
)

// Value is one value. What of it is set depends on its type.
type Value struct {
	Kind Kind
	// Elements are a string alone, the elements of a list or set, or the fields of a hash, each with its value behind it.
	Elements [][]byte
	// Deadlines are those of the fields of a hash, in their order: Unix milliseconds, 0 for none. Nil is none for all.
	Deadlines []int64
	// Members are those of a sorted set.
	Members []Member
	Stream  *Stream
}

// Member is a member of a sorted set.
type Member struct {
	Name  []byte
	Score float64
}

// The versions of the format that Encode writes, each the oldest that holds the value.
const (
	versionPlain     = 9
	versionStream    = 10
	versionDeadlines = 12
	newestVersion    = versionDeadlines

	footer = 2 + 8
)

// The types of RDB.
const (
	typeString         = 0
	typeList           = 1
	typeSet            = 2
	typeZSet           = 3 // scores as text
	typeHash           = 4
	typeZSet2          = 5 // scores as 8 bytes
	typeListZiplist    = 10
	typeSetIntset      = 11
	typeZSetZiplist    = 12
	typeHashZiplist    = 13
	typeListQuick      = 14 // of ziplists
	typeStream         = 15
	typeHashListpack   = 16
	typeZSetListpack   = 17
	typeListQuick2     = 18 // of listpacks and single elements
	typeStream2        = 19 // with counts of entries
	typeSetListpack    = 20
	typeStream3        = 21 // and moments at which consumers were active
	typeHashMetadata   = 24 // with deadlines of fields
	typeHashListpackEx = 25 // the same
	containerPlain     = 1
	containerListpack  = 2
)

// jones is the polynomial of David Jones, reflected.
var jones = crc64.MakeTable(0x95ac9329ac4bc9b5)

// checksum is the CRC of Redis, which inverts neither at the beginning nor at the end as package crc64 does.
func checksum(b []byte) uint64 { return ^crc64.Update(^uint64(0), jones, b) }

// Encode is the payload of a value.
func Encode(v *Value) []byte {
	var b []byte
	version := uint16(versionPlain)
	switch v.Kind {
	case String:
		b = appendString([]byte{typeString}, v.Elements[0])
	case List:
		b = appendStrings([]byte{typeList}, len(v.Elements), v.Elements)
	case Set:
		b = appendStrings([]byte{typeSet}, len(v.Elements), v.Elements)
	case Hash:
		if v.Deadlines != nil {
			b, version = appendExpiringHash(b, v), versionDeadlines
			break
		}
		b = appendStrings([]byte{typeHash}, len(v.Elements)/2, v.Elements)
	case ZSet:
		b = appendLength([]byte{typeZSet2}, len(v.Members))
		for i := range v.Members {
			b = appendString(b, v.Members[i].Name)
			b = appendScore(b, v.Members[i].Score)
		}
	case StreamKind:
		b, version = v.Stream.append([]byte{typeStream2}), versionStream
	}
	b = binary.LittleEndian.AppendUint16(b, version)
	return binary.LittleEndian.AppendUint64(b, checksum(b))
}

// Decode reads a payload. What is compressed in it, and names of fields that entries of a stream share, may take so many bytes. The value shares memory with the payload. It fails with
// ErrChecksum or ErrFormat.
func Decode(payload []byte, budget int64) (*Value, error) {
	if len(payload) < footer {
		return nil, ErrChecksum
	}
	body := payload[:len(payload)-8]
	version := binary.LittleEndian.Uint16(payload[len(payload)-footer:])
	if version > newestVersion || binary.LittleEndian.Uint64(payload[len(body):]) != checksum(body) {
		return nil, ErrChecksum
	}
	d := decoder{b: body[:len(body)-2], budget: budget}
	v := d.value()
	if d.failed || len(d.b) > 0 || !v.sound() {
		return nil, ErrFormat
	}
	return v, nil
}

// sound reports whether a value may be stored: no element twice where there is one of each, and not empty unless a stream.
func (v *Value) sound() bool {
	step := 1
	switch v.Kind {
	case String:
		return len(v.Elements) == 1
	case List:
		return len(v.Elements) > 0
	case ZSet:
		return len(v.Members) > 0 && distinct(len(v.Members), func(i int) []byte { return v.Members[i].Name }) && v.haveScores()
	case StreamKind:
		return v.Stream.sound()
	case Hash:
		step = 2
	}
	return len(v.Elements) > 0 && len(v.Elements)%step == 0 &&
		distinct(len(v.Elements)/step, func(i int) []byte { return v.Elements[i*step] })
}

func (v *Value) haveScores() bool {
	for i := range v.Members {
		if math.IsNaN(v.Members[i].Score) {
			return false
		}
	}
	return true
}

func distinct(n int, name func(int) []byte) bool {
	seen := make(map[string]struct{}, n)
	for i := range n {
		seen[string(name(i))] = struct{}{}
	}
	return len(seen) == n
}
