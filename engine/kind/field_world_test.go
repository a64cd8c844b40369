package kind

import (
	"fmt"
	"maps"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/object"
)

// fieldWorld is a world whose replicas hold a hash, and whose writes go to one of its fields. What the field must show is
// what the string would.
type fieldWorld struct{ *world }

var theField = []byte("field")

func (w fieldWorld) set(r *replica, value []byte) {
	w.write(r, func(e *object.Edit, o *op) error {
		SetField(e, theField, value)
		o.whole, o.value, o.kills = true, value, maps.Clone(r.knows)
		return nil
	})
}

func (w fieldWorld) remove(r *replica) {
	w.write(r, func(e *object.Edit, o *op) error {
		if !RemoveField(e, theField) {
			return fmt.Errorf("nothing to remove")
		}
		o.kills = maps.Clone(r.knows)
		return nil
	})
}

func (w fieldWorld) add(r *replica, delta int64) {
	w.write(r, func(e *object.Edit, o *op) error {
		addition, got, err := AddToField(r.object, theField, delta)
		if err != nil {
			return err
		}
		addition.MakeInField(e, theField)
		o.adds = big.NewRat(delta, 1)
		if shown, _ := Field(e.Object(), theField); string(shown) != fmt.Sprint(got) {
			w.t.Fatalf("plus %d was answered with %d and shows %s", delta, got, shown)
		}
		return nil
	})
}

// other writes another field, which must not be in the way.
func (w fieldWorld) other(r *replica) {
	w.write(r, func(e *object.Edit, _ *op) error {
		SetField(e, fmt.Append(nil, w.int("other", 0, 3)), []byte("v"))
		return nil
	})
}

func (w fieldWorld) step() {
	r := w.replica("at")
	switch w.int("step", 0, 12) {
	case 0:
		w.set(r, fmt.Append(nil, w.int("number", -1000, 1000)))
	case 1:
		w.set(r, []byte(rapid.SampledFrom([]string{"", "word", "2.5", "9223372036854775807"}).Draw(w.t, "value")))
	case 2, 3, 4:
		w.add(r, int64(w.int("delta", -9, 9)))
	case 5:
		w.remove(r)
	case 6:
		w.other(r)
	case 7:
		r.birth = 0
	case 8:
		if to := w.replica("hand over to"); to != r {
			w.join(to, r)
			*r = replica{node: r.node, knows: opSet{}}
		}
	case 9:
		w.join(r, w.replica("from"))
	default:
		w.deliver(r)
	}
	for _, r := range w.replicas {
		w.check(r)
	}
}

func (w fieldWorld) check(r *replica) {
	got, there := Field(r.object, theField)
	want := w.shows(r, false)
	if there != (want != nil) || string(got) != string(want) {
		w.t.Fatalf("node %d shows %q (%v), want %q", r.node, got, there, want)
	}
	base, others, _ := w.live(r)
	values := map[string]bool{}
	if want != nil {
		values[string(want)] = true
	}
	if base != nil {
		for _, o := range others {
			values[string(o.value)] = true
		}
	}
	if siblings := FieldValues(r.object, theField); len(siblings) != len(values) {
		w.t.Fatalf("node %d has siblings %v, want %v", r.node, siblings, values)
	}
}

func TestFieldsConverge(t *testing.T) {
	converging(t, 20, 60, func(t *rapid.T) fieldWorld { return fieldWorld{newWorld(t)} })
}

// settle brings all replicas together, after which they must be equal.
func (w fieldWorld) settle() { w.settleAll(w.check) }
