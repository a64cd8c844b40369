package object

import (
	"iter"
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/rank"
)

// Rows are the cells of an object that a store keeps in rows of their own, for there are many. What cannot be read counts as
// not there; it is for whoever provides the rows to tell that this happened.
type Rows interface {
	// Versions are the live versions of a cell, none when it is not there.
	Versions(name CellName) []causal.Version
	// Each visits the cells from a name on, in the order of their names, until visit returns false. A cell is valid during
	// its visit. From a local name on it visits local rows, else it ends before them.
	Each(from CellName, visit func(*Cell) bool)
	// Back visits the cells below a name in falling order, or the local rows below a local name.
	Back(before CellName, visit func(*Cell) bool)
	// Ranks are counts of a type's elements in their order, and the rows of the moment that they are from. done must be
	// called after use.
	Ranks(kind Kind) (widths *rank.Widths, rows Rows, done func())
}

// CellsEnd is above the names of all cells. What is above it is local: rows that a store derives from the cells, such as
// the order of a sorted set, and that are not part of the object. Their versions are one, without a payload and a dot.
const CellsEnd CellName = "\xf0"

// The names of local rows are from LocalBegin on, below LocalEnd.
const (
	LocalBegin CellName = "\xf1"
	LocalEnd   CellName = "\xff"
)

// Local reports whether the name is that of a row which a store has derived.
func (n CellName) Local() bool { return n != "" && n[0] > CellsEnd[0] }

// Kept is what an object knows of the cells that it does not hold itself. It is this store's own affair: replicas of one
// object may keep their cells differently.
type Kept struct {
	// Generation tells the rows of this object from those that the key had before it was last cleared.
	Generation causal.Time
	// Counts tell of the rows, for each type that has any, in the order of the types.
	Counts []KindCount
	// Bytes is about what the cells in rows take.
	Bytes int64
	// Rows are the rows as the counts describe them.
	Rows Rows
	// Changed are the cells that are different from Rows, in the order of their names; one without versions is gone.
	Changed []Cell
}

// KindCount is what is known of the rows of one type.
type KindCount struct {
	Kind Kind
	// Elements is the number of cells that make the key exist, Attributes that of the others.
	Elements, Attributes int64
	// Newest is the newest version among the elements; it may be newer than that when Inexact, for the newest may be gone.
	Newest  causal.Dot
	Inexact bool
	// Of an ordered type the first element stands at Low, the last right below High. Where many elements have been removed
	// from an end, a walk would pass what is left of their rows.
	Low, High string
}

// InRow reports whether a store may keep the cell in a row of its own. Strings, and what belongs to no type, are always
// with the object.
func (n CellName) InRow() bool { return n.Owner() > String }

// Placed reports whether the cell is an element that is named by where it stands. Such elements are come to by walks.
func (n CellName) Placed() bool { return n.Kind() == List || n.Kind() == Stream && len(n) > 1 }

// Owner is the type whose values the cell is part of: its kind, or of an attribute the type that it belongs to.
func (n CellName) Owner() Kind {
	if len(n) > 1 && n[0] == 0 && Kind(n[1]) <= Stream {
		return Kind(n[1])
	}
	return n.Kind()
}

// with returns k with more changes.
func (k *Kept) with(changed []Cell) *Kept {
	if len(changed) == 0 {
		return k
	}
	if len(k.Changed) > 0 {
		changed = merged(k.Changed, changed)
	}
	return k.replaced(changed)
}

// replaced returns k with other changes in place of its own.
func (k *Kept) replaced(changed []Cell) *Kept {
	out := *k
	out.Changed = changed
	return &out
}

// Replace takes a change of a cell into the counts. Either may be without versions.
func (k *Kept) Replace(before, after *Cell) {
	owner := after.Name.Owner()
	i := slices.IndexFunc(k.Counts, func(c KindCount) bool { return c.Kind >= owner })
	if i < 0 {
		i = len(k.Counts)
	}
	if i == len(k.Counts) || k.Counts[i].Kind != owner {
		k.Counts = slices.Insert(k.Counts, i, KindCount{Kind: owner})
	}
	k.Counts[i].Replace(after.Name, before.Versions, after.Versions)
	if len(before.Versions) > 0 {
		k.Bytes -= int64(before.Size())
	}
	if len(after.Versions) > 0 {
		k.Bytes += int64(after.Size())
	}
	if k.Counts[i].Elements+k.Counts[i].Attributes == 0 {
		k.Counts = slices.Delete(k.Counts, i, i+1)
	}
}

// Rest is the number of rows, changes aside.
func (k *Kept) Rest() (n int64) {
	for _, c := range k.Counts {
		n += c.Elements + c.Attributes
	}
	return n
}

// Settle finds out what the newest elements are where that is not known and matters: when there are several types, the
// newest decides which of them shows. others says that there are elements that are not in rows.
func (k *Kept) Settle(others bool) {
	if len(k.Counts) < 2 && !others {
		return
	}
	for i := range k.Counts {
		c := &k.Counts[i]
		if !c.Inexact {
			continue
		}
		c.Newest, c.Inexact = causal.Dot{}, false
		k.Rows.Each(CellName([]byte{byte(c.Kind)}), func(cell *Cell) bool {
			if cell.Name.Kind() != c.Kind {
				return false
			}
			if dot := cell.Newest().Dot; c.Newest.Compare(dot) < 0 {
				c.Newest = dot
			}
			return true
		})
	}
}

// Stored are the versions of a cell in the rows, changes aside. What cannot be there is not looked for: a cell of a type that has
// none, or beyond the ends of a type whose names are in the order of the elements.
func (k *Kept) Stored(name CellName) []causal.Version {
	if of := name.Kind(); of != None {
		c := k.Known(of)
		if c == nil {
			return nil
		}
		if name.Placed() && c.High != "" && (name[1:] < CellName(c.Low) || name[1:] >= CellName(c.High)) {
			return nil
		}
	}
	return k.Rows.Versions(name)
}

// cell is a cell of the rows as the changes leave it, nil when it is not there.
func (k *Kept) cell(name CellName) *Cell {
	if i, ok := findCell(k.Changed, name); ok {
		if len(k.Changed[i].Versions) == 0 {
			return nil
		}
		return &k.Changed[i]
	}
	if v := k.Stored(name); len(v) > 0 {
		return &Cell{Name: name, Versions: v}
	}
	return nil
}

// Count is what is known of the rows of one type, changes included.
func (k *Kept) Count(kind Kind) KindCount {
	out := KindCount{Kind: kind}
	for _, c := range k.Counts {
		if c.Kind == kind {
			out = c
		}
	}
	for i := range k.Changed {
		if c := &k.Changed[i]; c.Name.Owner() == kind {
			out.Replace(c.Name, k.Stored(c.Name), c.Versions)
		}
	}
	return out
}

// Replace takes into account that a cell has other versions than before; either may be none.
func (c *KindCount) Replace(name CellName, before, after []causal.Version) {
	difference := int64(0)
	if len(before) > 0 {
		difference--
	}
	if len(after) > 0 {
		difference++
	}
	if name.Kind() == None {
		c.Attributes += difference
		return
	}
	c.Elements += difference
	var newest causal.Dot
	if len(after) > 0 {
		newest = after[len(after)-1].Dot
	}
	switch {
	case c.Newest.Compare(newest) <= 0:
		c.Newest, c.Inexact = newest, false
	case len(before) > 0 && before[len(before)-1].Dot == c.Newest:
		c.Inexact = true
	}
}

// empty reports whether no row makes the key exist.
func (k *Kept) empty() bool {
	if len(k.Changed) == 0 {
		return !slices.ContainsFunc(k.Counts, func(c KindCount) bool { return c.Elements > 0 })
	}
	for kind := String + 1; kind <= Stream; kind++ {
		if k.Count(kind).Elements > 0 {
			return false
		}
	}
	return true
}

// newest calls take with each type that has elements in rows, and their newest version.
func (k *Kept) newest(take func(Kind, causal.Dot)) {
	if len(k.Changed) == 0 {
		for i := range k.Counts {
			if c := &k.Counts[i]; c.Elements > 0 {
				take(c.Kind, c.Newest)
			}
		}
		return
	}
	for kind := String + 1; kind <= Stream; kind++ {
		if c := k.Count(kind); c.Elements > 0 {
			take(kind, c.Newest)
		}
	}
}

// Known is what is known of the rows of one type, changes aside; nil when it has none.
func (k *Kept) Known(kind Kind) *KindCount {
	for i := range k.Counts {
		if k.Counts[i].Kind == kind {
			return &k.Counts[i]
		}
	}
	return nil
}

// raised is where a walk upwards from a name can begin as well.
func (k *Kept) raised(from CellName) CellName {
	if c := k.Known(from.Kind()); c != nil && c.Low != "" && c.Named() && len(from) > 0 && from[1:] < CellName(c.Low) && !c.hasBare(from) {
		return from[:1] + CellName(c.Low)
	}
	return from
}

// Named reports whether elements are named by where they stand. Members of a sorted set are not.
func (c *KindCount) Named() bool { return c.Kind != ZSet }

// hasBare reports whether a walk from a name may find a cell that is named by its type alone and stands nowhere.
func (c *KindCount) hasBare(from CellName) bool { return c.Kind == Stream && len(from) == 1 }

// lowered is where a walk downwards from a name can begin as well.
func (k *Kept) lowered(before CellName) CellName {
	if len(before) == 0 {
		return before
	}
	of := before.Kind()
	if len(before) == 1 {
		of-- // all of the type below
	}
	if c := k.Known(of); c != nil && c.High != "" && c.Named() {
		return min(before, CellName([]byte{byte(of)})+CellName(c.High))
	}
	return before
}

// Each visits the cells of the rows from a name on, changes included.
func (k *Kept) Each(from CellName, visit func(*Cell) bool) {
	next, _ := findCell(k.Changed, from)
	stopped := false
	changesBefore := func(name CellName, all bool) {
		for ; next < len(k.Changed) && !stopped && (all || k.Changed[next].Name < name); next++ {
			if c := &k.Changed[next]; len(c.Versions) > 0 {
				stopped = !visit(c)
			}
		}
	}
	k.Rows.Each(k.raised(from), func(c *Cell) bool {
		changesBefore(c.Name, false)
		if !stopped && (next == len(k.Changed) || k.Changed[next].Name != c.Name) {
			stopped = !visit(c)
		}
		return !stopped
	})
	changesBefore("", true)
}

// Back visits the cells of the rows below a name in falling order, changes included.
func (k *Kept) Back(before CellName, visit func(*Cell) bool) {
	next, _ := findCell(k.Changed, before)
	stopped := false
	changesAbove := func(name CellName) {
		for ; next > 0 && !stopped && k.Changed[next-1].Name > name; next-- {
			if c := &k.Changed[next-1]; len(c.Versions) > 0 {
				stopped = !visit(c)
			}
		}
	}
	k.Rows.Back(k.lowered(before), func(c *Cell) bool {
		changesAbove(c.Name)
		if !stopped && (next == 0 || k.Changed[next-1].Name != c.Name) {
			stopped = !visit(c)
		}
		return !stopped
	})
	changesAbove("")
}

// From yields the cells from a name on in the order of their names, wherever they are kept. A cell is valid until the next.
func (o *Object) From(name CellName) iter.Seq[*Cell] {
	return func(yield func(*Cell) bool) {
		next, _ := o.find(name)
		stopped := false
		if o.Kept != nil {
			o.Kept.Each(name, func(c *Cell) bool {
				for ; next < len(o.Cells) && o.Cells[next].Name < c.Name && !stopped; next++ {
					stopped = !yield(&o.Cells[next])
				}
				stopped = stopped || !yield(c)
				return !stopped
			})
		}
		for ; next < len(o.Cells) && !stopped; next++ {
			stopped = !yield(&o.Cells[next])
		}
	}
}

// Back yields the cells whose names are below one, in falling order, wherever they are kept. A cell is valid until the next.
func (o *Object) Back(before CellName) iter.Seq[*Cell] {
	return func(yield func(*Cell) bool) {
		next, _ := o.find(before)
		stopped := false
		if o.Kept != nil {
			o.Kept.Back(before, func(c *Cell) bool {
				for ; next > 0 && o.Cells[next-1].Name > c.Name && !stopped; next-- {
					stopped = !yield(&o.Cells[next-1])
				}
				stopped = stopped || !yield(c)
				return !stopped
			})
		}
		for ; next > 0 && !stopped; next-- {
			stopped = !yield(&o.Cells[next-1])
		}
	}
}

// Count is the number of elements of a type: of its cells, attributes aside.
func (o *Object) Count(kind Kind) int64 {
	if o.Kept != nil && kind > String {
		return o.Kept.Count(kind).Elements
	}
	from, _ := o.find(CellName([]byte{byte(kind)}))
	to, _ := o.find(CellName([]byte{byte(kind) + 1}))
	return int64(to - from)
}

// NumCells is the number of cells, wherever they are kept.
func (o *Object) NumCells() int {
	if o.Kept == nil {
		return len(o.Cells)
	}
	return len(o.Cells) + int(o.Kept.Rest())
}

// HasAttributes reports whether there are cells that belong to a type and do not make the key exist.
func (o *Object) HasAttributes(kind Kind) bool {
	if o.Kept != nil {
		return o.Kept.Count(kind).Attributes > 0
	}
	at, _ := o.find(CellName([]byte{byte(None), byte(kind)}))
	return at < len(o.Cells) && o.Cells[at].Name.Kind() == None && o.Cells[at].Name.Owner() == kind
}

// Whole is the object with all its cells in it.
func (o *Object) Whole() *Object {
	if o == nil || o.Kept == nil {
		return o
	}
	out := &Object{Context: o.Context, Birth: o.Birth}
	for c := range o.From("") {
		out.Cells = append(out.Cells, c.Clone())
	}
	return out
}

// Part divides cells into those that are with the object and those that are in rows, each in order.
func Part(cells []Cell) (inline, inRows []Cell) {
	for _, c := range cells {
		if c.Name.InRow() {
			inRows = append(inRows, c)
		} else {
			inline = append(inline, c)
		}
	}
	return inline, inRows
}

// overlay is merged without the cells that are gone.
func overlay(cells, changed []Cell) []Cell {
	return slices.DeleteFunc(merged(cells, changed), func(c Cell) bool { return len(c.Versions) == 0 })
}

// merged is sorted cells with others in their place, or between them.
func merged(cells, changed []Cell) []Cell {
	out := make([]Cell, 0, len(cells)+len(changed))
	i, j := 0, 0
	for i < len(cells) || j < len(changed) {
		switch {
		case j == len(changed) || i < len(cells) && cells[i].Name < changed[j].Name:
			out = append(out, cells[i])
			i++
		case i == len(cells) || changed[j].Name < cells[i].Name:
			out = append(out, changed[j])
			j++
		default:
			out = append(out, changed[j])
			i++
			j++
		}
	}
	return out
}
