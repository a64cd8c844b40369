package kind

import (
	"encoding/binary"

	"github.com/kindredkv/kindred/engine/causal"
)

// packed reads a payload of numbers and strings. What is missing or malformed reads as zero, and bad tells of it.
type packed struct {
	rest []byte
	bad  bool
}

func (p *packed) number() uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 {
		p.rest, p.bad = nil, true
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

// signed is a number in the zigzag order of package binary: 0, -1, 1, -2.
func (p *packed) signed() int64 {
	n := p.number()
	return int64(n>>1) ^ -int64(n&1)
}

// bytes are a part of the payload.
func (p *packed) bytes() []byte {
	n := p.number()
	if n > uint64(len(p.rest)) {
		p.rest, p.bad = nil, true
		return nil
	}
	out := p.rest[:n:n]
	p.rest = p.rest[n:]
	return out
}

func (p *packed) id() StreamID {
	ms := p.number()
	return StreamID{ms, p.number()}
}

func (p *packed) actor() causal.Actor {
	node := causal.Node(p.number())
	return causal.Actor{Node: node, Birth: causal.Time(p.number())}
}

func (p *packed) more() bool { return len(p.rest) > 0 }

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendID(b []byte, id StreamID) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, id.MS), id.Seq)
}

func appendActor(b []byte, a causal.Actor) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(a.Node)), uint64(a.Birth))
}
