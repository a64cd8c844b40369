package kind

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/hyperloglog"
	"github.com/kindredkv/kindred/engine/object"
)

// sketchWorld is a world whose writes are of sketches, and of other strings now and then. The oracle is what each live write
// has counted.
type sketchWorld struct {
	*world
	counted map[int]map[string]bool // by the write, nil for one that is no sketch
}

func sketchOf(elements map[string]bool) []byte {
	var list [][]byte
	for e := range elements {
		list = append(list, []byte(e))
	}
	text, _, err := hyperloglog.Add(hyperloglog.New(), list)
	if err != nil {
		panic(err)
	}
	return text
}

// liveSketches is what the sketches that a replica knows of have counted together, and those writes.
func (w sketchWorld) liveSketches(r *replica) (counted map[string]bool, from opSet) {
	dead := opSet{}
	for i := range r.knows {
		maps.Copy(dead, w.ops[i].kills)
	}
	counted, from = map[string]bool{}, opSet{}
	for i := range r.knows {
		if !dead[i] && w.counted[i] != nil {
			from[i] = true
			maps.Copy(counted, w.counted[i])
		}
	}
	return counted, from
}

// add is PFADD.
func (w sketchWorld) add(r *replica) {
	base, _, _ := w.live(r)
	if base != nil && !hyperloglog.Is(base.value) {
		return
	}
	counted, _ := w.liveSketches(r)
	element := fmt.Sprint(w.int("element", 0, 40))
	counted[element] = true
	w.write(r, func(e *object.Edit, o *op) error {
		text := Value(r.object)
		if text == nil {
			text = hyperloglog.New()
		}
		text, _, err := hyperloglog.Add(text, [][]byte{[]byte(element)})
		if err != nil {
			return err
		}
		Set(e, text, true)
		o.whole, o.value, o.kills = true, text, maps.Clone(r.knows)
		w.counted[len(w.ops)] = counted
		return nil
	})
}

// resolve sets a sketch over what a token covers.
func (w sketchWorld) resolve(r *replica) {
	if len(w.tokens) == 0 {
		return
	}
	taken := w.tokens[w.int("token", 0, len(w.tokens)-1)]
	seen, err := ParseToken(key, []byte(taken.printed))
	if err != nil {
		w.t.Fatal(err)
	}
	_, from := w.liveSketches(r)
	counted := map[string]bool{}
	for i := range from { // what the token covers goes, the rest is taken in
		if taken.knows[i] {
			delete(from, i)
			continue
		}
		maps.Copy(counted, w.counted[i])
	}
	counted["resolved"] = true
	w.write(r, func(e *object.Edit, o *op) error {
		o.whole, o.value = true, sketchOf(map[string]bool{"resolved": true})
		o.kills = maps.Clone(taken.knows)
		maps.Copy(o.kills, from)
		SetSeen(e, o.value, seen)
		w.counted[len(w.ops)] = counted
		return nil
	})
}

func (w sketchWorld) step() {
	r := w.replica("at")
	switch w.int("step", 0, 12) {
	case 0, 1, 2, 3:
		w.add(r)
	case 4:
		if w.int("no sketch", 0, 3) == 0 {
			w.set(r, []byte("word"))
		}
	case 5:
		w.remove(r)
	case 6:
		w.takeToken(r)
	case 7:
		w.resolve(r)
	case 8:
		r.birth = 0
	case 9:
		w.join(r, w.replica("from"))
	case 10:
		if r.object != nil {
			if o, dropped := r.object.KeepNewest(100, IsValue); dropped > 0 || o != r.object {
				w.t.Fatal("less than the bound and yet dropped")
			}
		}
	default:
		w.deliver(r)
	}
	for _, r := range w.replicas {
		w.check(r)
	}
}

func (w sketchWorld) check(r *replica) {
	base, others, _ := w.live(r)
	got := Value(r.object)
	counted, from := w.liveSketches(r)
	values := 0
	if len(from) > 0 {
		values++
	}
	if len(others)+1 > len(from) && (base != nil) {
		for _, o := range append(others, base) {
			if !hyperloglog.Is(o.value) {
				values++ // they are all the same word
				break
			}
		}
	}
	switch {
	case base == nil:
		if got != nil {
			w.t.Fatalf("node %d shows %q, want nothing", r.node, got)
		}
		return
	case !hyperloglog.Is(base.value):
		if !bytes.Equal(got, base.value) {
			w.t.Fatalf("node %d shows %q, want %q", r.node, got, base.value)
		}
	default:
		shown, err := hyperloglog.Ranks(got)
		want, _ := hyperloglog.Ranks(sketchOf(counted))
		if err != nil || !slices.Equal(shown, want) {
			w.t.Fatalf("node %d shows other registers than those of %v, %v", r.node, counted, err)
		}
	}
	siblings := Values(r.object)
	if len(siblings) != values {
		w.t.Fatalf("node %d has %d values, want %d", r.node, len(siblings), values)
	}
	bounded, _ := r.object.KeepNewest(1, IsValue)
	for _, s := range Values(bounded) {
		if hyperloglog.Is(s.Value) {
			shown, _ := hyperloglog.Ranks(s.Value)
			want, _ := hyperloglog.Ranks(sketchOf(counted))
			if !slices.Equal(shown, want) {
				w.t.Fatalf("node %d loses registers to the bound of siblings", r.node)
			}
		}
	}
}

func TestSketchesConverge(t *testing.T) {
	converging(t, 1, 60, func(t *rapid.T) sketchWorld { return sketchWorld{newWorld(t), map[int]map[string]bool{}} })
}

// settle brings all replicas together, after which they must be equal.
func (w sketchWorld) settle() { w.settleAll(w.check) }
