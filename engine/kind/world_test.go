package kind

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// world is a few replicas of one string. Clients write at any of them; deltas are lost, late, reordered and duplicated;
// replicas join, start new births, and forget what they have handed over. An oracle follows which write knew of which, and
// says after every step what each replica must show.
type world struct {
	t        *rapid.T
	now      causal.Time
	replicas []*replica
	ops      []*op
	tokens   []clientToken
	sent     []delivery
}

type replica struct {
	node   causal.Node
	birth  causal.Time
	object *object.Object
	knows  opSet
}

type opSet map[int]bool

// op is one write as the oracle sees it.
type op struct {
	dot    causal.Dot
	value  []byte   // of a write of the whole value; nil for a removal
	adds   *big.Rat // of an increment
	float  bool     // it is one of INCRBYFLOAT
	kills  opSet    // what a write of the whole value, or a removal, takes away
	whole  bool     // it is a write of the whole value
	before opSet    // what its replica knew, itself included
}

type clientToken struct {
	printed string
	knows   opSet
}

type delivery struct {
	delta *object.Delta
	op    *op
}

var key = object.Key{DB: 2, Name: "counter"}

func newWorld(t *rapid.T) *world {
	w := &world{t: t}
	for i := range 3 {
		w.replicas = append(w.replicas, &replica{node: causal.Node(i + 1), knows: opSet{}})
	}
	return w
}

func (w *world) int(label string, from, to int) int { return rapid.IntRange(from, to).Draw(w.t, label) }

func (w *world) replica(label string) *replica {
	return w.replicas[w.int(label, 0, len(w.replicas)-1)]
}

// write runs change as a command at r, and records it when it succeeds.
func (w *world) write(r *replica, change func(e *object.Edit, o *op) error) {
	w.now++
	if r.birth == 0 {
		r.birth = w.now
	}
	dot := causal.Dot{Actor: causal.Actor{Node: r.node, Birth: r.birth}, Time: w.now}
	e := object.NewEdit(r.object, dot)
	o := &op{dot: dot}
	if err := change(e, o); err != nil {
		return
	}
	w.ops = append(w.ops, o)
	after, delta := e.Finish()
	r.object = after
	maps.Copy(r.knows, o.kills)
	r.knows[len(w.ops)-1] = true
	o.before = maps.Clone(r.knows)
	w.sent = append(w.sent, delivery{delta, o})
}

func (w *world) set(r *replica, value []byte) {
	w.write(r, func(e *object.Edit, o *op) error {
		Set(e, value, w.int("keepttl", 0, 1) == 0)
		o.whole, o.value, o.kills = true, value, maps.Clone(r.knows)
		return nil
	})
}

func (w *world) add(r *replica, delta int64) {
	w.write(r, func(e *object.Edit, o *op) error {
		before := Value(r.object)
		addition, got, err := Add(r.object, delta)
		if err != nil {
			return err
		}
		addition.Make(e)
		o.adds = big.NewRat(delta, 1)
		if shown := string(Value(e.Object())); shown != fmt.Sprint(got) {
			w.t.Fatalf("%q plus %d was answered with %d and shows %s", before, delta, got, shown)
		}
		return nil
	})
}

func (w *world) addFloat(r *replica, delta string) {
	w.write(r, func(e *object.Edit, o *op) error {
		before := w.shows(r, true) // exact, where what is shown may be a limit
		if _, _, increments := w.live(r); before != nil && len(increments) == 0 {
			if x, ok := ParseFloat(before); ok {
				before = []byte(x.Text('f', decimals))
			}
		} else if before == nil {
			before = []byte("0")
		}
		x, _ := ParseFloat([]byte(delta))
		addition, got, err := AddFloat(r.object, x)
		if err != nil {
			return err
		}
		addition.Make(e)
		o.float = true
		o.adds = new(big.Rat).Sub(rat(w.t, got), rat(w.t, before))
		if shown := Value(e.Object()); !bytes.Equal(shown, got) {
			w.t.Fatalf("%q plus %s was answered with %s and shows %s", before, delta, got, shown)
		}
		return nil
	})
}

func (w *world) remove(r *replica) {
	w.write(r, func(e *object.Edit, o *op) error {
		Clear(e)
		o.kills = maps.Clone(r.knows)
		return nil
	})
}

func (w *world) takeToken(r *replica) {
	w.tokens = append(w.tokens, clientToken{Token(key, r.object), maps.Clone(r.knows)})
}

func (w *world) resolve(r *replica, value []byte) {
	if len(w.tokens) == 0 {
		return
	}
	taken := w.tokens[w.int("token", 0, len(w.tokens)-1)]
	seen, err := ParseToken(key, []byte(taken.printed))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(r, func(e *object.Edit, o *op) error {
		o.kills = taken.knows
		if value == nil {
			ClearSeen(e, seen)
			return nil
		}
		o.whole, o.value = true, value
		SetSeen(e, value, seen)
		return nil
	})
}

func (w *world) deliver(r *replica) {
	if len(w.sent) == 0 {
		return
	}
	d := w.sent[w.int("delta", 0, len(w.sent)-1)]
	if o, ok := object.Apply(r.object, d.delta); ok {
		r.object = o
		maps.Copy(r.knows, d.op.before)
	}
}

func (w *world) join(to, from *replica) {
	to.object = object.Join(to.object, from.object)
	maps.Copy(to.knows, from.knows)
}

// step does one thing at random and checks every replica.
func (w *world) step() {
	r := w.replica("at")
	number := func() []byte { return fmt.Append(nil, w.int("number", -1000, 1000)) }
	switch w.int("step", 0, 15) {
	case 0:
		w.set(r, number())
	case 1:
		w.set(r, []byte(rapid.SampledFrom([]string{"", "word", "2.5", "9223372036854775807"}).Draw(w.t, "value")))
	case 2, 3, 4:
		w.add(r, int64(w.int("delta", -9, 9)))
	case 5:
		w.addFloat(r, rapid.SampledFrom([]string{"0.1", "-2.75", "3", "1e-17", "123456789.000000001"}).Draw(w.t, "delta"))
	case 6:
		w.set(r, append(bytes.Clone(Value(r.object)), '1')) // APPEND
	case 7:
		w.remove(r)
	case 8:
		w.takeToken(r)
	case 9:
		if w.int("removal", 0, 3) == 0 {
			w.resolve(r, nil)
		} else {
			w.resolve(r, number())
		}
	case 10:
		w.write(r, func(e *object.Edit, _ *op) error {
			e.SetDeadline(int64(w.now) + 1000)
			return nil
		})
	case 11:
		r.birth = 0
	case 12:
		if to := w.replica("hand over to"); to != r {
			w.join(to, r)
			*r = replica{node: r.node, knows: opSet{}}
		}
	case 13:
		w.join(r, w.replica("from"))
	default:
		w.deliver(r)
	}
	for _, r := range w.replicas {
		w.check(r)
	}
}

// shows is what a replica must show by what it knows. exact says that a sum is not cut off at 64 bits.
func (w *world) shows(r *replica, exact bool) []byte {
	base, _, increments := w.live(r)
	sum := new(big.Rat)
	for _, o := range increments {
		sum.Add(sum, o.adds)
		exact = exact || o.float
	}
	return expected(base, sum, len(increments) > 0, exact)
}

// live are the writes that nothing a replica knows of takes away: the newest value, all others, and all increments.
func (w *world) live(r *replica) (base *op, others []*op, increments []*op) {
	dead := opSet{}
	for i := range r.knows {
		maps.Copy(dead, w.ops[i].kills)
	}
	for i := range r.knows {
		switch o := w.ops[i]; {
		case dead[i]:
		case o.whole && base == nil:
			base = o
		case o.whole && base.dot.Compare(o.dot) < 0:
			base, others = o, append(others, base)
		case o.whole:
			others = append(others, o)
		case o.adds != nil:
			increments = append(increments, o)
		}
	}
	return base, others, increments
}

// check compares what a replica shows with what the writes that it knows of say.
func (w *world) check(r *replica) {
	got, want := Value(r.object), w.shows(r, false)
	if string(got) != string(want) || (got == nil) != (want == nil) {
		w.t.Fatalf("node %d shows %q, want %q", r.node, got, want)
	}
	if exists := !orEmpty(r.object).Tombstone(); exists != (want != nil) {
		w.t.Fatalf("the key exists: %v, and should show %q", exists, want)
	}
	_, others, _ := w.live(r)
	values := map[string]bool{}
	if want != nil {
		values[string(want)] = true
	}
	for _, o := range others {
		values[string(o.value)] = true
	}
	siblings := Values(r.object)
	if len(siblings) != len(values) || len(values) > 0 && !bytes.Equal(siblings[0].Value, got) {
		w.t.Fatalf("node %d has siblings %v, want %v", r.node, siblings, values)
	}
	for _, s := range siblings {
		if !values[string(s.Value)] {
			w.t.Fatalf("node %d has sibling %q, want %v", r.node, s.Value, values)
		}
	}
}

// expected is what a value with increments shows.
func expected(base *op, sum *big.Rat, counted, exact bool) []byte {
	var start []byte
	if base != nil {
		start = base.value
	}
	if !counted {
		return start
	}
	if base == nil {
		start = []byte("0")
	}
	n, ok := new(big.Rat).SetString(string(start))
	if !ok {
		return start
	}
	isInteger := n.IsInt() && n.Num().IsInt64()
	if !isInteger { // it is read as a long double, which rounds
		x, _ := ParseFloat(start)
		n.SetString(x.Text('f', decimals))
	}
	total := new(big.Rat).Add(n, sum)
	if total.IsInt() && total.Num().IsInt64() {
		return total.Num().Append(nil, 10)
	}
	if isInteger && !exact {
		if total.Sign() < 0 {
			return fmt.Append(nil, math.MinInt64)
		}
		return fmt.Append(nil, math.MaxInt64)
	}
	return bytes.TrimRight(bytes.TrimRight([]byte(total.FloatString(decimals)), "0"), ".")
}

func rat(t *rapid.T, b []byte) *big.Rat {
	x, ok := new(big.Rat).SetString(string(b))
	if !ok {
		t.Fatalf("%q is no number", b)
	}
	return x
}

func orEmpty(o *object.Object) *object.Object {
	if o == nil {
		return &object.Object{}
	}
	return o
}

// converging draws worlds, runs up to so many steps in each, and then brings its replicas together.
func converging[W interface {
	step()
	settle()
}](t *testing.T, worlds, most int, begin func(*rapid.T) W) {
	rapid.Check(t, func(t *rapid.T) {
		for range worlds {
			w := begin(t)
			for range rapid.IntRange(10, most).Draw(t, "steps") {
				w.step()
			}
			w.settle()
		}
	})
}

func TestStringsConverge(t *testing.T) { converging(t, 20, 60, newWorld) }

// settle brings all replicas together, after which they must be equal.
func (w *world) settle() { w.settleAll(w.check) }

func (w *world) settleAll(check func(*replica)) {
	for range 2 {
		for _, to := range w.replicas {
			for _, from := range w.replicas {
				w.join(to, from)
				check(to)
			}
		}
	}
	first := orEmpty(w.replicas[0].object)
	for _, r := range w.replicas[1:] {
		if o := orEmpty(r.object); !bytes.Equal(object.Append(nil, first), object.Append(nil, o)) {
			w.t.Fatalf("replicas differ after joining:\n%+v\n%+v", first, o)
		}
	}
}
