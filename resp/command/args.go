package command

import (
	"math"
)

// equalFold reports whether an argument is the ASCII word, which is given in lower case.
func equalFold(arg []byte, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i, c := range arg {
		if lowerCase(c) != word[i] {
			return false
		}
	}
	return true
}

// parseInt reads a 64-bit integer exactly as Redis does: decimal digits with at most a minus sign, without spaces,
// leading zeros or a plus.
func parseInt(b []byte) (int64, bool) {
	digits := b
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	if digits[0] == '0' {
		return 0, len(b) == 1
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if negative {
		if n > -math.MinInt64 {
			return 0, false
		}
		return -int64(n), true // 2⁶³ wraps to MinInt64
	}
	return int64(n), n <= math.MaxInt64
}
