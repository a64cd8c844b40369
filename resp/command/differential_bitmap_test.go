package command

import (
	"fmt"
	"strings"
	"testing"
)

func (g *generator) bit() string {
	return g.pick(fmt.Sprint(g.rng.IntN(70)), fmt.Sprint(g.rng.IntN(2000)), "0", "7", "8", "-1", "x", "", "4294967296", "1 ")
}

func (g *generator) bitValue() string { return g.pick("0", "1", "1", "2", "-1", "x") }

// bitRange is a part of a string, well formed: of a key that does not exist Redis 7.0 does not look at the range, 7.2 does.
func (g *generator) bitRange(least int) []string {
	end := func() string { return fmt.Sprint(g.rng.IntN(60) - 30) }
	return []string{end(), end(), g.pick("bit", "byte", "BIT")}[:least+g.rng.IntN(4-least)]
}

func (g *generator) bitmapWords() []string {
	k := g.key()
	switch g.rng.IntN(9) {
	case 0, 1:
		return []string{"setbit", k, g.bit(), g.bitValue()}
	case 2:
		return []string{"getbit", k, g.bit()}
	case 3, 4:
		out := append([]string{"bitcount", g.pick("bits", k)}, g.bitRange(2)...)
		return out[:2+g.rng.IntN(2)*(len(out)-2)]
	case 5:
		return append([]string{"bitpos", "bits", g.pick("0", "1", "2", "x")}, g.bitRange(0)...)
	case 6:
		out := []string{"bitop", g.pick("and", "or", "xor", "not", "nope"), g.key(), k, "bits", g.key()}
		return out[:4+g.rng.IntN(3)]
	case 7:
		return []string{g.pick("setrange", "setbit"), "bits", fmt.Sprint(g.rng.IntN(40)), g.pick("1", "0", "\xff\xff", "\x00")}
	default:
		return append([]string{g.pick("bitfield", "bitfield", "bitfield_ro"), k}, g.bitSteps()...)
	}
}

func (g *generator) bitSteps() (out []string) {
	for range g.rng.IntN(4) {
		kind := g.pick("u", "i", "i") + g.pick(fmt.Sprint(1+g.rng.IntN(64)), "8", "63", "64", "0", "x")
		at := g.pick("", "#") + g.bit()
		switch g.rng.IntN(4) {
		case 0:
			out = append(out, g.caseOf("get"), kind, at)
		case 1:
			// Of the least number Redis overflows where it looks for overflows, and saturates to the greatest.
			out = append(out, "set", kind, at, strings.Replace(g.value(), "-9223372036854775808", "-4611686018427387904", 1))
		case 2:
			out = append(out, "incrby", kind, at, g.pick(g.value(), "9223372036854775807", "-9223372036854775808", "100"))
		default:
			out = append(out, "overflow", g.pick("wrap", "sat", "fail", "SAT", "nope"))
		}
	}
	return out
}

// TestBitmapArguments has what Redis 7.2 answers and 7.0 does not.
func TestBitmapArguments(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	for _, line := range []string{
		"bitcount nothing 1", "bitcount nothing 0 1 nope", "bitcount nothing 0 1 bit more", "bitpos nothing 1 0 1 nope", "bitpos nothing 1 0 1 bit more",
	} {
		n.expect(t, s, line, "ERR syntax error")
	}
	n.expect(t, s,
		"bitcount nothing x 1", "ERR value is not an integer or out of range",
		"bitcount nothing", "0",
		"bitpos nothing 1 0 x", "ERR value is not an integer or out of range",
		"bitpos nothing 1 x", "ERR value is not an integer or out of range",
		"bitpos nothing 1", "-1",
		"bitpos nothing 0", "0",
		"setbit nothing 4294967296 1", "ERR bit offset is not an integer or out of range",
		"bitfield nothing get u8 #536870912", "ERR bit offset is not an integer or out of range",
		"bitfield nothing set u8 #536870911 255 incrby", "ERR syntax error",
	)
	n.settings.ProtoMaxBulkLen = 2
	n.expect(t, s, "setbit b 15 1", "0", "setbit b 16 1", "ERR bit offset is not an integer or out of range")
}

func TestBitOpAcrossSlots(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "set a abc", "set b AB", "sadd s x")
	n.expect(t, s,
		"bitop or to a b", "3", "get to", "abc",
		"bitop and to a b nothing", "3", "get to", "\x00\x00\x00",
		"bitop not to a", "3", "bitop not to to", "3", "get to", "abc",
		"bitop xor to nothing nobody", "0", "exists to", "0",
		"bitop xor to a s", ErrWrongType,
		"bitop nope to a s", "ERR syntax error",
		"bitop not to a b", "ERR BITOP NOT must be called with a single source key.",
	)
}
