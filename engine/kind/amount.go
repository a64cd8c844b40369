package kind

import (
	"encoding/binary"
	"math"
	"math/big"
)

// amount is an integer of any size. Nearly all fit an int64, and those cost no allocation.
type amount struct {
	small int64
	large *big.Int // instead of small, when that is too narrow; never changed
}

func amountOf(x *big.Int) amount {
	if x.IsInt64() {
		return amount{small: x.Int64()}
	}
	return amount{large: x}
}

func (a amount) big() *big.Int {
	if a.large != nil {
		return a.large
	}
	return big.NewInt(a.small)
}

func (a amount) plus(b amount) amount {
	if a.large == nil && b.large == nil {
		if sum, ok := addInt(a.small, b.small); ok {
			return amount{small: sum}
		}
	}
	return amountOf(new(big.Int).Add(a.big(), b.big()))
}

func (a amount) minus(b amount) amount {
	if a.large == nil && b.large == nil && b.small != math.MinInt64 {
		if difference, ok := addInt(a.small, -b.small); ok {
			return amount{small: difference}
		}
	}
	return amountOf(new(big.Int).Sub(a.big(), b.big()))
}

// times multiplies by a factor.
func (a amount) times(factor *big.Int) amount {
	return amountOf(new(big.Int).Mul(a.big(), factor))
}

// saturated is the int64 nearest to a.
func (a amount) saturated() int64 {
	switch {
	case a.large == nil:
		return a.small
	case a.large.Sign() < 0:
		return math.MinInt64
	default:
		return math.MaxInt64
	}
}

// addInt adds, and reports whether the sum fits.
func addInt(a, b int64) (int64, bool) {
	sum := a + b
	return sum, (sum > a) == (b > 0)
}

// appendAmount appends a as the fewest big-endian bytes in two's complement when it is small, else as a byte for the sign
// and the magnitude, at least 9 bytes together. The length tells the two apart, so it must be known to who decodes.
func appendAmount(b []byte, a amount) []byte {
	if a.large != nil {
		sign := byte(0)
		if a.large.Sign() < 0 {
			sign = 1
		}
		return append(append(b, sign), a.large.Bytes()...)
	}
	var full [8]byte
	binary.BigEndian.PutUint64(full[:], uint64(a.small))
	skip := 0
	for skip < 7 && (full[skip] == 0 && full[skip+1] < 0x80 || full[skip] == 0xff && full[skip+1] >= 0x80) {
		skip++
	}
	return append(b, full[skip:]...)
}

// decodeAmount reads what appendAmount wrote. Any bytes are some amount.
func decodeAmount(b []byte) amount {
	if len(b) <= 8 {
		var n uint64
		if len(b) > 0 && b[0] >= 0x80 {
			n = math.MaxUint64
		}
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		return amount{small: int64(n)}
	}
	x := new(big.Int).SetBytes(b[1:])
	if b[0] != 0 {
		x.Neg(x)
	}
	return amountOf(x)
}
