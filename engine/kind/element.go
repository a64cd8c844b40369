package kind

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"unsafe"

	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/engine/object"
)

// An element of a collection, such as a field of a hash or a member of a set, has a cell that is named by the type (1 byte),
// its place (4) and the element itself. What else there is to say of an element is in attributes: cells named by None (1
// byte), the type (1), what it is (1), the place (4) and the element.
const (
	placeAt     = 1
	placeSize   = 4
	elementAt   = placeAt + placeSize
	attributeAt = 3
)

// Place is where an element stands in the order in which a collection is scanned: a hash of it, the same on every node.
type Place uint32

func placeOf(element []byte) Place { return Place(xxh3.Hash(element)) }

func elementName(kind object.Kind, element []byte) object.CellName {
	b := make([]byte, 0, elementAt+len(element))
	b = append(b, byte(kind))
	b = binary.BigEndian.AppendUint32(b, uint32(placeOf(element)))
	return object.CellName(text(append(b, element...)))
}

func attributeName(kind object.Kind, what byte, element []byte) object.CellName {
	b := make([]byte, 0, attributeAt+placeSize+len(element))
	b = append(b, byte(object.None), byte(kind), what)
	b = binary.BigEndian.AppendUint32(b, uint32(placeOf(element)))
	return object.CellName(text(append(b, element...)))
}

// text is b as a string without a copy. b must not change afterwards.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Element is one element of a collection. It is valid until the next is asked for.
type Element struct {
	Place Place
	Name  string
	cell  *object.Cell
}

// Elements yields the elements of a collection from a place on, in the order of their places.
func Elements(o *object.Object, kind object.Kind, from Place) iter.Seq[Element] {
	return func(yield func(Element) bool) {
		for c := range o.From(PlaceName(kind, from)) {
			if c.Name.Kind() != kind {
				return
			}
			if el, ok := elementOf(c); ok && !yield(el) {
				return
			}
		}
	}
}

// elementOf is the element of a cell. It is false of cells that are named by their type alone.
func elementOf(c *object.Cell) (el Element, ok bool) {
	if len(c.Name) < elementAt {
		return el, false
	}
	place := Place(binary.BigEndian.Uint32([]byte(c.Name[placeAt:elementAt])))
	return Element{place, string(c.Name[elementAt:]), c}, true
}

// PlaceName is below the names of the elements of a type from a place on.
func PlaceName(kind object.Kind, from Place) object.CellName {
	return object.CellName(binary.BigEndian.AppendUint32([]byte{byte(kind)}, uint32(from)))
}

// All yields all elements of a collection. A small one comes in the order in which its elements were last written, a sorted set
// in its own, as clients of Redis see small collections; a large one in the order of places.
func All(o *object.Object, kind object.Kind) iter.Seq[Element] {
	if o.Kept != nil {
		return Elements(o, kind, 0)
	}
	all := slices.Collect(Elements(o, kind, 0))
	if kind == object.ZSet {
		slices.SortFunc(all, func(a, b Element) int { return cmp.Compare(a.spot(), b.spot()) })
		return slices.Values(all)
	}
	slices.SortStableFunc(all, func(a, b Element) int { return a.cell.Versions[0].Dot.Compare(b.cell.Versions[0].Dot) })
	return slices.Values(all)
}

// has reports whether the collection has the element.
func has(o *object.Object, kind object.Kind, element []byte) bool {
	return o != nil && o.Cell(elementName(kind, element)) != nil
}

// Begin is called before elements are added. A collection that does not exist must not get a deadline that was left when the
// key was removed.
func Begin(e *object.Edit) { dropDeadline(e) }

// End is called after elements were removed.
func End(e *object.Edit) { dropDeadline(e) }

func dropDeadline(e *object.Edit) {
	if e.Cell(object.ExpiryCell) != nil && e.Object().Tombstone() {
		e.Remove(object.ExpiryCell)
	}
}
