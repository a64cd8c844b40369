package kind

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Where the cells of an ordered type are in rows, the store derives local rows from them, named by localRow (1 byte), the type
// (1), a level (1) and a spot:
//
//   - level 0: the spots of all members of a sorted set, without a value. Lists and streams need none, for their cells are in
//     order by themselves.
//   - levels 1 and 2: counts. One spot in 256 is on level 1, one in 65,536 on level 2, chosen by a hash. A row tells how
//     many elements stand from its spot up to the next of its level; one with the empty spot counts those before the first.
//
// So the rank of a spot is a walk over a few rows of each level, and a change of one element touches one row of each: a
// skip list (Pugh, 1990) with widths, whose shape depends on the elements alone.
const (
	localRow  = 0xf1
	fanout    = 256
	topLevel  = 2
	localSpot = 3 // where the spot begins in a name
)

// LocalRows are the rows of one object in the store, with those that are derived.
type LocalRows interface {
	object.Rows
	// Put writes a local row.
	Put(name object.CellName, payload []byte)
	// Remove removes a local row.
	Remove(name object.CellName)
}

// index is the order of the elements of one type in rows.
type index struct {
	rows object.Rows
	kind object.Kind
}

func (x index) name(level byte, spot Spot) object.CellName {
	b := make([]byte, 0, localSpot+len(spot))
	b = append(b, localRow, byte(x.kind), level)
	return object.CellName(append(b, spot...))
}

// walk visits the spots from one on, upwards.
func (x index) walk(from Spot, visit func(Spot) bool) {
	if x.kind == object.ZSet {
		x.level(0, from, func(s Spot, _ int64) bool { return visit(s) })
		return
	}
	x.rows.Each(object.CellName([]byte{byte(x.kind)})+object.CellName(from), func(c *object.Cell) bool {
		if c.Name.Kind() != x.kind {
			return false
		}
		s, ok := spotOf(c.Name, c.Versions)
		return !ok || visit(s)
	})
}

// back visits the spots below one, downwards.
func (x index) back(before Spot, visit func(Spot) bool) {
	if x.kind == object.ZSet {
		x.rows.Back(x.name(0, before), func(c *object.Cell) bool {
			s, ok := x.spot(0, c.Name)
			return ok && visit(s)
		})
		return
	}
	x.rows.Back(object.CellName([]byte{byte(x.kind)})+object.CellName(before), func(c *object.Cell) bool {
		if c.Name.Kind() != x.kind {
			return false
		}
		s, ok := spotOf(c.Name, c.Versions)
		return !ok || visit(s)
	})
}

// spot is that of a local row, false when it is not of the type and level.
func (x index) spot(level byte, name object.CellName) (Spot, bool) {
	if len(name) < localSpot || name[0] != localRow || name[1] != byte(x.kind) || name[2] != level {
		return "", false
	}
	return Spot(name[localSpot:]), true
}

// level visits the rows of a level from a spot on.
func (x index) level(level byte, from Spot, visit func(Spot, int64) bool) {
	x.rows.Each(x.name(level, from), func(c *object.Cell) bool {
		s, ok := x.spot(level, c.Name)
		return ok && visit(s, countOf(c.Versions))
	})
}

// floor is the row of a level that counts a spot.
func (x index) floor(level byte, spot Spot) (at Spot, n int64) {
	x.rows.Back(x.name(level, spot)+"\x00", func(c *object.Cell) bool {
		if s, ok := x.spot(level, c.Name); ok {
			at, n = s, countOf(c.Versions)
		}
		return false
	})
	return at, n
}

func countOf(versions []causal.Version) int64 {
	if len(versions) == 0 {
		return 0
	}
	n, _ := binary.Uvarint(versions[0].Payload)
	return int64(n)
}

// between counts the elements from a spot of a level up to another, by the level below.
func (x index) between(level byte, from, to Spot) (n int64) {
	if level == 1 {
		x.walk(from, func(s Spot) bool {
			if s < to {
				n++
			}
			return s < to
		})
		return n
	}
	x.level(level-1, from, func(s Spot, count int64) bool {
		if s < to {
			n += count
		}
		return s < to
	})
	return n
}

// onLevel reports whether a spot has a row on a level.
func onLevel(level byte, spot Spot) bool {
	mask := uint64(1)
	for range level {
		mask *= fanout
	}
	return xxh3.HashString(string(spot))&(mask-1) == 0
}

// ranked reports whether elements of a type are found by rank.
func ranked(kind object.Kind) bool { return kind == object.List || kind == object.ZSet }

// ordered reports whether elements of a type stand in an order of their own.
func ordered(kind object.Kind) bool { return ranked(kind) || kind == object.Stream }

// Derive brings the local rows of an object up to date with the change of one cell, which rows and known already have. known
// is what is known of the rows of its type.
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
	w := writableIndex{index{rows, kind}, rows}
	if was {
		w.remove(from)
	}
	if is {
		w.insert(to)
	}
	if known == nil {
		return
	}
	if is {
		widen(known, to)
	}
	if was {
		w.narrow(known, from)
	}
}

type writableIndex struct {
	index
	to LocalRows
}

func (w writableIndex) put(level byte, spot Spot, n int64) {
	w.to.Put(w.name(level, spot), binary.AppendUvarint(nil, uint64(max(n, 0))))
}

func (w writableIndex) insert(spot Spot) {
	if !ranked(w.kind) {
		return
	}
	if w.kind == object.ZSet {
		w.to.Put(w.name(0, spot), nil)
	}
	for level := byte(1); level <= topLevel; level++ {
		at, n := w.floor(level, spot)
		if !onLevel(level, spot) {
			w.put(level, at, n+1)
			continue
		}
		below := w.between(level, at, spot)
		w.put(level, at, below)
		w.put(level, spot, n-below+1)
	}
}

func (w writableIndex) remove(spot Spot) {
	if !ranked(w.kind) {
		return
	}
	if w.kind == object.ZSet {
		w.to.Remove(w.name(0, spot))
	}
	for level := byte(1); level <= topLevel; level++ {
		at, n := w.floor(level, spot)
		if at != spot || spot == "" {
			w.put(level, at, n-1)
			continue
		}
		w.to.Remove(w.name(level, spot))
		before, m := w.floor(level, spot)
		w.put(level, before, m+n-1)
	}
}

// widen notes that an element stands at a spot.
func widen(known *object.KindCount, spot Spot) {
	if known.Elements == 1 {
		known.Low, known.High = string(spot), string(spot)+"\x00"
		return
	}
	if string(spot) < known.Low {
		known.Low = string(spot)
	}
	if known.High != "" && string(spot) >= known.High {
		known.High = string(spot) + "\x00"
	}
}

// narrow notes that nothing stands any more at what was an end.
func (w writableIndex) narrow(known *object.KindCount, gone Spot) {
	first, last := true, true
	w.walk(Spot(known.Low), func(s Spot) bool {
		first = s > gone
		return false
	})
	if first {
		known.Low = string(gone) + "\x00"
		return
	}
	high := EndSpot
	if known.High != "" {
		high = Spot(known.High)
	}
	w.back(high, func(s Spot) bool {
		last = s < gone
		return false
	})
	if last {
		known.High = string(gone)
	}
}
