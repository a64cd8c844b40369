package engine

import (
	"math"
	"math/rand/v2"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// Random elements are drawn from runs. That of a small collection has all its elements. Of a large one a run begins at a random place and
// goes round at the end, as if the first element came behind the last; after some draws there is another. Elements are in the order of a
// hash, so neighbors have nothing to do with each other.
const (
	drawRows = 512
	// drawRowsLeast and drawBytes bound runs of large elements. All runs of one collection have about the same number of rows.
	drawRowsLeast = 32
	drawBytes     = 256 << 10
	// drawsOf is how many rows there are in a run for each draw from it: so many that one draw tells little of the next.
	drawsOf = 8
	// drawTries is how often an element is drawn that the batch has changed, before the others are looked at one by one.
	drawTries = 16
)

// Draw is a random element among those that the batch has not changed, nil when none was found so.
func (r *pendingRows) Draw(k object.Kind, of *object.Kept) *object.Cell {
	if r.fresh {
		return nil
	}
	n := r.shard.runs.noted(r.generation)
	from := n.drawn(k)
	if from == nil {
		if from = r.drawFrom(n, k, of); from == nil {
			return nil
		}
	}
	from.idle = 0
	rows := from.rows.Len()
	for i, at := 0, 0; rows > 0 && i < drawTries+rows; i++ {
		if at = (at + 1) % rows; i < drawTries {
			at = rand.IntN(rows)
		}
		name, versions, _ := from.rows.GetAt(at)
		if _, changed := r.changes.Get(name); !changed {
			if from.draws--; from.draws <= 0 {
				r.shard.runs.give(n, from)
			}
			return &object.Cell{Name: name, Versions: versions}
		}
	}
	r.shard.runs.give(n, from)
	return nil
}

// drawn is the run from which elements of a type are to be drawn.
func (n *nearRows) drawn(k object.Kind) *run {
	for _, r := range n.runs {
		if r.draws > 0 && r.low.Kind() == k {
			return r
		}
	}
	return nil
}

// drawFrom makes a run to draw from, nil when there is nothing.
func (r *pendingRows) drawFrom(n *nearRows, k object.Kind, of *object.Kept) *run {
	total := of.Count(k).Elements
	most := int(min(drawRows, max(drawRowsLeast, drawBytes/(rowCost+of.Bytes/max(1, of.Rest())))))
	if total <= int64(most) {
		out := r.read(n, k, 0, most+r.changes.Len()) // those that the batch has removed are still in the store
		if out != nil && out.high == endOfKind(k) {
			out.draws = math.MaxInt // all are in it
		}
		return out
	}
	if n.round == 0 {
		out := r.read(n, k, kind.Place(rand.Uint32()), most)
		switch {
		case out == nil:
			n.round = most
		case out.high == endOfKind(k):
			n.round = most - out.rows.Len()
		}
		if out != nil && out.draws > 0 {
			return out
		}
	}
	rows := max(1, n.round)
	n.round = 0
	return r.read(n, k, 0, rows)
}

// read reads a run, and has as many elements drawn from it as are due to its length.
func (r *pendingRows) read(n *nearRows, k object.Kind, from kind.Place, rows int) *run {
	out := r.shard.fill(n, r.generation, &run{low: kind.PlaceName(k, from), high: endOfKind(k), most: 2 * rows, mostBytes: math.MaxInt}, rows)
	if out != nil {
		out.draws = (out.rows.Len() + rand.IntN(drawsOf)) / drawsOf
	}
	return out
}

// endOfKind is above the names of the elements of a type.
func endOfKind(k object.Kind) object.CellName { return object.CellName([]byte{byte(k) + 1}) }
