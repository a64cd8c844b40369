package kind

import (
	"iter"
	"math/rand/v2"
	"strings"

	"github.com/kindredkv/kindred/engine/object"
)

const (
	// wholeDraw is the number of elements up to which a draw reads all.
	wholeDraw = 512
	// window is how many neighbors a draw from a large collection chooses from. The element behind a random place alone
	// would be the likelier the larger the gap before it.
	window = 32
)

// Drawer are rows that have parts of a collection in memory, to draw from.
type Drawer interface {
	// Draw is the cell of a random element of a type, nil when none was found so. of is what is known of the rows.
	Draw(kind object.Kind, of *object.Kept) *object.Cell
}

// Draw yields n random elements, fewer when there are no more. With again one may come more than once, and there are n.
func Draw(o *object.Object, kind object.Kind, n int64, again bool) iter.Seq[Element] {
	total := o.Count(kind)
	switch {
	case n == 0 || total == 0:
		return func(func(Element) bool) {}
	case !again && n >= total:
		return Elements(o, kind, 0)
	}
	if n == 1 {
		if el, ok := drawOne(o, kind); ok {
			return func(yield func(Element) bool) { yield(el) }
		}
	}
	switch {
	case total <= wholeDraw || !again && n > total/4:
		return drawFromAll(o, kind, n, again)
	default:
		return drawFromWindows(o, kind, n, again)
	}
}

// drawOne draws an element from what the rows have in memory. It is false when they have nothing, or there are changes that they do
// not know of.
func drawOne(o *object.Object, kind object.Kind) (el Element, ok bool) {
	if o.Kept == nil || len(o.Kept.Changed) > 0 {
		return el, false
	}
	if rows, ok := o.Kept.Rows.(Drawer); ok {
		if c := rows.Draw(kind, o.Kept); c != nil {
			return elementOf(c)
		}
	}
	return el, false
}

func (el Element) clone() Element {
	c := &object.Cell{Name: object.CellName(strings.Clone(string(el.cell.Name)))}
	for _, v := range el.cell.Versions {
		v.Payload = append([]byte(nil), v.Payload...)
		c.Versions = append(c.Versions, v)
	}
	return Element{el.Place, string(c.Name[elementAt:]), c}
}

func drawFromAll(o *object.Object, kind object.Kind, n int64, again bool) iter.Seq[Element] {
	var all []Element
	for el := range Elements(o, kind, 0) {
		all = append(all, el.clone())
	}
	return func(yield func(Element) bool) {
		for i := 0; int64(i) < n && (again || i < len(all)) && len(all) > 0; i++ {
			if again {
				if !yield(all[rand.IntN(len(all))]) {
					return
				}
				continue
			}
			j := i + rand.IntN(len(all)-i)
			all[i], all[j] = all[j], all[i]
			if !yield(all[i]) {
				return
			}
		}
	}
}

func drawFromWindows(o *object.Object, kind object.Kind, n int64, again bool) iter.Seq[Element] {
	return func(yield func(Element) bool) {
		drawn := map[string]bool{}
		for left := n; left > 0; {
			el, ok := drawNear(o, kind, Place(rand.Uint32()))
			if !ok {
				return
			}
			if !again && drawn[el.Name] {
				continue
			}
			if !again {
				drawn[el.Name] = true
			}
			if left--; !yield(el) {
				return
			}
		}
	}
}

// drawNear is one of the elements from a place on. Behind the last comes the first.
func drawNear(o *object.Object, kind object.Kind, from Place) (near Element, ok bool) {
	ahead := rand.IntN(window)
	for range 2 {
		for el := range Elements(o, kind, from) {
			if ahead == 0 {
				return el.clone(), true
			}
			ahead--
		}
		from = 0
	}
	return near, false
}
