package rdb

import (
	"encoding/binary"
)

// Small collections are one string each: a ziplist, a listpack or an intset. The head of each is checked against its length.

// within reads a string and what it holds.
func (d *decoder) within(read func(*decoder) [][]byte) [][]byte {
	inner := decoder{b: d.string()}
	out := read(&inner)
	if inner.failed || len(inner.b) > 0 {
		d.fail()
		return nil
	}
	return out
}

func (d *decoder) uint16() uint16 {
	if b := d.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (d *decoder) uint32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// unknownCount stands for a number of entries that does not fit.
const unknownCount = 1<<16 - 1

// packEnd is the last byte of ziplists and listpacks.
const packEnd = 0xff

// entries reads up to the end of a ziplist or listpack, and checks their number.
func (d *decoder) entries(n uint16, entry func() []byte) (out [][]byte) {
	for !d.failed && len(d.b) > 0 && d.b[0] != packEnd {
		out = append(out, entry())
	}
	if d.byte() != packEnd || n != unknownCount && int(n) != len(out) {
		d.fail()
	}
	return out
}

// ziplist: bytes (4), where the last entry begins (4), number of entries (2), entries, end.
func (d *decoder) ziplist() [][]byte {
	return d.within(func(d *decoder) [][]byte {
		size := len(d.b)
		if int64(d.uint32()) != int64(size) {
			d.fail()
		}
		d.uint32()
		return d.entries(d.uint16(), d.ziplistEntry)
	})
}

// ziplistEntry: the length of the entry before, in 1 byte or 5; then what it is and itself.
func (d *decoder) ziplistEntry() []byte {
	if d.byte() == 0xfe {
		d.take(4)
	}
	switch first := d.byte(); first >> 6 {
	case 0:
		return d.take(uint64(first))
	case 1:
		return d.take(uint64(first&0x3f)<<8 | uint64(d.byte()))
	case 2:
		if b := d.take(4); b != nil {
			return d.take(uint64(binary.BigEndian.Uint32(b)))
		}
		return nil
	default:
		return d.ziplistNumber(first)
	}
}

func (d *decoder) ziplistNumber(first byte) []byte {
	switch {
	case first == 0xc0:
		return number(littleEndian(d.take(2)))
	case first == 0xd0:
		return number(littleEndian(d.take(4)))
	case first == 0xe0:
		return number(littleEndian(d.take(8)))
	case first == 0xf0:
		return number(littleEndian(d.take(3)))
	case first == 0xfe:
		return number(littleEndian(d.take(1)))
	case first > 0xf0 && first < 0xfe:
		return number(int64(first&0x0f) - 1)
	default:
		d.fail()
		return nil
	}
}

// listpack: bytes (4), number of entries (2), entries, end.
func (d *decoder) listpack() [][]byte {
	return d.within(func(d *decoder) [][]byte {
		size := len(d.b)
		if int64(d.uint32()) != int64(size) {
			d.fail()
		}
		return d.entries(d.uint16(), d.listpackEntry)
	})
}

// listpackEntry: what it is, itself, and the length of both, for walking back.
func (d *decoder) listpackEntry() []byte {
	before := len(d.b)
	value := d.listpackValue()
	if !d.failed {
		d.take(uint64(lengthSize(before - len(d.b))))
	}
	return value
}

func (d *decoder) listpackValue() []byte {
	first := d.byte()
	switch {
	case first < 0x80:
		return number(int64(first))
	case first < 0xc0:
		return d.take(uint64(first & 0x3f))
	case first < 0xe0: // 13 bits in two's complement
		n := uint64(first&0x1f)<<8 | uint64(d.byte())
		return number(int64(n<<51) >> 51)
	case first < 0xf0:
		return d.take(uint64(first&0x0f)<<8 | uint64(d.byte()))
	case first == 0xf0:
		return d.take(uint64(d.uint32()))
	case first == 0xf1:
		return number(littleEndian(d.take(2)))
	case first == 0xf2:
		return number(littleEndian(d.take(3)))
	case first == 0xf3:
		return number(littleEndian(d.take(4)))
	case first == 0xf4:
		return number(littleEndian(d.take(8)))
	default:
		d.fail()
		return nil
	}
}

// intset: bytes of a number (4), how many (4), numbers.
func (d *decoder) intset() [][]byte {
	return d.within(func(d *decoder) (out [][]byte) {
		width, n := d.uint32(), d.uint32()
		if width != 2 && width != 4 && width != 8 || uint64(n)*uint64(width) != uint64(len(d.b)) {
			d.fail()
			return nil
		}
		for range n {
			out = append(out, number(littleEndian(d.take(uint64(width)))))
		}
		return out
	})
}
