package kind

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/object"
)

// listWorld is a world whose replicas hold a list. The values of an element begin with its number, and no two are the same.
type listWorld struct {
	*world
	effects  []effect // of each of ops
	elements []element
	before   map[[2]int]bool // of two elements, whether the first was seen before the second
}

// element is how an element came into the list.
type element struct {
	op    int
	how   string // "left", "right" or "insert"
	pivot int    // the one that it was inserted beside
}

// effect is what an op does to elements: the values that it gives, and those that it removes.
type effect struct {
	puts  map[int]string
	kills map[version]bool
}

type version struct{ op, element int }

var errNothing = errors.New("nothing to do")

func newListWorld(t *rapid.T) *listWorld {
	return &listWorld{world: newWorld(t), before: map[[2]int]bool{}}
}

// change runs a change of the list, and follows what it does.
func (w *listWorld) change(r *replica, body func(e *object.Edit, x *effect) error) {
	w.write(r, func(e *object.Edit, _ *op) error {
		x := effect{map[int]string{}, map[version]bool{}}
		if err := body(e, &x); err != nil {
			return err
		}
		End(e)
		w.effects = append(w.effects, x)
		return nil
	})
}

// add makes an element that the present op adds, and returns its value.
func (w *listWorld) add(x *effect, how string, pivot int) []byte {
	id := len(w.elements)
	w.elements = append(w.elements, element{len(w.ops), how, pivot})
	x.puts[id] = fmt.Sprintf("%d.", id)
	return []byte(x.puts[id])
}

// kill notes that all that a replica sees of an element goes.
func (w *listWorld) kill(r *replica, x *effect, id int) {
	for v := range w.live(r, id) {
		x.kills[v] = true
	}
	delete(x.puts, id)
}

// live are the values of an element that are alive at a replica.
func (w *listWorld) live(r *replica, id int) map[version]string {
	out := map[version]string{}
	for i := range r.knows {
		if value, ok := w.effects[i].puts[id]; ok {
			out[version{i, id}] = value
		}
	}
	for i := range r.knows {
		for v := range w.effects[i].kills {
			delete(out, v)
		}
	}
	return out
}

func sideNamed(side Side) string {
	if side == Right {
		return "right"
	}
	return "left"
}

func (w *listWorld) side() Side { return Side(w.int("side", 0, 1) == 1) }

func (w *listWorld) push(e *object.Edit, x *effect) {
	side := w.side()
	var values [][]byte
	for range w.int("elements", 1, 3) {
		values = append(values, w.add(x, sideNamed(side), 0))
	}
	Push(e, side, values...)
}

func (w *listWorld) pop(r *replica, e *object.Edit, x *effect) {
	for _, value := range Pop(e, w.side(), int64(w.int("pop", 1, 3))) {
		w.kill(r, x, addedAs(value))
	}
}

// pick is an element that a replica shows, and its index.
func (w *listWorld) pick(r *replica) (it Item, index int64, ok bool) {
	n := orEmpty(r.object).Count(object.List)
	if n == 0 {
		return Item{}, 0, false
	}
	index = int64(w.int("index", 0, int(n)-1))
	it, _ = ItemAt(r.object, index-n*int64(w.int("from the end", 0, 1)))
	return it, index, true
}

func (w *listWorld) step() {
	r := w.replica("at")
	switch w.int("step", 0, 17) {
	case 0, 1, 2:
		w.change(r, func(e *object.Edit, x *effect) error {
			w.push(e, x)
			return nil
		})
	case 3, 4:
		w.change(r, func(e *object.Edit, x *effect) error {
			if w.pop(r, e, x); !e.Changed() {
				return errNothing
			}
			return nil
		})
	case 5: // several commands in one edit, as in a transaction
		w.change(r, func(e *object.Edit, x *effect) error {
			w.push(e, x)
			w.push(e, x)
			w.pop(r, e, x)
			w.push(e, x)
			return nil
		})
	case 6, 7, 8:
		w.insertOne(r)
	case 9:
		w.setOne(r)
	case 10:
		w.removeOne(r)
	case 11:
		w.trim(r)
	case 12:
		w.change(r, func(e *object.Edit, x *effect) error {
			for it := range Items(e.Object(), Left, "") {
				w.kill(r, x, addedAs(it.Value()))
			}
			Clear(e)
			return nil
		})
	case 13:
		r.birth = 0
	case 14:
		if to := w.replica("hand over to"); to != r {
			w.join(to, r)
			*r = replica{node: r.node, knows: opSet{}}
		}
	case 15:
		w.join(r, w.replica("from"))
	default:
		w.deliver(r)
	}
	for _, r := range w.replicas {
		w.check(r)
	}
}

func (w *listWorld) insertOne(r *replica) {
	it, _, ok := w.pick(r)
	if !ok {
		return
	}
	w.change(r, func(e *object.Edit, x *effect) error {
		gap, err := GapBeside(r.object, it.Spot, w.side())
		if err != nil {
			w.t.Fatal(err)
		}
		Insert(e, gap, w.add(x, "insert", addedAs(it.Value())))
		return nil
	})
}

func (w *listWorld) setOne(r *replica) {
	it, _, ok := w.pick(r)
	if !ok {
		return
	}
	w.change(r, func(e *object.Edit, x *effect) error {
		id := addedAs(it.Value())
		w.kill(r, x, id)
		x.puts[id] = fmt.Sprintf("%d.%d", id, w.now)
		SetItem(e, it.Spot, []byte(x.puts[id]))
		return nil
	})
}

func (w *listWorld) removeOne(r *replica) {
	it, _, ok := w.pick(r)
	if !ok {
		return
	}
	w.change(r, func(e *object.Edit, x *effect) error {
		if !RemoveItem(e, it.Spot) {
			w.t.Fatalf("%s is not there", it.Value())
		}
		w.kill(r, x, addedAs(it.Value()))
		return nil
	})
}

func (w *listWorld) trim(r *replica) {
	_, first, ok := w.pick(r)
	if !ok {
		return
	}
	w.change(r, func(e *object.Edit, x *effect) error {
		n, i := int64(w.int("stay", 0, 5)), int64(0)
		for it := range Items(r.object, Left, "") {
			if i < first || i >= first+n {
				w.kill(r, x, addedAs(it.Value()))
			}
			i++
		}
		if Trim(e, first, n); !e.Changed() {
			return errNothing
		}
		return nil
	})
}

func addedAs(value []byte) int {
	number, _, _ := strings.Cut(string(value), ".")
	id, _ := strconv.Atoi(number)
	return id
}

// check compares what a replica shows with what the writes that it knows of say.
func (w *listWorld) check(r *replica) {
	var ids []int
	there := map[int]bool{}
	for it := range Items(r.object, Left, "") {
		id := addedAs(it.Value())
		ids, there[id] = append(ids, id), true
		newest, dot := "", -1
		for v, value := range w.live(r, id) {
			if v.op > dot { // ops are in the order of their times
				newest, dot = value, v.op
			}
		}
		if string(it.Value()) != newest {
			w.t.Fatalf("node %d shows %s, want %q", r.node, it.Value(), newest)
		}
	}
	for i := range r.knows {
		for id := range w.effects[i].puts {
			if !there[id] && len(w.live(r, id)) > 0 {
				w.t.Fatalf("node %d lacks element %d: %s", r.node, id, shown(r.object))
			}
		}
	}
	if orEmpty(r.object).Tombstone() != (len(ids) == 0) {
		w.t.Fatalf("node %d shows %s, and the key exists or not", r.node, shown(r.object))
	}
	w.checkBack(r, ids)
	w.checkOrder(r, ids)
	w.checkPushes(r, ids)
	w.checkInsertions(r, ids)
}

func (w *listWorld) checkBack(r *replica, ids []int) {
	i := len(ids)
	for it := range Items(r.object, Right, "") {
		if i--; i < 0 || addedAs(it.Value()) != ids[i] {
			w.t.Fatalf("node %d shows another list from the right", r.node)
		}
	}
}

// checkOrder: two elements are seen in one order, by everybody and for ever.
func (w *listWorld) checkOrder(r *replica, ids []int) {
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			if w.before[[2]int{b, a}] {
				w.t.Fatalf("node %d shows %d before %d, which was the other way round: %v", r.node, a, b, ids)
			}
			w.before[[2]int{a, b}] = true
		}
	}
}

// checkPushes: what is pushed at one end is in the order of time, and what one op pushes there is together.
func (w *listWorld) checkPushes(r *replica, ids []int) {
	pushed := slices.DeleteFunc(slices.Clone(ids), func(id int) bool { return w.elements[id].how == "insert" })
	order := func(id int) int { // ids are given in the order of time
		if w.elements[id].how == "left" {
			return -1 - id
		}
		return id
	}
	if !slices.IsSortedFunc(pushed, func(a, b int) int { return cmp.Compare(order(a), order(b)) }) {
		w.t.Fatalf("node %d has pushed elements in the order %v", r.node, pushed)
	}
}

// checkInsertions: between an element and the one that it was inserted beside is nothing but what was inserted.
func (w *listWorld) checkInsertions(r *replica, ids []int) {
	for i, id := range ids {
		j := slices.Index(ids, w.elements[id].pivot)
		if w.elements[id].how != "insert" || j < 0 {
			continue
		}
		for _, other := range ids[min(i, j)+1 : max(i, j)] {
			if w.elements[other].how != "insert" {
				w.t.Fatalf("node %d has %d between %d and %d: %v", r.node, other, id, w.elements[id].pivot, ids)
			}
		}
	}
}

func TestListsConverge(t *testing.T) { converging(t, 5, 60, newListWorld) }

// settle brings all replicas together, after which they must be equal.
func (w *listWorld) settle() {
	w.settleAll(w.check)
	for _, r := range w.replicas[1:] {
		if !maps.Equal(w.replicas[0].knows, r.knows) {
			w.t.Fatalf("replicas know of different writes after joining")
		}
	}
}
