package resp

import (
	"math"
	"strconv"
)

// maxDouble bounds the length of a number that AppendDouble writes.
const maxDouble = 32

// maxPlainInteger bounds the integers that are written with all their digits.
const maxPlainInteger = 1 << 62

// AppendDouble appends a number as Redis 7.2 writes it in replies: an integer of up to 62 bits as such, and else the fewest
// digits that read back as the same number, laid out by the rules of the fpconv library; inf, -inf and nan.
func AppendDouble(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	}
	if f == math.Trunc(f) && f != 0 && math.Abs(f) <= maxPlainInteger {
		return strconv.AppendInt(b, int64(f), 10)
	}
	if math.Signbit(f) {
		b, f = append(b, '-'), -f
	}
	if f == 0 {
		return append(b, '0')
	}
	digits, exponent := shortest(f)
	return layOut(b, digits, exponent)
}

// shortest returns the fewest digits d₁d₂… and the exponent e for which f = d₁.d₂… × 10^e.
func shortest(f float64) (digits []byte, exponent int) {
	var text [maxDouble]byte
	s := strconv.AppendFloat(text[:0], f, 'e', -1, 64)
	for i, c := range s {
		if c == 'e' {
			exponent, _ = strconv.Atoi(string(s[i+1:]))
			break
		}
		if c != '.' {
			digits = append(digits, c)
		}
	}
	return digits, exponent
}

// layOut is emit_digits of fpconv: plain while that takes few zeros, scientific beyond.
func layOut(b, digits []byte, exponent int) []byte {
	n := len(digits)
	k := exponent - n + 1 // f = digits × 10^k
	switch {
	case k >= 0 && exponent < n+7:
		b = append(b, digits...)
		return appendZeros(b, k)
	case k < 0 && (k > -7 || max(exponent, -exponent) < 4):
		whole := n + k
		if whole <= 0 {
			return append(appendZeros(append(b, "0."...), -whole), digits...)
		}
		b = append(append(b, digits[:whole]...), '.')
		return append(b, digits[whole:]...)
	}
	b = append(b, digits[0])
	if n > 1 {
		b = append(append(b, '.'), digits[1:]...)
	}
	b = append(b, 'e')
	if exponent >= 0 {
		b = append(b, '+')
	}
	return strconv.AppendInt(b, int64(exponent), 10)
}

func appendZeros(b []byte, n int) []byte {
	for range n {
		b = append(b, '0')
	}
	return b
}
