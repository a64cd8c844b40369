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

// Push adds values at an end of a list, one after the other.
func Push(e *object.Edit, side Side, values ...[]byte) {
	step, index := int64(1), int64(0)
	if side == Left {
		step = -1
	}
	if e.Touched(pushedName(e.Dot(), side, 0)) {
		index = afterOwn(e, side, step)
	}
	for _, v := range values {
		e.Put(pushedName(e.Dot(), side, index), bytes.Clone(v))
		index += step
	}
}

// afterOwn is the next index of an edit that has pushed at this end before. Where nothing is left of that it begins anew.
func afterOwn(e *object.Edit, side Side, step int64) int64 {
	own, _ := anchorOf(Spot(pushedName(e.Dot(), side, 0)[1:]))
	for it := range Items(e.Object(), side, "") {
		if last, index := anchorOf(it.Spot); last != "" && last[:anchorSize] == own[:anchorSize] {
			return index + step
		}
		break
	}
	return 0
}

// Insert adds a value beside an element of a list, at the side of it that is given. It fails with ErrNoRoom.
func Insert(e *object.Edit, pivot Spot, side Side, value []byte) error {
	spot, ok := besideSpot(e.Dot(), pivot, neighbor(e.Object(), pivot, side), side)
	if !ok {
		return ErrNoRoom
	}
	e.Put(listName(spot), bytes.Clone(value))
	return nil
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

// RemoveItem removes an element of a list and reports whether it was there.
func RemoveItem(e *object.Edit, spot Spot) bool {
	name := listName(spot)
	if e.Cell(name) == nil {
		return false
	}
	e.Remove(name)
	return true
}

// Pop removes up to n elements from an end of a list that the edit has as its base, and returns their values in the order in
// which they go.
func Pop(e *object.Edit, side Side, n int64) (values [][]byte) {
	var spots []Spot
	for it := range Items(e.Object(), side, "") {
		if n--; n < 0 {
			break
		}
		spots = append(spots, it.Spot.clone())
		values = append(values, bytes.Clone(it.Value()))
	}
	for _, s := range spots {
		e.Remove(listName(s))
	}
	return values
}

func (s Spot) clone() Spot { return Spot(strings.Clone(string(s))) }

// copyItems puts the elements of a list into an empty one, at the positions that they have. So it does no harm when it
// happens twice.
func copyItems(e *object.Edit, o *object.Object) {
	for it := range Items(o, Left, "") {
		e.Put(listName(it.Spot), bytes.Clone(it.Value()))
	}
}
