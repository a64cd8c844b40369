package object

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/causal"
)

// world is a few replicas of one key, changed at random through Edit and brought together at random by whole objects and
// by deltas. It checks at every step that equal contexts are equal objects.
type world struct {
	t        *rapid.T
	now      causal.Time
	replicas []*Object
	births   []causal.Time
	sent     []sent
	known    map[string][]byte // the encoded object of every context so far
}

// sent is a delta and the object that it brings a replica to.
type sent struct {
	whole *Object
	delta *Delta
}

var cellNames = []CellName{ExpiryCell, ValueCell, "\x01a", "\x02f"}

func newWorld(t *rapid.T, replicas int) *world {
	return &world{
		t: t, now: 1, known: map[string][]byte{},
		replicas: make([]*Object, replicas), births: make([]causal.Time, replicas),
	}
}

func (w *world) pick(label string) int { return rapid.IntRange(0, len(w.replicas)-1).Draw(w.t, label) }

// edit makes one random change at replica i.
func (w *world) edit(i int) {
	w.now++
	if w.births[i] == 0 {
		w.births[i] = w.now
	}
	dot := causal.Dot{Actor: causal.Actor{Node: causal.Node(i + 1), Birth: w.births[i]}, Time: w.now}
	e := NewEdit(w.replicas[i], dot)
	name := rapid.SampledFrom(cellNames).Draw(w.t, "cell")
	payload := fmt.Appendf(nil, "%d", w.now)
	switch op := rapid.SampledFrom([]string{"put", "put", "put", "remove", "clear", "keep", "putseen", "resolve"}).Draw(w.t, "op"); op {
	case "put":
		e.Put(name, payload)
	case "remove":
		e.Remove(name)
	case "clear":
		e.Clear()
		if rapid.Bool().Draw(w.t, "then put") {
			e.Put(name, payload)
		}
	case "keep":
		e.Clear()
		e.Keep(ExpiryCell)
		e.Put(name, payload)
	default:
		seen := w.context(w.pick("token of"))
		if op == "resolve" {
			e.RemoveSeen(seen)
		}
		e.PutSeen(name, payload, seen)
	}
	before := snapshot(w.replicas[i])
	o, d := e.Finish()
	if !bytes.Equal(before, snapshot(w.replicas[i])) {
		w.t.Fatal("the edit changed its base")
	}
	w.check(o)
	if d.Base.Covers(d.Dot) {
		w.t.Fatal("the delta builds on itself")
	}
	w.replicas[i] = o
	w.sent = append(w.sent, sent{o, d})
}

func (w *world) context(i int) causal.Context {
	if o := w.replicas[i]; o != nil {
		return o.Context
	}
	return nil
}

// deliver applies one of the deltas so far, which may be late, out of order or a duplicate.
func (w *world) deliver(to int) {
	if len(w.sent) == 0 {
		return
	}
	m := w.sent[rapid.IntRange(0, len(w.sent)-1).Draw(w.t, "delta")]
	own := w.replicas[to]
	got, ok := Apply(own, m.delta)
	gap := !w.context(to).CoversAll(m.delta.Base) && !w.context(to).CoversAll(m.delta.Context())
	switch {
	case ok == gap:
		w.t.Fatalf("gap %v, applied %v", gap, ok)
	case gap && own == nil && len(got.Context) > 0, gap && own != nil && got != own:
		w.t.Fatal("a delta was applied over a gap")
	case gap:
		return
	}
	if want := Join(orEmpty(own), m.whole); !same(got, want) {
		w.t.Fatalf("delta gives %+v, the whole object %+v", got, want)
	}
	w.check(got)
	w.replicas[to] = got
}

func (w *world) check(o *Object) {
	at := string(causal.AppendContext(nil, o.Context))
	b := snapshot(o)
	if known, ok := w.known[at]; ok && !bytes.Equal(known, b) {
		w.t.Fatalf("equal contexts %v, unequal objects\n%q\n%q", o.Context, known, b)
	}
	w.known[at] = b
}

// run does some steps and leaves the replicas apart.
func (w *world) run() {
	for range rapid.IntRange(10, 60).Draw(w.t, "steps") {
		switch rapid.IntRange(0, 5).Draw(w.t, "step") {
		case 0, 1, 2:
			w.edit(w.pick("at"))
		case 3:
			w.deliver(w.pick("to"))
		default:
			to, from := w.pick("to"), w.pick("from")
			w.replicas[to] = Join(w.replicas[to], w.replicas[from])
			if w.replicas[to] != nil {
				w.check(w.replicas[to])
			}
		}
	}
}

func orEmpty(o *Object) *Object {
	if o == nil {
		return &Object{}
	}
	return o
}

func snapshot(o *Object) []byte {
	if o == nil {
		return nil
	}
	return Append(nil, o)
}

func same(a, b *Object) bool { return bytes.Equal(snapshot(a), snapshot(b)) }

func TestJoinLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			checkJoinLaws(t)
		}
	})
}

func checkJoinLaws(t *rapid.T) {
	w := newWorld(t, 3)
	w.run()
	a, b, c := w.replicas[0], w.replicas[1], w.replicas[2]
	if !same(Join(a, b), Join(b, a)) {
		t.Fatal("join is not commutative")
	}
	if !same(Join(a, Join(b, c)), Join(Join(a, b), c)) {
		t.Fatal("join is not associative")
	}
	if ab := Join(a, b); !same(Join(a, a), a) || !same(Join(ab, b), ab) || !same(Join(ab, a), ab) {
		t.Fatal("join is not idempotent")
	}
	for _, o := range []*Object{Join(a, b), Join(b, c), Join(Join(a, b), c)} {
		if o != nil {
			w.check(o)
		}
	}
}

func TestJoinKeepsTheBirthOfThisStore(t *testing.T) {
	a, b := sample(), sample()
	b.Birth = 100
	e := NewEdit(a, dot(7, 100, 200))
	e.Put(ValueCell, nil)
	a, _ = e.Finish()
	if got := Join(a, b).Birth; got != 100 {
		t.Errorf("birth %d after an own write, want 100", got)
	}
	if got := Join(nil, b).Birth; got != 0 {
		t.Errorf("birth %d taken from another store", got)
	}
}

// A replica may hold a cell that the token covers and the node that resolves has never heard of.
func TestRemoveSeenReachesCellsUnknownHere(t *testing.T) {
	e := NewEdit(nil, dot(1, 1, 1))
	e.Put(ValueCell, []byte("old"))
	e.Put("\x01a", []byte("unknown elsewhere"))
	source, _ := e.Finish()

	e = NewEdit(nil, dot(2, 2, 2))
	e.RemoveSeen(source.Context)
	e.PutSeen(ValueCell, []byte("new"), source.Context)
	resolved, d := e.Finish()

	got, ok := Apply(source, d)
	if !ok || !same(got, resolved) {
		t.Fatalf("the source has %+v, the node that resolved %+v", got, resolved)
	}
}

func TestObjectHandedOutByAnEditStays(t *testing.T) {
	e := NewEdit(nil, dot(1, 1, 1))
	e.Put("\x01b", []byte("1"))
	before := e.Object()
	e.Put("\x01a", []byte("2"))
	e.Put("\x01b", []byte("3"))
	if len(before.Cells) != 1 || string(before.Cells[0].Newest().Payload) != "1" {
		t.Errorf("it changed to %+v", before.Cells)
	}
}
