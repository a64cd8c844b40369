package kind

import (
	"bytes"
	"errors"
	"iter"
	"strings"

	"github.com/kindredkv/kindred/engine/object"
)

// ErrNoRoom says that so many elements were inserted between two of a list that there is no position for another.
var ErrNoRoom = errors.New("too many elements were inserted at this place of the list")

// Item is an element of a list. It is valid until the next is asked for.
type Item struct {
	Spot Spot
	cell *object.Cell
}

// Value is the value of the element. The caller must not change it.
func (it Item) Value() []byte { return it.cell.Newest().Payload }

// Items yields the elements of a list from one end to the other, or from a spot on when it is not empty: that one
// included upwards from Left, that one excluded downwards from Right. A nil object is a key that does not exist.
func Items(o *object.Object, from Side, spot Spot) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		if o == nil {
			return
		}
		cells := o.From(listName(spot))
		if from == Right {
			end := listName(spot)
			if spot == "" {
				end = object.CellName([]byte{byte(object.List) + 1})
			}
			cells = o.Back(end)
		}
		for c := range cells {
			if c.Name.Kind() != object.List || !yield(Item{Spot(c.Name[1:]), c}) {
				return
			}
		}
	}
}

// nearEnd is how far from an end an element is found by walking there.
const nearEnd = 128

// ItemAt is the element of an index, which counts from 0 at the left or from -1 downwards at the right.
func ItemAt(o *object.Object, index int64) (Item, bool) {
	if o == nil {
		return Item{}, false
	}
	side, skip := Left, index
	if index < 0 {
		side, skip = Right, -1-index
	} else if n := o.Count(object.List); index >= n {
		return Item{}, false
	} else if n-1-index < index {
		side, skip, index = Right, n-1-index, index-n
	}
	if skip < nearEnd {
		for it := range Items(o, side, "") {
			if skip--; skip < 0 {
				return it.clone(), true
			}
		}
		return Item{}, false
	}
	spot, ok := SpotAt(o, object.List, index)
	if !ok {
		return Item{}, false
	}
	return itemOf(o, spot)
}

// ItemsFrom yields the elements of a list from an index on, which is not negative.
func ItemsFrom(o *object.Object, index int64) iter.Seq[Item] {
	var from Spot
	if index >= nearEnd {
		it, ok := ItemAt(o, index)
		if !ok {
			return func(func(Item) bool) {}
		}
		from, index = it.Spot.clone(), 0
	}
	return func(yield func(Item) bool) {
		skip := index
		for it := range Items(o, Left, from) {
			if skip--; skip < 0 && !yield(it) {
				return
			}
		}
	}
}

// clone is the item to be kept.
func (it Item) clone() Item {
	c := it.cell.Clone()
	return Item{Spot(c.Name[1:]), &c}
}

func itemOf(o *object.Object, spot Spot) (Item, bool) {
	if c := o.Cell(listName(spot)); c != nil {
		return Item{spot, c}, true
	}
	return Item{}, false
}

// Push adds values at an end of a list, one after the other, and returns the spot of the last.
func Push(e *object.Edit, side Side, values ...[]byte) (last Spot) {
	n := pushedBefore(e, side)
	for _, v := range values {
		name := pushedName(e.Dot(), side, n)
		e.Put(name, bytes.Clone(v))
		last = Spot(name[1:])
		n++
	}
	return last
}

// pushedBefore is how many elements this edit has pushed at an end, those included that it has removed again. Their numbers go
// from 0 on without a gap.
func pushedBefore(e *object.Edit, side Side) int64 {
	isNumber := func(n int64) bool { return e.Touched(pushedName(e.Dot(), side, n)) }
	if !isNumber(0) {
		return 0
	}
	low, high := int64(0), int64(1) // low is one
	for isNumber(high) {
		low, high = high, 2*high
	}
	for low+1 < high {
		if middle := (low + high) / 2; isNumber(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// SpotsOf are the spots of up to limit elements that have a value, from one end on.
func SpotsOf(o *object.Object, from Side, value []byte, limit int64) (found []Spot) {
	for it := range Items(o, from, "") {
		if bytes.Equal(it.Value(), value) {
			found = append(found, it.Spot.clone())
			if int64(len(found)) == limit {
				break
			}
		}
	}
	return found
}

// GapBeside is the place beside an element of a list, at one side of it. It fails with ErrNoRoom.
func GapBeside(o *object.Object, pivot Spot, side Side) (Gap, error) {
	gap, ok := gapBeside(pivot, neighbor(o, pivot, side), side)
	if !ok {
		return "", ErrNoRoom
	}
	return gap, nil
}

// Insert adds a value to a list at a place.
func Insert(e *object.Edit, at Gap, value []byte) {
	e.Put(insertedName(e.Dot(), at), bytes.Clone(value))
}

// neighbor is the spot of the element at one side of another, empty when that is the last there.
func neighbor(o *object.Object, of Spot, side Side) Spot {
	from := of
	if side == Right {
		from += "\x00" // what comes first behind it
	}
	for it := range Items(o, !side, from) {
		return it.Spot.clone()
	}
	return ""
}

// SetItem gives an element of a list another value.
func SetItem(e *object.Edit, spot Spot, value []byte) { e.Put(listName(spot), bytes.Clone(value)) }

// HasItem reports whether a list has an element at a spot. A nil object is a key that does not exist.
func HasItem(o *object.Object, spot Spot) bool { return o != nil && o.Cell(listName(spot)) != nil }

// RemoveItem removes an element of a list and reports whether it was there.
func RemoveItem(e *object.Edit, spot Spot) bool {
	name := listName(spot)
	if e.Cell(name) == nil {
		return false
	}
	e.Remove(name)
	return true
}

// Pop removes up to n elements from an end of a list, and returns their values in the order in which they go.
func Pop(e *object.Edit, side Side, n int64) (values [][]byte) {
	o := e.Object()
	var spots []Spot
	for it := range Items(o, side, "") {
		if n--; n < 0 {
			break
		}
		spots = append(spots, it.Spot.clone())
		values = append(values, bytes.Clone(it.Value()))
	}
	if int64(len(spots)) == o.Count(object.List) && clearBut(e, o, nil) {
		return values
	}
	for _, s := range spots {
		e.Remove(listName(s))
	}
	return values
}

// Trim removes all elements but n from an index on. It costs what stays or what goes, whichever is less.
func Trim(e *object.Edit, first, n int64) {
	o := e.Object()
	total := o.Count(object.List)
	n = max(0, min(n, total-first))
	if n < total-n {
		var stay []Spot
		for it := range ItemsFrom(o, first) {
			if int64(len(stay)) == n {
				break
			}
			stay = append(stay, it.Spot.clone())
		}
		if clearBut(e, o, stay) {
			return
		}
	}
	left, right := min(first, total), total-first-n
	if n == 0 {
		left, right = total, 0
	}
	Pop(e, Left, left)
	Pop(e, Right, right)
}

// clearBut clears a list in rows but for some elements, where this edit has changed nothing yet and there is nothing else
// under the key. Else it does nothing.
func clearBut(e *object.Edit, o *object.Object, stay []Spot) bool {
	deadline := 0
	if o.Cell(object.ExpiryCell) != nil {
		deadline = 1
	}
	if e.Changed() || o.Kept == nil || int64(o.NumCells()) != o.Count(object.List)+int64(deadline) {
		return false
	}
	e.Clear()
	for _, s := range stay {
		e.Keep(listName(s))
	}
	e.Keep(object.ExpiryCell) // until End
	return true
}

func (s Spot) clone() Spot { return Spot(strings.Clone(string(s))) }

// copyItems puts the elements of a list into an empty one, at the positions that they have. So it does no harm when it
// happens twice.
func copyItems(e *object.Edit, o *object.Object) {
	for it := range Items(o, Left, "") {
		e.Put(listName(it.Spot), bytes.Clone(it.Value()))
	}
}
