package kind

import (
	"bytes"
	"math/big"
)

// decimals is how many digits Redis prints behind the point of a long double.
const decimals = 17

// unitsPerOne is 10^decimals: fractions are counted in units of 10⁻¹⁷.
var unitsPerOne = big.NewInt(1e17)

// unitsOf is the decimal that Redis prints for a finite x, in units.
func unitsOf(x *big.Float) amount {
	text := []byte(x.Text('f', decimals))
	point := len(text) - decimals - 1
	units, _ := new(big.Int).SetString(string(append(text[:point], text[point+1:]...)), 10)
	return amountOf(units)
}

// formatUnits prints a decimal without trailing zeros, and without a point when it is whole.
func formatUnits(a amount) []byte {
	units := a.big()
	text := new(big.Int).Abs(units).Append(nil, 10)
	if missing := decimals + 1 - len(text); missing > 0 {
		text = append(bytes.Repeat([]byte{'0'}, missing), text...)
	}
	point := len(text) - decimals
	out := make([]byte, 0, len(text)+2)
	if units.Sign() < 0 {
		out = append(out, '-')
	}
	out = append(out, text[:point]...)
	if fraction := bytes.TrimRight(text[point:], "0"); len(fraction) > 0 {
		out = append(append(out, '.'), fraction...)
	}
	return out
}
