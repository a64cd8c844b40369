package antientropy

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// replica is a View of keys in memory.
type replica struct {
	keys  map[object.Key]causal.Digest
	rows  []Leaf
	trees map[object.Slot]*merkle.Tree
}

func newReplica(keys map[object.Key]causal.Digest) *replica {
	r := &replica{keys: keys, trees: map[object.Slot]*merkle.Tree{}}
	for key, digest := range keys {
		l := Leaf{Place: placeOf(key), Key: key, Digest: digest}
		r.rows = append(r.rows, l)
		r.tree(key.Slot()).Replace(l.Place.position().Bucket(), 0, merkle.Leaf(key, digest))
	}
	slices.SortFunc(r.rows, func(a, b Leaf) int { return a.compare(&b) })
	return r
}

func (r *replica) tree(slot object.Slot) *merkle.Tree {
	if r.trees[slot] == nil {
		r.trees[slot] = &merkle.Tree{}
	}
	return r.trees[slot]
}

func (r *replica) Tree(slot object.Slot) merkle.Tree {
	if t := r.trees[slot]; t != nil {
		return *t
	}
	return merkle.Tree{}
}

func (r *replica) Leaves(of Range, from Place, visit func(Leaf) bool) error {
	start, _ := slices.BinarySearchFunc(r.rows, max(from, startOf(of.Slot)), func(l Leaf, p Place) int {
		return int(int64(l.Place) - int64(p))
	})
	for _, l := range r.rows[start:] {
		if l.Place >= startOf(of.Slot+1) || of.has(l.Place) && !visit(l) {
			break
		}
	}
	return nil
}

func everySlot() *engine.SlotSet {
	set := &engine.SlotSet{}
	for i := range set {
		set[i] = ^uint64(0)
	}
	return set
}

func anySlot(object.Slot) bool { return true }

// talk runs a whole exchange. lost says whether to lose a question or its answer.
func talk(t interface{ Fatal(...any) }, x *Exchange, peer View, lost func() bool) (found []Difference, bytes int) {
	for {
		kind, question, more := x.Next()
		if !more {
			return append(found, x.Found()...), bytes
		}
		bytes += len(question)
		if lost() {
			continue
		}
		out, err := answer(peer, kind, question, anySlot)
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(out)
		if lost() {
			continue
		}
		if err := x.Take(out); err != nil {
			t.Fatal(err)
		}
		if x.Full() {
			found = append(found, x.Found()...)
		}
	}
}

func never() bool { return false }

// differences is what an exchange of two replicas must find.
func differences(own, theirs map[object.Key]causal.Digest) map[object.Key]Difference {
	out := map[object.Key]Difference{}
	for key, d := range own {
		if theirs[key] != d {
			out[key] = Difference{key, d, theirs[key]}
		}
	}
	for key, d := range theirs {
		if own[key] == 0 {
			out[key] = Difference{key, 0, d}
		}
	}
	return out
}

func drawKeys(t *rapid.T) []object.Key {
	tags := rapid.SliceOfN(rapid.IntRange(0, 400), 1, 30).Draw(t, "tags")
	var keys []object.Key
	for i := range rapid.IntRange(0, 300).Draw(t, "keys") {
		tag := tags[rapid.IntRange(0, len(tags)-1).Draw(t, "tag")]
		keys = append(keys, object.Key{DB: uint8(i % 3), Name: fmt.Sprintf("{%d}%d", tag, i/2)})
	}
	return keys
}

// TestExchangeFindsExactlyWhatDiffers compares random replicas over a network that loses messages, and joins what it
// finds: then their trees are equal.
func TestExchangeFindsExactlyWhatDiffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		own, theirs := map[object.Key]causal.Digest{}, map[object.Key]causal.Digest{}
		for _, key := range drawKeys(t) {
			d := causal.Digest(rapid.Uint64Range(1, 1<<60).Draw(t, "digest"))
			switch rapid.IntRange(0, 9).Draw(t, "where") {
			case 0:
				own[key] = d
			case 1:
				theirs[key] = d
			case 2:
				own[key], theirs[key] = d, d+1
			default:
				own[key], theirs[key] = d, d
			}
		}
		want := differences(own, theirs)
		odds := rapid.IntRange(0, 3).Draw(t, "loss")
		lost := func() bool { return odds > 0 && rapid.IntRange(0, odds+1).Draw(t, "lost") == 0 }
		x := NewExchange(newReplica(own), everySlot(), rapid.Bool().Draw(t, "patient"))
		found, _ := talk(t, x, newReplica(theirs), lost)
		got := map[object.Key]Difference{}
		for _, d := range found {
			if _, twice := got[d.Key]; twice {
				t.Fatalf("%v was found twice", d.Key)
			}
			got[d.Key] = d
			joined := max(d.Own, d.Theirs)
			own[d.Key], theirs[d.Key] = joined, joined
		}
		if !maps.Equal(got, want) {
			t.Fatalf("found %v, want %v", got, want)
		}
		if len(x.Unexplained()) > 0 {
			t.Fatalf("slots %v differ without a leaf that does", x.Unexplained())
		}
		x = NewExchange(newReplica(own), everySlot(), false)
		again, bytes := talk(t, x, newReplica(theirs), never)
		if len(again) > 0 || bytes > 4096 {
			t.Fatalf("after joining: %v, %d bytes", again, bytes)
		}
	})
}

// TestPatientExchangeLeavesMovingBucketsAlone changes one of two buckets that differ between the two looks at the trees.
func TestPatientExchangeLeavesMovingBucketsAlone(t *testing.T) {
	standing, moving := object.Key{Name: "{t}0"}, object.Key{Name: "{t}1"}
	for i := 2; placeOf(standing).position().Bucket() == placeOf(moving).position().Bucket(); i++ {
		moving.Name = fmt.Sprintf("{t}%d", i)
	}
	for _, patient := range []bool{true, false} {
		own := newReplica(map[object.Key]causal.Digest{standing: 1, moving: 1})
		peers := []*replica{
			newReplica(map[object.Key]causal.Digest{standing: 2, moving: 2}), newReplica(map[object.Key]causal.Digest{standing: 2, moving: 3}),
		}
		x, looks := NewExchange(own, everySlot(), patient), 0
		for {
			kind, question, more := x.Next()
			if !more {
				break
			}
			if kind == kindBuckets {
				if x.Early() != (looks == 1) {
					t.Errorf("before look %d at the trees, early is %v", looks+1, x.Early())
				}
				looks++
			}
			out, err := answer(peers[min(1, max(0, looks-1))], kind, question, anySlot)
			if err != nil {
				t.Fatal(err)
			}
			if err := x.Take(out); err != nil {
				t.Fatal(err)
			}
		}
		var found []object.Key
		for _, d := range x.Found() {
			found = append(found, d.Key)
		}
		if patient && (looks != 2 || !slices.Equal(found, []object.Key{standing}) || !x.Skipped().Has(standing.Slot())) {
			t.Errorf("patient: %d looks, found %v, skipped %v", looks, found, x.Skipped().Has(standing.Slot()))
		}
		if !patient && (looks != 1 || len(found) != 2 || !isEmpty(x.Skipped())) {
			t.Errorf("thorough: %d looks, found %v", looks, found)
		}
	}
}

// TestExchangeLooksAtItsSlotsOnly compares one slot of replicas that differ everywhere.
func TestExchangeLooksAtItsSlotsOnly(t *testing.T) {
	own := map[object.Key]causal.Digest{}
	for i := range 1000 {
		own[object.Key{Name: fmt.Sprint(i)}] = 7
	}
	key := object.Key{Name: "5"}
	set := &engine.SlotSet{}
	set.Add(key.Slot())
	found, _ := talk(t, NewExchange(newReplica(own), set, true), newReplica(nil), never)
	for _, d := range found {
		if d.Key.Slot() != key.Slot() {
			t.Errorf("found %v of another slot", d.Key)
		}
	}
	if !slices.Contains(found, Difference{key, 7, 0}) {
		t.Errorf("found %v", found)
	}
}

// TestExchangeOfOneCrowdedSlot compares many keys of one slot, so many that pages and the bound on differences count.
func TestExchangeOfOneCrowdedSlot(t *testing.T) {
	const n = 3 * foundLimit
	for name, held := range map[string]func(i int) (own, theirs bool){
		"here only":  func(int) (bool, bool) { return true, false },
		"there only": func(int) (bool, bool) { return false, true },
		"by turns":   func(i int) (bool, bool) { return i%2 == 0, i%2 == 1 },
		"few differ": func(i int) (bool, bool) { return true, i%100 != 0 },
	} {
		t.Run(name, func(t *testing.T) {
			own, theirs := map[object.Key]causal.Digest{}, map[object.Key]causal.Digest{}
			for i := range n {
				key := object.Key{Name: fmt.Sprintf("{t}%d", i)}
				if here, there := held(i); here || there {
					if here {
						own[key] = 1
					}
					if there {
						theirs[key] = 1
					}
				}
			}
			want := differences(own, theirs)
			x := NewExchange(newReplica(own), everySlot(), false)
			most := 0
			peer := newReplica(theirs)
			for {
				kind, question, more := x.Next()
				if !more {
					break
				}
				out, err := answer(peer, kind, question, anySlot)
				if err != nil {
					t.Fatal(err)
				}
				if err := x.Take(out); err != nil {
					t.Fatal(err)
				}
				most = max(most, len(x.found))
				if x.Full() {
					for _, d := range x.Found() {
						if want[d.Key] != d {
							t.Fatalf("found %v twice or wrongly", d)
						}
						delete(want, d.Key)
					}
				}
			}
			for _, d := range x.Found() {
				delete(want, d.Key)
			}
			if len(want) > 0 {
				t.Errorf("%d differences were not found", len(want))
			}
			if page := leavesBytes / 16; most > foundLimit+2*page {
				t.Errorf("%d differences were held at once", most)
			}
		})
	}
}

// TestWrongTreeIsUnexplained compares equal replicas of which one has a wrong tree.
func TestWrongTreeIsUnexplained(t *testing.T) {
	keys := map[object.Key]causal.Digest{{Name: "a"}: 1, {Name: "b"}: 2}
	wrong := newReplica(keys)
	slot := object.SlotOf("b")
	wrong.tree(slot)[5] ^= 1
	x := NewExchange(newReplica(keys), everySlot(), false)
	if found, _ := talk(t, x, wrong, never); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	if got := x.Unexplained(); !slices.Equal(got, []object.Slot{slot}) {
		t.Errorf("unexplained are %v, want %d", got, slot)
	}
}

func TestQuestionsAboutOtherSlotsAreRefused(t *testing.T) {
	own := newReplica(map[object.Key]causal.Digest{{Name: "a"}: 1})
	x := NewExchange(own, everySlot(), false)
	x.ranges, x.explain = []Range{{3, 1}}, make([]bool, 1)
	for {
		kind, question, more := x.Next()
		if _, err := answer(own, kind, question, func(slot object.Slot) bool { return slot != 3 }); err != ErrNotShared {
			t.Errorf("kind %d: %v", kind, err)
		}
		if kind == kindRoots {
			break
		}
		switch {
		case len(x.ranges) > 0:
			x.ranges, x.slots = nil, []object.Slot{3}
		case len(x.slots) > 0:
			x.slots = nil
		default:
			x.grouped = false
		}
		if !more {
			t.Fatal("an exchange ended without roots")
		}
	}
}
