package rdb

import (
	"encoding/binary"
	"math"
	"strconv"
)

// decoder reads from the front of b. After a failure it reads nothing more.
type decoder struct {
	b      []byte
	budget int64 // bytes that may yet be decompressed
	failed bool
}

func (d *decoder) fail() { d.failed, d.b = true, nil }

// take cuts n bytes off.
func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) byte() byte {
	if b := d.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// length reads a length, or what stands in its place.
func (d *decoder) length() (n uint64, isSpecial bool) {
	first := d.byte()
	switch {
	case first&special == special:
		return uint64(first &^ special), true
	case first&special == medium:
		return uint64(first&^special)<<8 | uint64(d.byte()), false
	case first == long:
		if b := d.take(4); b != nil {
			return uint64(binary.BigEndian.Uint32(b)), false
		}
	case first == huge:
		if b := d.take(8); b != nil {
			return binary.BigEndian.Uint64(b), false
		}
	case first < medium:
		return uint64(first), false
	default:
		d.fail()
	}
	return 0, false
}

// count reads a number of things that take at least one byte each.
func (d *decoder) count() uint64 {
	n, isSpecial := d.length()
	if isSpecial || n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return n
}

// What stands in place of a string's length.
const (
	int8Text  = 0
	int16Text = 1
	int32Text = 2
	lzfText   = 3
)

func (d *decoder) string() []byte {
	n, isSpecial := d.length()
	if !isSpecial {
		return d.take(n)
	}
	switch n {
	case int8Text, int16Text, int32Text:
		if b := d.take(1 << n); b != nil {
			return number(littleEndian(b))
		}
	case lzfText:
		return d.compressed()
	default:
		d.fail()
	}
	return nil
}

func number(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

// littleEndian is the number in two's complement of up to 8 bytes.
func littleEndian(b []byte) int64 {
	var n uint64
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	unused := 64 - 8*len(b)
	return int64(n<<unused) >> unused
}

// compressed reads a string that Marc Lehmann's LZF has packed.
func (d *decoder) compressed() []byte {
	packed, _ := d.length()
	size, _ := d.length()
	in := d.take(packed)
	if d.failed || size > uint64(max(d.budget, 0)) || size > maxRatio*packed {
		d.fail()
		return nil
	}
	d.budget -= int64(size)
	out, ok := unpack(in, int(size))
	if !ok {
		d.fail()
	}
	return out
}

// maxRatio is how many times longer LZF may make its input: three bytes stand for at most 264.
const maxRatio = 88

// unpack takes LZF apart: a byte below 32 is followed by one more literals than it says; of another the upper three bits are a
// length and the lower five, with a byte more, how far back it is copied from.
func unpack(in []byte, size int) ([]byte, bool) {
	out := make([]byte, 0, size)
	for len(in) > 0 {
		control := int(in[0])
		in = in[1:]
		if control < 32 {
			n := control + 1
			if n > len(in) || n > size-len(out) {
				return nil, false
			}
			out, in = append(out, in[:n]...), in[n:]
			continue
		}
		n := control >> 5
		if n == 7 && len(in) > 0 {
			n += int(in[0])
			in = in[1:]
		}
		if len(in) == 0 {
			return nil, false
		}
		back := (control&0x1f)<<8 + int(in[0]) + 1
		in = in[1:]
		if n += 2; back > len(out) || n > size-len(out) {
			return nil, false
		}
		for range n { // what is copied may overlap what it becomes
			out = append(out, out[len(out)-back])
		}
	}
	return out, len(out) == size
}

func (d *decoder) strings(n uint64) (out [][]byte) {
	for i := uint64(0); i < n && !d.failed; i++ {
		out = append(out, d.string())
	}
	return out
}

// value reads a type and a value of it.
func (d *decoder) value() *Value {
	switch d.byte() {
	case typeString:
		return &Value{Kind: String, Elements: [][]byte{d.string()}}
	case typeList:
		return &Value{Kind: List, Elements: d.strings(d.count())}
	case typeSet:
		return &Value{Kind: Set, Elements: d.strings(d.count())}
	case typeHash:
		return &Value{Kind: Hash, Elements: d.strings(2 * d.count())}
	case typeZSet:
		return d.scored(d.textScore)
	case typeZSet2:
		return d.scored(d.score)
	case typeListZiplist:
		return &Value{Kind: List, Elements: d.ziplist()}
	case typeSetIntset:
		return &Value{Kind: Set, Elements: d.intset()}
	case typeZSetZiplist:
		return d.pairs(d.ziplist())
	case typeHashZiplist:
		return &Value{Kind: Hash, Elements: d.ziplist()}
	case typeListQuick:
		return d.quicklist(d.ziplist)
	case typeHashListpack:
		return &Value{Kind: Hash, Elements: d.listpack()}
	case typeZSetListpack:
		return d.pairs(d.listpack())
	case typeListQuick2:
		return d.quicklist(d.node)
	case typeSetListpack:
		return &Value{Kind: Set, Elements: d.listpack()}
	case typeHashMetadata:
		return d.expiringHash()
	case typeHashListpackEx:
		return d.expiringListpack()
	case typeStream:
		return d.stream(1)
	case typeStream2:
		return d.stream(2)
	case typeStream3:
		return d.stream(3)
	default:
		d.fail()
		return &Value{}
	}
}

func (d *decoder) scored(score func() float64) *Value {
	v := &Value{Kind: ZSet}
	n := d.count()
	for i := uint64(0); i < n && !d.failed; i++ {
		v.Members = append(v.Members, Member{d.string(), score()})
	}
	return v
}

func (d *decoder) score() float64 {
	if b := d.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// textScore reads a length of one byte and as many digits. Three lengths stand for numbers that have none.
func (d *decoder) textScore() float64 {
	switch n := d.byte(); n {
	case 253:
		return math.NaN()
	case 254:
		return math.Inf(1)
	case 255:
		return math.Inf(-1)
	default:
		return d.parse(d.take(uint64(n)))
	}
}

func (d *decoder) parse(text []byte) float64 {
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		d.fail()
	}
	return x
}

// pairs makes a sorted set of members with their scores behind them.
func (d *decoder) pairs(list [][]byte) *Value {
	v := &Value{Kind: ZSet}
	if len(list)%2 != 0 {
		d.fail()
		return v
	}
	for i := 0; i < len(list); i += 2 {
		v.Members = append(v.Members, Member{list[i], d.parse(list[i+1])})
	}
	return v
}

// quicklist is a list of nodes.
func (d *decoder) quicklist(node func() [][]byte) *Value {
	v := &Value{Kind: List}
	n := d.count()
	for i := uint64(0); i < n && !d.failed; i++ {
		v.Elements = append(v.Elements, node()...)
	}
	return v
}

// node is one of a quicklist 2.
func (d *decoder) node() [][]byte {
	switch container, _ := d.length(); container {
	case containerPlain:
		return [][]byte{d.string()}
	case containerListpack:
		return d.listpack()
	default:
		d.fail()
		return nil
	}
}
