package kind

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// ParseScore reads a number as Redis does with strtod, all of b: decimal or hexadecimal, with or without an exponent, or an
// infinity. NaN, and numbers beyond the range of a float64 or so small that they would be 0, are refused.
func ParseScore(b []byte) (float64, bool) {
	x, ok := parseFloat64(b)
	switch {
	case !ok, math.IsInf(x, 0) && !namesInfinity(b):
		return 0, false
	case x == 0:
		mantissa, _, _ := bytes.Cut(bytes.ToLower(b), []byte("e"))
		hexadecimal := bytes.ContainsAny(b, "xX")
		if hexadecimal {
			mantissa, _, _ = bytes.Cut(bytes.ToLower(b), []byte("p"))
		}
		if bytes.ContainsAny(mantissa, "123456789") || hexadecimal && bytes.ContainsAny(mantissa, "abcdef") {
			return 0, false
		}
	}
	return x, true
}

// ParseReach reads an end of a range of scores: a number behind a parenthesis when it is excluded. Blanks before the number are
// skipped, nothing is 0, and what is beyond the range of a float64 is an infinity.
func ParseReach(b []byte) (Reach[float64], bool) {
	var r Reach[float64]
	if len(b) > 0 && b[0] == '(' {
		r.Excluded, b = true, b[1:]
	}
	if len(b) == 0 {
		return r, true
	}
	var ok bool
	r.At, ok = parseFloat64(bytes.TrimLeft(b, " \t\n\v\f\r"))
	return r, ok
}

func namesInfinity(b []byte) bool { return bytes.ContainsAny(b, "iI") }

// parseFloat64 reads what strtod reads. Of what Go reads as well it leaves out NaN and underscores, and it takes hexadecimal digits
// without an exponent.
func parseFloat64(b []byte) (float64, bool) {
	if len(b) == 0 || bytes.ContainsAny(b, "_") {
		return 0, false
	}
	text := string(b)
	if strings.ContainsAny(text, "xX") && !strings.ContainsAny(text, "pP") {
		text += "p0"
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(x, 0) {
		return 0, false
	}
	return x, !math.IsNaN(x)
}

// ParseMemberReach reads an end of a range of members: - or +, or a member behind a bracket, or a parenthesis when it is
// excluded.
func ParseMemberReach(b []byte) (Reach[string], bool) {
	switch {
	case string(b) == "-":
		return Reach[string]{Beyond: -1}, true
	case string(b) == "+":
		return Reach[string]{Beyond: 1}, true
	case len(b) > 0 && (b[0] == '[' || b[0] == '('):
		return Reach[string]{At: string(b[1:]), Excluded: b[0] == '('}, true
	default:
		return Reach[string]{}, false
	}
}
