package kind

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseInt(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "-1": -1, "10": 10, "9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
	} {
		if got, ok := ParseInt([]byte(text)); !ok || got != want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "-", "+1", " 1", "1 ", "01", "-0", "00", "-01", "1a", "1.0", "9223372036854775808", "-9223372036854775809",
		"18446744073709551617", "99999999999999999999",
	} {
		if got, ok := ParseInt([]byte(text)); ok {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}

// The wanted texts were printed by Redis: SET k <text>, INCRBYFLOAT k 0.
func TestFloatText(t *testing.T) {
	for text, want := range map[string]string{
		"1e-4940": "0", "0": "0", "-0": "0", "3.0": "3", "5.0e3": "5000", "1e-17": "0.00000000000000001", "1e-18": "0", "-1e-18": "0",
		"0.1": "0.1", "+7": "7", ".5": "0.5", "5.": "5", "0x1p3": "8", "0X10": "16", "0x.8": "0.5", "-0x1.8p1": "-3",
		"123456789012345678901234567890": "123456789012345678899921813504",
		"9223372036854775807":            "9223372036854775807",
		"3.14159265358979323846264338":   "3.14159265358979324",
		"1e25":                           "10000000000000000000000000",
	} {
		x, ok := ParseFloat([]byte(text))
		if !ok {
			t.Errorf("%q was refused", text)
			continue
		}
		if got := string(formatUnits(unitsOf(x))); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestParseFloatRefuses(t *testing.T) {
	for _, text := range []string{
		"", " 1", "1 ", "abc", "nan", "-nan", "1e", "1e+", "e5", ".", "-", "+", "--1", "1_000", "0x", "0x.", "0xg", "1p3", "0x1p",
		"0b1", "0o7", "1e5000", "-1e5000", "1e-4960", "1e999999999999999999", "0x1p20000", "infinit", "1\x00", "1,5",
		strings.Repeat("1", maxFloatText+1),
	} {
		if x, ok := ParseFloat([]byte(text)); ok {
			t.Errorf("%.40q was read as %v", text, x)
		}
	}
	for _, text := range []string{"inf", "-INF", "+Infinity"} {
		if x, ok := ParseFloat([]byte(text)); !ok || !x.IsInf() {
			t.Errorf("%q: %v, %v", text, x, ok)
		}
	}
}

func FuzzParseFloat(f *testing.F) {
	for _, text := range []string{"1.5e3", "0x1.8p-3", "inf", "1e4932", ".e5", strings.Repeat("9", 5000) + "e-5000"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, ok := ParseFloat(b)
		if !ok || x.IsInf() {
			return
		}
		text := formatUnits(unitsOf(x))
		again, ok := ParseFloat(text)
		if !ok {
			t.Fatalf("%q is printed as %q, which is no number", b, text)
		}
		if got := formatUnits(unitsOf(again)); len(text) < 20 && string(got) != string(text) {
			t.Fatalf("%q is printed as %q, and that as %q", b, text, got)
		}
	})
}

func TestAmounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (amount, *big.Int) {
			x := big.NewInt(rapid.Int64().Draw(t, label))
			if rapid.Bool().Draw(t, "wide") {
				x.Mul(x, big.NewInt(rapid.Int64().Draw(t, "factor")))
			}
			return amountOf(x), x
		}
		a, x := draw("a")
		b, y := draw("b")
		if got, want := a.plus(b), new(big.Int).Add(x, y); got.big().Cmp(want) != 0 {
			t.Fatalf("%v plus %v is %v", x, y, got.big())
		}
		if got, want := a.minus(b), new(big.Int).Sub(x, y); got.big().Cmp(want) != 0 {
			t.Fatalf("%v minus %v is %v", x, y, got.big())
		}
		if got := decodeAmount(appendAmount(nil, a)); got.big().Cmp(x) != 0 || (got.large == nil) != x.IsInt64() {
			t.Fatalf("%v is decoded as %v", x, got.big())
		}
	})
}

func TestAmountIsShort(t *testing.T) {
	for n, want := range map[int64]int{0: 1, 1: 1, -1: 1, 127: 1, 128: 2, -128: 1, -129: 2, 32767: 2, math.MaxInt64: 8} {
		if got := len(appendAmount(nil, amount{small: n})); got != want {
			t.Errorf("%s takes %d bytes, want %d", strconv.FormatInt(n, 10), got, want)
		}
	}
}
