package kind

import (
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Cells of lists and streams are in the order of the elements by their names. For a sorted set whose cells are in rows the
// store derives one local row a member: localRow (1 byte), the type (1) and the spot.
const (
	localRow  = 0xf1
	localSpot = 2 // where the spot begins in a name
)

// index is the order of the elements of one type in rows.
type index struct {
	rows object.Rows
	kind object.Kind
}

// name is that of the row from which a spot is read.
func (x index) name(spot Spot) object.CellName {
	b := make([]byte, 0, localSpot+len(spot))
	if x.kind == object.ZSet {
		b = append(b, localRow)
	}
	return object.CellName(text(append(append(b, byte(x.kind)), spot...)))
}

// spot is where the element of a row stands. ok is false of rows that are no elements, within of those behind the last.
func (x index) spot(c *object.Cell) (s Spot, ok, within bool) {
	if x.kind == object.ZSet {
		if len(c.Name) < localSpot || c.Name[0] != localRow || c.Name[1] != byte(x.kind) {
			return "", false, false
		}
		return Spot(c.Name[localSpot:]), true, true
	}
	if c.Name.Kind() != x.kind {
		return "", false, false
	}
	s, ok = spotOf(c.Name, c.Versions)
	return s, ok, true
}

// walk visits the spots from one on, upwards.
func (x index) walk(from Spot, visit func(Spot) bool) {
	x.rows.Each(x.name(from), func(c *object.Cell) bool {
		s, ok, within := x.spot(c)
		return within && (!ok || visit(s))
	})
}

// back visits the spots below one, downwards.
func (x index) back(before Spot, visit func(Spot) bool) {
	x.rows.Back(x.name(before), func(c *object.Cell) bool {
		s, ok, within := x.spot(c)
		return within && (!ok || visit(s))
	})
}

// FirstRow is a name at or below those of all rows that tell the order of a type's elements.
func FirstRow(kind object.Kind) object.CellName { return index{nil, kind}.name("") }

// SpotOfRow is where the element stands whose place a row tells. It is false of other rows.
func SpotOfRow(kind object.Kind, name object.CellName) (Spot, bool) {
	s, ok, within := index{nil, kind}.spot(&object.Cell{Name: name, Versions: []causal.Version{{}}})
	return s, ok && within
}

// Walk visits the spots of a type's elements in rows from one on, upwards.
func Walk(rows object.Rows, kind object.Kind, from string, visit func(string) bool) {
	index{rows, kind}.walk(Spot(from), func(s Spot) bool { return visit(string(s)) })
}

// ordered reports whether elements of a type stand in an order of their own.
func ordered(kind object.Kind) bool {
	return kind == object.List || kind == object.ZSet || kind == object.Stream
}

// LocalRows are the rows of one object in the store, with those that are derived.
type LocalRows interface {
	object.Rows
	// Put writes a local row.
	Put(name object.CellName)
	// Remove removes a local row.
	Remove(name object.CellName)
	// Count keeps the ranks of a type up to date with an element that is new or, with added false, gone.
	Count(kind object.Kind, spot string, added bool)
}

// Derive brings the local rows of an object up to date with the change of one cell, which rows and known already have. known
// is what is known of the rows of its type, nil when it has none left.
func Derive(rows LocalRows, known *object.KindCount, name object.CellName, before, after []causal.Version) {
	kind := name.Kind()
	if !ordered(kind) {
		return
	}
	from, was := spotOf(name, before)
	to, is := spotOf(name, after)
	if was == is && from == to {
		return
	}
	x := index{rows, kind}
	if was {
		if kind == object.ZSet {
			rows.Remove(x.name(from))
		}
		rows.Count(kind, string(from), false)
	}
	if is {
		if kind == object.ZSet {
			rows.Put(x.name(to))
		}
		rows.Count(kind, string(to), true)
	}
	if known == nil {
		return
	}
	if is {
		widen(known, to)
	}
	if was {
		x.narrow(known, from)
	}
}

// widen notes that an element stands at a spot.
func widen(known *object.KindCount, spot Spot) {
	if known.Elements == 1 {
		known.Low, known.High = string(spot), behind(spot)
		return
	}
	known.Low = min(known.Low, string(spot))
	if string(spot) >= known.High {
		known.High = behind(spot)
	}
}

// behind is right above a spot.
func behind(spot Spot) string { return string(spot) + "\x00" }

// isBehind reports whether s is right above a spot.
func isBehind(s string, spot Spot) bool {
	return len(s) == len(spot)+1 && s[len(spot)] == 0 && s[:len(spot)] == string(spot)
}

// narrow finds the first or last element anew when it has gone.
func (x index) narrow(known *object.KindCount, gone Spot) {
	switch {
	case string(gone) == known.Low:
		x.walk(gone, func(s Spot) bool {
			known.Low = string(s)
			return false
		})
	case isBehind(known.High, gone):
		x.back(gone, func(s Spot) bool {
			known.High = behind(s)
			return false
		})
	}
}
