package kind

import (
	"bytes"
	"math/big"
	"strings"
)

// ParseInt reads a 64-bit integer in the one form that Redis takes for one: no sign but a leading '-', no leading zero,
// no blank.
func ParseInt(b []byte) (int64, bool) {
	digits, negative := b, false
	if len(b) > 0 && b[0] == '-' {
		digits, negative = b[1:], true
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if negative {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n < 1<<63
}

// The range of x86's 80-bit long double, as binary exponents of a mantissa in [0.5, 1).
const (
	mantissaBits = 64
	maxExponent  = 16384
	minExponent  = -16444
)

// maxFloatText is the longest text that is read as a number.
const maxFloatText = 5*1024 - 1

// ParseFloat reads a number as Redis does with strtold: decimal or hexadecimal, with or without an exponent, or an
// infinity, rounded to a 64-bit mantissa. NaN and numbers beyond the range of a long double are refused.
func ParseFloat(b []byte) (*big.Float, bool) {
	if len(b) == 0 || len(b) > maxFloatText {
		return nil, false
	}
	digits, negative := b, b[0] == '-'
	if negative || b[0] == '+' {
		digits = b[1:]
	}
	x := new(big.Float).SetPrec(mantissaBits)
	ok := false
	switch {
	case bytes.EqualFold(digits, []byte("inf")), bytes.EqualFold(digits, []byte("infinity")):
		return x.SetInf(negative), true
	case len(digits) > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'):
		ok = parseHexadecimal(x, digits[2:])
	default:
		ok = parseDecimal(x, digits)
	}
	if !ok || x.Sign() != 0 && (x.MantExp(nil) > maxExponent || x.MantExp(nil) < minExponent) {
		return nil, false
	}
	if negative {
		x.Neg(x)
	}
	return x, true
}

// parseDecimal sets x to the number that b says, rounded once: the digits and the power of ten make an exact fraction.
func parseDecimal(x *big.Float, b []byte) bool {
	digits, scale, rest, ok := splitNumber(b, "0123456789")
	if !ok {
		return false
	}
	exponent, ok := splitExponent(rest, 'e')
	if !ok {
		return false
	}
	mantissa, _ := new(big.Int).SetString(digits, 10)
	if mantissa.Sign() == 0 {
		x.SetInt64(0)
		return true
	}
	exponent -= scale
	if exponent > 3*maxFloatText || exponent < -3*maxFloatText {
		return false // far beyond any long double, however many digits there are
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil)
	if exponent >= 0 {
		x.SetInt(mantissa.Mul(mantissa, power))
	} else {
		x.SetRat(new(big.Rat).SetFrac(mantissa, power))
	}
	return true
}

// parseHexadecimal is parseDecimal for the digits after "0x", with a power of two.
func parseHexadecimal(x *big.Float, b []byte) bool {
	digits, scale, rest, ok := splitNumber(b, "0123456789abcdefABCDEF")
	if !ok {
		return false
	}
	exponent, ok := splitExponent(rest, 'p')
	if !ok {
		return false
	}
	mantissa, _ := new(big.Int).SetString(digits, 16)
	x.SetInt(mantissa)
	x.SetMantExp(x, exponent-4*scale)
	return true
}

// splitNumber takes the digits off the front of b, a point among them left out. scale is how many stood behind it.
func splitNumber(b []byte, allowed string) (digits string, scale int, rest []byte, ok bool) {
	var text strings.Builder
	point := false
	i := 0
	for ; i < len(b); i++ {
		switch {
		case b[i] == '.' && !point:
			point = true
			continue
		case strings.IndexByte(allowed, b[i]) < 0:
			return text.String(), scale, b[i:], text.Len() > 0
		}
		text.WriteByte(b[i])
		if point {
			scale++
		}
	}
	return text.String(), scale, nil, text.Len() > 0
}

// splitExponent reads what follows the digits: nothing, or the letter and an exponent. One of more than seven digits
// is cut there, as no number of so few digits can make up for it.
func splitExponent(b []byte, letter byte) (int, bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0]|0x20 != letter || len(b) == 1 {
		return 0, false
	}
	b = b[1:]
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n < 1e6 {
			n = n*10 + int(c-'0')
		}
	}
	if negative {
		n = -n
	}
	return n, len(b) > 0
}
