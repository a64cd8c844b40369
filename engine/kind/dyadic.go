package kind

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
)

// dyadic is an exact number: an odd integer times a power of two, or 0. All finite float64s are dyadic, and so is every sum of
// them, which has at most some 2,100 bits.
type dyadic struct {
	odd   amount
	power int
}

// The powers that sums of float64s come to.
const (
	leastPower    = -1074
	greatestPower = 1100
)

// dyadicOf is a finite float64; another one is taken for 0.
func dyadicOf(x float64) dyadic {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return dyadic{}
	}
	fraction, power := math.Frexp(x)
	return dyadic{amount{small: int64(fraction * (1 << 53))}, power - 53}.reduced()
}

// reduced makes the integer odd.
func (d dyadic) reduced() dyadic {
	if d.odd.large != nil {
		zeros := d.odd.large.TrailingZeroBits()
		return dyadic{amountOf(new(big.Int).Rsh(d.odd.large, zeros)), d.power + int(zeros)}
	}
	if d.odd.small == 0 {
		return dyadic{}
	}
	zeros := bits.TrailingZeros64(uint64(d.odd.small))
	return dyadic{amount{small: d.odd.small >> zeros}, d.power + zeros}
}

func (d dyadic) plus(o dyadic) dyadic {
	least := min(d.power, o.power)
	return dyadic{d.odd.shifted(d.power - least).plus(o.odd.shifted(o.power - least)), least}.reduced()
}

func (d dyadic) minus(o dyadic) dyadic {
	least := min(d.power, o.power)
	return dyadic{d.odd.shifted(d.power - least).minus(o.odd.shifted(o.power - least)), least}.reduced()
}

// shifted is a times a power of two.
func (a amount) shifted(by int) amount {
	if a.large == nil {
		if shifted := a.small << by; by < 64 && shifted>>by == a.small {
			return amount{small: shifted}
		}
	}
	return amountOf(new(big.Int).Lsh(a.big(), uint(by)))
}

// float64 is the nearest float64, an infinity beyond the greatest.
func (d dyadic) float64() float64 {
	const exact = 1 << 53
	if d.odd.large == nil && -exact <= d.odd.small && d.odd.small <= exact {
		return math.Ldexp(float64(d.odd.small), d.power)
	}
	x := new(big.Float).SetInt(d.odd.big())
	nearest, _ := x.SetMantExp(x, d.power).Float64()
	return nearest
}

// appendDyadic appends the power (2 bytes) and the integer.
func appendDyadic(b []byte, d dyadic) []byte {
	return appendAmount(binary.BigEndian.AppendUint16(b, uint16(int16(d.power))), d.odd)
}

// decodeDyadic reads what appendDyadic wrote. It reports false when b is something else.
func decodeDyadic(b []byte) (dyadic, bool) {
	const longest = 2 + 1 + (greatestPower-leastPower)/8 + 8
	if len(b) < 2 || len(b) > longest {
		return dyadic{}, false
	}
	power := int(int16(binary.BigEndian.Uint16(b)))
	if power < leastPower || power > greatestPower {
		return dyadic{}, false
	}
	return dyadic{decodeAmount(b[2:]), power}, true
}
