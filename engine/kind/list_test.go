package kind

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

func push(side Side, values ...string) func(*object.Edit) {
	return func(e *object.Edit) {
		for _, v := range values {
			Push(e, side, []byte(v))
		}
	}
}

func pop(side Side, n int64) func(*object.Edit) {
	return func(e *object.Edit) {
		Pop(e, side, n)
		End(e)
	}
}

// insert adds value beside the first element that is pivot.
func insert(t *testing.T, side Side, pivot, value string) func(*object.Edit) {
	return func(e *object.Edit) {
		found := SpotsOf(e.Object(), Left, []byte(pivot), 1)
		if len(found) == 0 {
			t.Fatalf("no %s in %s", pivot, shown(e.Object()))
		}
		gap, err := GapBeside(e.Object(), found[0], side)
		if err != nil {
			t.Fatal(err)
		}
		Insert(e, gap, []byte(value))
	}
}

func setTo(index int64, value string) func(*object.Edit) {
	return func(e *object.Edit) {
		it, _ := ItemAt(e.Object(), index)
		SetItem(e, it.Spot, []byte(value))
	}
}

// shown is a list from left to right.
func shown(o *object.Object) string {
	var out []string
	for it := range Items(o, Left, "") {
		out = append(out, string(it.Value()))
	}
	return strings.Join(out, " ")
}

func TestIndexesAreInOrder(t *testing.T) {
	var all []string
	for _, i := range []int64{-1 << 63, -1 << 40, -70000, -300, -98, -97, -96, -2, -1, 0, 1, 95, 96, 97, 300, 70000, 1 << 40, 1<<63 - 1} {
		b := appendIndex(nil, i)
		if len(b) != indexSize(b[0]) {
			t.Errorf("%d is % x, of %d bytes", i, b, indexSize(b[0]))
		}
		all = append(all, string(b))
	}
	if !slices.IsSorted(all) {
		t.Errorf("% x", all)
	}
	for i := 1; i < len(all); i++ {
		if strings.HasPrefix(all[i], all[i-1]) {
			t.Errorf("% x begins with % x", all[i], all[i-1])
		}
	}
}

func TestPushesAndPops(t *testing.T) {
	o := at(nil, 1, 10, push(Right, "c", "d"))
	o = at(o, 1, 11, push(Left, "b", "a"))
	o = at(o, 2, 12, push(Right, "e"))
	if got := shown(o); got != "a b c d e" {
		t.Fatalf("shows %s", got)
	}
	o = at(at(o, 2, 13, pop(Left, 2)), 1, 14, pop(Right, 1))
	if got := shown(o); got != "c d" {
		t.Fatalf("shows %s", got)
	}
	if o = at(o, 1, 15, pop(Left, 5)); !o.Tombstone() {
		t.Errorf("left: %s", shown(o))
	}
}

// One edit may push several times, as a transaction does.
func TestOneEditPushesOften(t *testing.T) {
	o := at(at(nil, 1, 1, push(Right, "m")), 1, 2, func(e *object.Edit) {
		for i := range 300 {
			push(Right, fmt.Sprint("r", i))(e)
			push(Left, fmt.Sprint("l", i))(e)
		}
		Pop(e, Left, 299)
		Pop(e, Right, 299)
		push(Right, "z")(e)
		push(Left, "a")(e)
	})
	if got := shown(o); got != "a l0 m r0 z" {
		t.Errorf("shows %s", got)
	}
}

// What is pushed is at the end although a node sees nothing of the list that it is the end of: what it has seen was popped.
func TestPushIsBehindWhatWasPopped(t *testing.T) {
	base := at(nil, 1, 10, push(Right, "a", "b"))
	emptied := at(at(base, 1, 20, pop(Left, 2)), 1, 21, push(Right, "c"))
	both := object.Join(emptied, at(base, 2, 15, setTo(1, "B")))
	if got := shown(both); got != "B c" {
		t.Errorf("shows %s", got)
	}
}

// A list that is used as a queue, or turned around, has positions as short as in the beginning.
func TestPositionsStayShort(t *testing.T) {
	o := at(nil, 1, 1, push(Right, "a", "b", "c"))
	for i := range 2000 {
		o = at(o, causal.Node(1+i%2), causal.Time(10+i), func(e *object.Edit) {
			Push(e, Side(i%3 == 0), Pop(e, Side(i%2 == 0), 1)...)
		})
	}
	for it := range Items(o, Left, "") {
		if len(it.Spot) != anchorSize+2 {
			t.Errorf("a position of %d bytes", len(it.Spot))
		}
	}
}

// Insertions at one place make positions longer slowly, whatever their order.
func TestInsertionsAtOnePlace(t *testing.T) {
	for name, next := range map[string]func(list []Spot, latest, i int) (pivot int, side Side){
		"before one":     func(list []Spot, latest, i int) (int, Side) { return len(list) - 1, Left },
		"behind one":     func(list []Spot, latest, i int) (int, Side) { return 0, Right },
		"before latest":  func(list []Spot, latest, i int) (int, Side) { return latest, Left },
		"behind latest":  func(list []Spot, latest, i int) (int, Side) { return latest, Right },
		"around latest":  func(list []Spot, latest, i int) (int, Side) { return latest, Side(i%2 == 0) },
		"from both ends": func(list []Spot, latest, i int) (int, Side) { return (len(list) - 1) * (i % 2), Side(i%2 == 0) },
		"anywhere":       func(list []Spot, latest, i int) (int, Side) { return rand.IntN(len(list)), Side(rand.IntN(2) == 0) },
	} {
		t.Run(name, func(t *testing.T) {
			dot := causal.Dot{Actor: causal.Actor{Node: 1 << 60}, Time: 1 << 56}
			list := []Spot{Spot(pushedName(dot, Right, 0)[1:]), Spot(pushedName(dot, Right, 1)[1:])}
			latest, longest := 0, 0
			const many = 2000
			for i := range many {
				pivot, side := next(list, latest, i)
				dot.Time++
				at, outer := pivot, Spot("")
				if side == Right {
					at++
				}
				if at > 0 && side == Left {
					outer = list[pivot-1]
				} else if side == Right && at < len(list) {
					outer = list[at]
				}
				gap, ok := gapBeside(list[pivot], outer, side)
				if !ok {
					t.Fatalf("no room after %d", i)
				}
				s := Spot(insertedName(dot, gap)[1:])
				if at > 0 && s <= list[at-1] || at < len(list) && s >= list[at] {
					t.Fatalf("% x is not between its neighbors, % x", s, list)
				}
				list = slices.Insert(list, at, s)
				latest, longest = at, max(longest, len(s))
			}
			bound := 80
			if name == "around latest" { // the gap is halved each time
				bound = 1000
			}
			if longest > bound {
				t.Errorf("after %d insertions positions have %d bytes", many, longest)
			}
			t.Logf("%d bytes", longest)
		})
	}
}

// Two nodes push in the same tick of their clocks: what each pushes is together.
func TestPushesAtOneTime(t *testing.T) {
	base := at(nil, 1, 5, push(Right, "m"))
	change := func(names string) func(*object.Edit) {
		return func(e *object.Edit) {
			push(Right, names+"1", names+"2")(e)
			push(Left, names+"3", names+"4")(e)
		}
	}
	both := object.Join(at(base, 1, 10, change("a")), at(base, 2, 10, change("b")))
	if got := shown(both); got != "a4 a3 b4 b3 m a1 a2 b1 b2" {
		t.Errorf("shows %s", got)
	}
}

// Elements that two sides insert at one place are all there, those of a side in their order, and beside their pivot although
// the other side has pushed meanwhile.
func TestInsertionsOfTwoSides(t *testing.T) {
	base := at(at(nil, 1, 5, push(Right, "a")), 1, 9, push(Right, "z"))
	one := at(at(base, 1, 20, insert(t, Left, "z", "y")), 1, 21, insert(t, Left, "y", "x"))
	two := at(at(base, 2, 20, insert(t, Right, "a", "b")), 2, 22, insert(t, Right, "b", "c"))
	three := at(base, 3, 7, push(Right, "m")) // its clock is behind
	if got := shown(object.Join(object.Join(one, two), three)); got != "a b c m x y z" {
		t.Errorf("shows %s", got)
	}
	same := at(at(base, 3, 23, insert(t, Left, "z", "2")), 3, 24, insert(t, Left, "2", "1"))
	got := shown(object.Join(one, same))
	for _, order := range []string{"a x y z", "a 1 2 z"} {
		of := strings.Fields(order)
		if in := slices.DeleteFunc(strings.Fields(got), func(e string) bool { return !slices.Contains(of, e) }); !slices.Equal(in, of) {
			t.Errorf("shows %s, want %s in it", got, order)
		}
	}
}

// Who halves a gap for ever is refused some day, and has thousands of elements there by then.
func TestNoRoom(t *testing.T) {
	o := at(nil, 1, 1, push(Right, "a", "b"))
	first, _ := ItemAt(o, 0)
	pivot, outer, side := first.Spot, neighbor(o, first.Spot, Right), Right
	dot := causal.Dot{Actor: causal.Actor{Node: 1}, Time: 1 << 56}
	for i := range 100_000 {
		dot.Time++
		gap, ok := gapBeside(pivot, outer, side)
		if !ok {
			if i < 4000 {
				t.Errorf("no room after %d", i)
			}
			return
		}
		outer, pivot, side = pivot, Spot(insertedName(dot, gap)[1:]), !side
		if len(pivot) > anchorSize+1+maxBeside {
			t.Fatalf("a position of %d bytes", len(pivot))
		}
	}
	t.Error("always room")
}

// Whatever positions a peer sends, they are compared and nothing more.
func TestBrokenPositions(t *testing.T) {
	zeros, ones := Spot(strings.Repeat("\x00", 40)), Spot(strings.Repeat("\xff", 2000))
	for _, s := range []Spot{"", "\x00", "\xff", "12345678901234567\xff", zeros, ones} {
		for _, outer := range []Spot{"", s, s + "\x00\x00", "\x80", Spot(strings.Repeat("\x00", 50))} {
			gapBeside(s, outer, Left)
			gapBeside(s, outer, Right)
		}
	}
}
