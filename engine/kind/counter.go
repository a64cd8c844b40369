package kind

import (
	"math/big"
	"strconv"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// tally is a string taken apart: the newest value and what is to be added to it.
type tally struct {
	base       []byte // nil without a value
	baseDot    causal.Dot
	increments []object.Cell
	settled    settled
}

func tallyOf(o *object.Object) tally {
	cells := o.Prefixed(stringPrefix)
	var t tally
	if len(cells) > 0 && cells[0].Name == object.ValueCell {
		t.base, t.baseDot = sketched(&cells[0]), cells[0].Newest().Dot
		if t.base == nil {
			t.base = []byte{}
		}
		cells = cells[1:]
	}
	if len(cells) > 0 {
		t.increments, t.settled = cells, settledOf(o)
	}
	return t
}

// newest is the dot of the latest write that the shown value is made of.
func (t *tally) newest() causal.Dot {
	dot := t.baseDot
	for i := range t.increments {
		if d := t.increments[i].Newest().Dot; dot.Compare(d) < 0 {
			dot = d
		}
	}
	return dot
}

// sum adds up what counts in ones and what counts in units. fractions reports whether any of the latter is there.
func (t *tally) sum() (whole, fraction amount, fractions bool) {
	for i := range t.increments {
		c := &t.increments[i]
		v := c.Newest()
		inc, ok := readIncrement(c.Name, v.Dot.Time, v.Payload)
		switch {
		case !ok:
		case inc.counts() == units:
			fraction, fractions = fraction.plus(t.settled.rest(inc)), true
		default:
			whole = whole.plus(t.settled.rest(inc))
		}
	}
	return whole, fraction, fractions
}

// integer is the exact sum when the value and all increments are integers.
func (t *tally) integer() (amount, bool) {
	var base int64
	if t.base != nil {
		var ok bool
		if base, ok = ParseInt(t.base); !ok {
			return amount{}, false
		}
	}
	whole, _, fractions := t.sum()
	return whole.plus(amount{small: base}), !fractions
}

// decimal is the exact sum in units when the value is a finite number, after rounding it as Redis would.
func (t *tally) decimal() (amount, bool) {
	var base amount
	if t.base != nil {
		x, ok := ParseFloat(t.base)
		if !ok || x.IsInf() {
			return amount{}, false
		}
		base = unitsOf(x)
	}
	whole, fraction, _ := t.sum()
	return base.plus(whole.times(unitsPerOne)).plus(fraction), true
}

// text is what is shown, nil when there is neither a value nor an increment.
func (t *tally) text() []byte {
	if len(t.increments) == 0 {
		return t.base
	}
	if sum, ok := t.integer(); ok {
		return strconv.AppendInt(nil, sum.saturated(), 10)
	}
	if sum, ok := t.decimal(); ok {
		return formatUnits(sum)
	}
	return t.base
}

// Addition is an increment that may be made: what it makes of the value shown has been checked.
type Addition struct {
	counts byte
	delta  amount
}

// Add is the addition of delta to the integer that o shows, 0 when o is nil, and what is shown then. It fails with
// ErrNotInteger or ErrOverflow.
func Add(o *object.Object, delta int64) (Addition, int64, error) {
	var t tally
	if o != nil {
		t = tallyOf(o)
	}
	return t.add(delta)
}

func (t *tally) add(delta int64) (Addition, int64, error) {
	sum, ok := t.integer()
	if !ok {
		// Fractions may have come together to an integer that fits.
		shown, fits := ParseInt(t.text())
		if !fits {
			return Addition{}, 0, ErrNotInteger
		}
		sum = amount{small: shown}
	}
	if _, ok := addInt(sum.saturated(), delta); !ok {
		return Addition{}, 0, ErrOverflow
	}
	by := amount{small: delta}
	return Addition{ones, by}, sum.plus(by).saturated(), nil
}

// AddFloat is the addition of delta to the number that o shows, 0 when o is nil, and what is shown then. It fails with
// ErrNotFloat or ErrNotFinite.
func AddFloat(o *object.Object, delta *big.Float) (Addition, []byte, error) {
	var t tally
	if o != nil {
		t = tallyOf(o)
	}
	return t.addFloat(delta)
}

func (t *tally) addFloat(delta *big.Float) (Addition, []byte, error) {
	before, finite := t.decimal()
	text := t.base
	if finite && len(t.increments) > 0 || text == nil {
		text = formatUnits(before)
	}
	x, ok := ParseFloat(text)
	if !ok {
		return Addition{}, nil, ErrNotFloat
	}
	if x.IsInf() || delta.IsInf() {
		return Addition{}, nil, ErrNotFinite
	}
	if x.Add(x, delta); x.MantExp(nil) > maxExponent {
		return Addition{}, nil, ErrNotFinite
	}
	after := unitsOf(x)
	return Addition{units, after.minus(before)}, formatUnits(after), nil
}

// Make makes the addition to the object that it was computed for: it goes to the running total of the edit's actor, or
// begins one.
func (a Addition) Make(e *object.Edit) {
	name := incrementName(a.counts, e.Dot().Actor)
	i := increment{name: name, epoch: e.Dot().Time}
	if c := e.Cell(name); c != nil {
		v := c.Newest()
		i, _ = readIncrement(name, v.Dot.Time, v.Payload)
	}
	i.total = i.total.plus(a.delta)
	e.Put(name, i.payload(make([]byte, 0, 16)))
}
