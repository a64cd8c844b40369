package kind

import (
	"bytes"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// bitsOf is a bitmap with a byte for each bit.
func bitsOf(b []byte) []byte {
	out := make([]byte, 0, 8*len(b))
	for i := range b {
		for j := range 8 {
			out = append(out, b[i]>>(7-j)&1)
		}
	}
	return out
}

// someBits are bytes with long runs, so that words of one value are met.
func someBits(t *rapid.T) []byte {
	var b []byte
	for range rapid.IntRange(1, 4).Draw(t, "runs") {
		b = append(b, bytes.Repeat([]byte{rapid.SampledFrom([]byte{0, 0xff, 0x80, 1, 0x5a}).Draw(t, "byte")}, rapid.IntRange(1, 20).Draw(t, "length"))...)
	}
	return b
}

func TestBitsAreCountedAndFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := someBits(t)
		plain := bitsOf(b)
		first := rapid.IntRange(0, len(plain)-1).Draw(t, "first")
		last := rapid.IntRange(first, len(plain)-1).Draw(t, "last")
		within := plain[first : last+1]
		if got, want := CountBits(b, int64(first), int64(last)), bytes.Count(within, []byte{1}); got != int64(want) {
			t.Fatalf("CountBits(%x, %d, %d) = %d, want %d", b, first, last, got, want)
		}
		for bit := range byte(2) {
			want := bytes.IndexByte(within, bit)
			if want >= 0 {
				want += first
			}
			if got := FindBit(b, bit, int64(first), int64(last)); got != int64(want) {
				t.Fatalf("FindBit(%x, %d, %d, %d) = %d, want %d", b, bit, first, last, got, want)
			}
		}
		for i := range plain {
			if Bit(b, int64(i)) != plain[i] {
				t.Fatalf("Bit(%x, %d) = %d", b, i, Bit(b, int64(i)))
			}
		}
	})
}

func TestBitmapsAreCombined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := someBits(t), someBits(t)
		at := func(b []byte, i int) byte {
			if i < len(b) {
				return b[i]
			}
			return 0
		}
		and, or, xor := CombineBits(BitAnd, [][]byte{a, b}), CombineBits(BitOr, [][]byte{a, b}), CombineBits(BitXor, [][]byte{a, b})
		not := CombineBits(BitNot, [][]byte{a})
		for i := range max(len(a), len(b)) {
			x, y := at(a, i), at(b, i)
			if and[i] != x&y || or[i] != x|y || xor[i] != x^y || i < len(a) && not[i] != ^x {
				t.Fatalf("byte %d of %x and %x: %x %x %x %x", i, a, b, and, or, xor, not)
			}
		}
	})
}

func TestNumbersInBitmaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := BitNumber{Signed: rapid.Bool().Draw(t, "signed")}
		n.Bits = uint8(rapid.IntRange(1, 63).Draw(t, "bits"))
		if n.Signed && rapid.Bool().Draw(t, "widest") {
			n.Bits = 64
		}
		b := append(someBits(t), make([]byte, 9)...)
		at := rapid.Int64Range(0, int64(len(b)-9)*8).Draw(t, "at")
		before := bitsOf(b)
		value, ok := n.Fit(rapid.Int64().Draw(t, "value"), Wrap)
		n.Put(b, at, value)
		if got := n.Get(b, at); !ok || got != value {
			t.Fatalf("%+v at %d: %d, want %d", n, at, got, value)
		}
		after := bitsOf(b)
		end := at + int64(n.Bits)
		if !bytes.Equal(before[:at], after[:at]) || !bytes.Equal(before[end:], after[end:]) {
			t.Fatalf("%+v at %d changed bits beside it", n, at)
		}
		checkAdd(t, n, value, rapid.Int64().Draw(t, "delta"))
	})
}

// checkAdd compares with integers of any size.
func checkAdd(t *rapid.T, n BitNumber, value, delta int64) {
	least, most := n.limits()
	sum := new(big.Int).Add(big.NewInt(value), big.NewInt(delta))
	fits := sum.Cmp(big.NewInt(least)) >= 0 && sum.Cmp(big.NewInt(most)) <= 0
	nearest := most
	if sum.Cmp(big.NewInt(least)) < 0 {
		nearest = least
	}
	wrapped := new(big.Int).Mod(new(big.Int).Sub(sum, big.NewInt(least)), new(big.Int).Lsh(big.NewInt(1), uint(n.Bits)))
	wrapped.Add(wrapped, big.NewInt(least))
	if got, ok := n.Add(value, delta, Wrap); !ok || got != wrapped.Int64() {
		t.Fatalf("%+v: %d + %d wraps to %d, want %s", n, value, delta, got, wrapped)
	}
	if got, ok := n.Add(value, delta, Saturate); !ok || fits && got != sum.Int64() || !fits && got != nearest {
		t.Fatalf("%+v: %d + %d saturates to %d", n, value, delta, got)
	}
	if got, ok := n.Add(value, delta, Refuse); ok != fits || ok && got != sum.Int64() {
		t.Fatalf("%+v: %d + %d gives %d, %v", n, value, delta, got, ok)
	}
}
