package coordinator

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// binaryText draws bytes of which some lengths take more than one byte to say.
func binaryText(longest int) *rapid.Generator[[]byte] {
	return rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 20), rapid.Custom(func(t *rapid.T) []byte {
		return bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(0, longest).Draw(t, "length"))
	}))
}

func someKey(t *rapid.T) object.Key {
	return object.Key{DB: rapid.Byte().Draw(t, "db"), Name: string(binaryText(300).Draw(t, "key"))}
}

// someEdits draws an object as a few stores leave it, and the last of its changes.
func someEdits(t *rapid.T) (*object.Object, *object.Delta) {
	var o *object.Object
	var d *object.Delta
	for i := range rapid.IntRange(1, 6).Draw(t, "edits") {
		at := causal.Time(100 + i)
		e := object.NewEdit(o, causal.Dot{
			Actor: causal.Actor{Node: causal.Node(rapid.Uint64Range(1, 3).Draw(t, "node")), Birth: at}, Time: at,
		})
		cell := object.CellName("\x01" + rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "cell"))
		switch rapid.IntRange(0, 4).Draw(t, "edit") {
		case 0:
			e.Clear()
		case 1:
			e.Remove(cell)
		case 2:
			e.SetDeadline(rapid.Int64Range(1, math.MaxInt64).Draw(t, "deadline"))
		default:
			e.Put(cell, binaryText(20_000).Draw(t, "payload"))
		}
		o, d = e.Finish()
	}
	return o, d
}

// appendChange appends a change as its delta, or as the whole object where that is nil.
func appendChange(b []byte, key object.Key, o *object.Object, d *object.Delta) []byte {
	if d == nil {
		return appendReplicateItem(b, key, object.Append(nil, o), nil)
	}
	return appendReplicateItem(b, key, nil, object.AppendDelta(nil, d))
}

func sampleChange() (object.Key, *object.Object, *object.Delta) {
	dot := causal.Dot{Actor: causal.Actor{Node: 7, Birth: 100}, Time: 100}
	e := object.NewEdit(nil, dot)
	e.Put("\x01", []byte("one"))
	o, _ := e.Finish()
	dot.Time = 101
	e = object.NewEdit(o, dot)
	e.Put("\x01", []byte("two"))
	o, d := e.Finish()
	return object.Key{DB: 3, Name: "k"}, o, d
}

func someCommand(t *rapid.T) *Command {
	args := rapid.SliceOfN(binaryText(20_000), 1, 6).Draw(t, "args")
	return &Command{
		Args: args, Slot: object.Slot(rapid.IntRange(0, object.Slots-1).Draw(t, "slot")), DB: rapid.Byte().Draw(t, "db"),
		FirstKey: rapid.IntRange(0, 1<<20).Draw(t, "first"), LastKey: rapid.IntRange(math.MinInt32, len(args)).Draw(t, "last"),
		Step: rapid.IntRange(0, 1<<20).Draw(t, "step"), Proto: rapid.Byte().Draw(t, "proto"), Mode: Mode(rapid.Byte().Draw(t, "mode")),
		Quorum: quorum.Choice{
			R: rapid.Byte().Draw(t, "r"), W: rapid.Byte().Draw(t, "w"), Strict: quorum.Strictness(rapid.Byte().Draw(t, "strict")),
		},
	}
}

func sampleCommand() *Command {
	return &Command{
		Args: [][]byte{[]byte("SET"), []byte("k"), {}}, Slot: object.SlotOf("k"), FirstKey: 1, LastKey: 1, Step: 1, Proto: 3,
		Mode: Write, Quorum: quorum.Choice{R: 1, W: 2},
	}
}

// joined is the message that fill puts together, as the peer gets it.
func joined(fill func(m *message)) []byte {
	var m message
	fill(&m)
	return bytes.Join(m.parts(nil), nil)
}

func appendRun(commands []*Command) []byte { return bytes.Join(RunParts(commands), nil) }

// decodeRun reads the commands of a run request as serveRun does.
func decodeRun(b []byte) ([]*Command, error) {
	r := reader{b: b}
	var out []*Command
	for len(r.b) > 0 {
		c := r.command()
		if r.failed {
			return nil, ErrMalformed
		}
		out = append(out, c)
	}
	return out, nil
}

// decodeReplicate reads the changes of a replicate request.
func decodeReplicate(b []byte) ([]incoming, error) {
	w := &served{}
	if err := w.replicate(&transport.Request{Payload: b}); err != nil {
		return nil, err
	}
	return w.changes, nil
}

// decodeDigestReply reads the reply to a question about n keys.
func decodeDigestReply(b []byte, n int) ([]*object.Object, error) {
	if !wellFormed(KindDigest, b, n) {
		return nil, ErrMalformed
	}
	q := &question{items: make([]questionItem, n)}
	if err := q.decode(&reader{b: b}); err != nil {
		return nil, err
	}
	out := make([]*object.Object, n)
	for i := range q.items {
		out[i] = q.items[i].answer
	}
	return out, nil
}

func TestReplicateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		var want []incoming
		for range rapid.IntRange(1, 4).Draw(t, "items") {
			in := incoming{key: someKey(t)}
			o, d := someEdits(t)
			if rapid.Bool().Draw(t, "whole") {
				in.object, d = o, nil
			} else {
				in.delta = d
			}
			b = appendChange(b, in.key, o, d)
			want = append(want, in)
		}
		got, err := decodeReplicate(b)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d changes, %v, want %d", len(got), err, len(want))
		}
		for i := range got {
			g, w := &got[i], &want[i]
			if g.key != w.key || (g.object == nil) != (w.object == nil) || (g.delta == nil) != (w.delta == nil) {
				t.Fatalf("change %d is %+v, want %+v", i, g, w)
			}
			if g.object != nil && !bytes.Equal(object.Append(nil, g.object), object.Append(nil, w.object)) {
				t.Fatalf("object %d is %+v, want %+v", i, g.object, w.object)
			}
			if g.delta != nil && !bytes.Equal(object.AppendDelta(nil, g.delta), object.AppendDelta(nil, w.delta)) {
				t.Fatalf("delta %d is %+v, want %+v", i, g.delta, w.delta)
			}
		}
	})
}

func TestDigestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b, reply, want []byte
		var queries []digestQuery
		var held []*object.Object
		for range rapid.IntRange(1, 4).Draw(t, "items") {
			q := digestQuery{key: someKey(t), theirs: causal.Digest(rapid.Uint64().Draw(t, "digest"))}
			own := &object.Object{}
			if rapid.Bool().Draw(t, "held") {
				own, _ = someEdits(t)
			}
			if rapid.Bool().Draw(t, "same") {
				q.theirs = own.Context.Digest()
			} else {
				q.own = object.Append(nil, own)
			}
			b = appendDigestItem(b, q.key, q.theirs)
			reply = q.appendReply(reply)
			queries, held = append(queries, q), append(held, own)
		}
		r := reader{b: b}
		for i, q := range queries {
			if key, digest := r.key(), causal.Digest(r.uint64()); key != q.key || digest != q.theirs {
				t.Fatalf("question %d is %v %x, want %v %x", i, key, digest, q.key, q.theirs)
			}
		}
		if r.err() != nil {
			t.Fatal(r.err())
		}
		got, err := decodeDigestReply(reply, len(queries))
		if err != nil {
			t.Fatal(err)
		}
		for i, q := range queries {
			if same := q.own == nil; same != (got[i] == nil) {
				t.Fatalf("answer %d is %v, the same: %v", i, got[i], same)
			}
			want = object.Append(want[:0], held[i])
			if got[i] != nil && !bytes.Equal(object.Append(nil, got[i]), want) {
				t.Fatalf("answer %d is %+v, want %+v", i, got[i], held[i])
			}
		}
	})
}

func TestRunRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(someCommand), 1, 4).Draw(t, "commands")
		got, err := decodeRun(appendRun(want))
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d commands, %v, want %d", len(got), err, len(want))
		}
		for i := range got {
			same := len(got[i].Args) == len(want[i].Args)
			for j := range got[i].Args {
				same = same && bytes.Equal(got[i].Args[j], want[i].Args[j])
			}
			g, w := *got[i], *want[i]
			g.Args, w.Args = nil, nil
			if !same || !reflect.DeepEqual(g, w) {
				t.Fatalf("command %d is %+v, want %+v", i, got[i], want[i])
			}
		}
	})
}

func TestOutcomeRoundTrip(t *testing.T) {
	named := []error{ErrClusterDown, ErrNoQuorum, ErrIndeterminate, ErrClosed, quorum.ErrImpossible, ErrNotReplica}
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		var want, got []*Command
		var names []error
		for range rapid.IntRange(1, 5).Draw(t, "commands") {
			c := &Command{}
			name := rapid.SampledFrom(named).Draw(t, "name")
			switch rapid.IntRange(0, 3).Draw(t, "outcome") {
			case 0:
				c.Err = name
			case 1:
				c.Err = fmt.Errorf("in detail: %w", name)
			case 2:
				c.Err = errors.New(string(binaryText(300).Draw(t, "text")))
				name = nil
			default:
				name = nil
				c.Reply = binaryText(20_000).Draw(t, "reply")
			}
			b = appendOutcome(b, c, nil)
			want, got, names = append(want, c), append(got, &Command{}), append(names, name)
		}
		if err := DecodeOutcomes(b, got, noPeers{}, ""); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if !bytes.Equal(got[i].Reply, want[i].Reply) || (got[i].Err == nil) != (want[i].Err == nil) {
				t.Fatalf("outcome %d is %q, %v, want %q, %v", i, got[i].Reply, got[i].Err, want[i].Reply, want[i].Err)
			}
			if names[i] != nil && !errors.Is(got[i].Err, names[i]) {
				t.Fatalf("outcome %d is %v, want %v", i, got[i].Err, want[i].Err)
			}
			if names[i] == nil && want[i].Err != nil && got[i].Err.Error() != want[i].Err.Error() {
				t.Fatalf("outcome %d is %v, want %v", i, got[i].Err, want[i].Err)
			}
		}
		if DecodeOutcomes(b, got[1:], noPeers{}, "") == nil || DecodeOutcomes(b, append(got, &Command{}), noPeers{}, "") == nil {
			t.Fatal("outcomes of another number of commands were taken")
		}
	})
}

// decoders are all that bytes of a peer reach, with a message of one item each.
func decoders() map[string]struct {
	message []byte
	decode  func([]byte) error
} {
	key, o, d := sampleChange()
	type decoder = struct {
		message []byte
		decode  func([]byte) error
	}
	replicate := func(b []byte) error { _, err := decodeReplicate(b); return err }
	outcome := func(b []byte) error { return DecodeOutcomes(b, []*Command{{}}, noPeers{}, "") }
	return map[string]decoder{
		"object": {appendChange(nil, key, o, nil), replicate},
		"delta":  {appendChange(nil, key, o, d), replicate},
		"digest": {appendDigestItem(nil, key, o.Context.Digest()), func(b []byte) error {
			return (&served{}).digest(&transport.Request{Payload: b})
		}},
		"digest reply": {(&digestQuery{own: object.Append(nil, o)}).appendReply(nil), func(b []byte) error {
			_, err := decodeDigestReply(b, 1)
			return err
		}},
		"run": {appendRun([]*Command{sampleCommand()}), func(b []byte) error {
			commands, err := decodeRun(b)
			if len(commands) == 0 {
				return ErrMalformed
			}
			return err
		}},
		"reply":       {appendOutcome(nil, &Command{Reply: []byte("+OK\r\n")}, nil), outcome},
		"begun":       {appendOutcome(nil, &Command{Reply: []byte("$9"), Rest: &Pieces{}}, func(Rest) uint64 { return 7 }), outcome},
		"named error": {appendOutcome(nil, &Command{Err: ErrNoQuorum}, nil), outcome},
		"other error": {appendOutcome(nil, &Command{Err: errors.New("no")}, nil), outcome},
	}
}

func TestTruncation(t *testing.T) {
	for name, d := range decoders() {
		if err := d.decode(d.message); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for n := range d.message {
			if d.decode(d.message[:n]) == nil {
				t.Errorf("%s: the first %d of %d bytes were taken", name, n, len(d.message))
			}
		}
		if d.decode(append(bytes.Clone(d.message), 0)) == nil {
			t.Errorf("%s: a trailing byte was taken", name)
		}
	}
}

// Numbers that no message of a healthy peer has.
func TestHostileNumbers(t *testing.T) {
	huge := binary.AppendUvarint(nil, math.MaxUint64)
	overlong := bytes.Repeat([]byte{0xff}, 11)
	head := []byte{0, 0, 0, 2, 0, 1, 1, 0}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, b := range map[string][]byte{
		"no arguments":     join(head, []byte{0, 0, 0, 0}),
		"many arguments":   join(head, []byte{0, 0, 0}, huge, []byte("xyz")),
		"more than bytes":  join(head, []byte{0, 0, 0, 4}, []byte{0, 0, 0}),
		"a slot too high":  join([]byte{0x40, 0}, head[2:], []byte{0, 0, 0, 1, 0}),
		"a far first key":  join(head, huge, []byte{0, 0, 1, 0}),
		"a far last key":   join(head, []byte{0}, binary.AppendVarint(nil, math.MaxInt64), []byte{0, 1, 0}),
		"a far step":       join(head, []byte{0, 0}, huge, []byte{1, 0}),
		"an endless count": join(head, []byte{0, 0, 0}, overlong),
		"a long argument":  join(head, []byte{0, 0, 0, 1}, huge, []byte("x")),
	} {
		if got, err := decodeRun(b); err == nil {
			t.Errorf("%s: it was read as %+v", name, got[0])
		}
	}
	for name, b := range map[string][]byte{
		"another form":  {0, 1, 'k', 2, 0},
		"a long key":    join([]byte{0}, huge, []byte("k")),
		"a long object": join([]byte{0, 1, 'k', formObject}, huge),
		"a long delta":  join([]byte{0, 1, 'k', formDelta}, overlong),
	} {
		if _, err := decodeReplicate(b); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if DecodeOutcomes([]byte{byte(len(outcomes))}, []*Command{{}}, noPeers{}, "") == nil {
		t.Error("an unknown outcome was taken")
	}
}

func seeds(f *testing.F, names ...string) {
	all := decoders()
	for _, name := range names {
		f.Add(all[name].message)
	}
}

func FuzzDecodeReplicate(f *testing.F) {
	seeds(f, "object", "delta")
	f.Fuzz(func(t *testing.T, b []byte) {
		changes, err := decodeReplicate(b)
		if err != nil {
			return
		}
		var again []byte
		for i := range changes {
			again = appendChange(again, changes[i].key, changes[i].object, changes[i].delta)
		}
		if got, err := decodeReplicate(again); err != nil || len(got) != len(changes) {
			t.Fatalf("%d changes are encoded again as %d, %v", len(changes), len(got), err)
		}
	})
}

func FuzzDecodeRun(f *testing.F) {
	seeds(f, "run")
	f.Fuzz(func(t *testing.T, b []byte) {
		commands, err := decodeRun(b)
		if err != nil {
			return
		}
		for _, c := range commands {
			keys := 0
			for range c.Keys {
				keys++
			}
			if len(c.Args) == 0 || c.Slot >= object.Slots || keys > len(c.Args) {
				t.Fatalf("%+v", c)
			}
		}
		if got, err := decodeRun(appendRun(commands)); err != nil || !reflect.DeepEqual(appendRun(got), appendRun(commands)) {
			t.Fatalf("%v, %v", got, err)
		}
	})
}

func FuzzDecodeDigests(f *testing.F) {
	seeds(f, "digest")
	f.Fuzz(func(t *testing.T, b []byte) {
		w := &served{}
		if err := w.digest(&transport.Request{Payload: b}); err != nil {
			return
		}
		var again []byte
		for _, q := range w.queries {
			again = appendDigestItem(again, q.key, q.theirs)
		}
		if len(again) > len(b) {
			t.Fatalf("%x is encoded again as %x", b, again)
		}
	})
}

func FuzzDecodeDigestReply(f *testing.F) {
	all := decoders()
	f.Add(all["digest reply"].message, uint8(1))
	f.Add([]byte{digestSame, digestDiffer, 2, 0, 0}, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		if got, err := decodeDigestReply(b, int(n)); err == nil && len(got) != int(n) {
			t.Fatalf("%d answers to %d questions", len(got), n)
		}
	})
}

func FuzzDecodeOutcomes(f *testing.F) {
	all := decoders()
	for _, name := range []string{"reply", "named error", "other error", "begun"} {
		f.Add(all[name].message, uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		commands := make([]*Command, n)
		for i := range commands {
			commands[i] = &Command{}
		}
		err := DecodeOutcomes(b, commands, noPeers{}, "")
		for _, c := range commands {
			c.Drop()
		}
		if err != nil {
			return
		}
		for _, c := range commands {
			if c.Err != nil && c.Reply != nil {
				t.Fatalf("both %q and %v", c.Reply, c.Err)
			}
		}
	})
}

// FuzzConfirmation gives a coordinator whatever a replica answers to a delivery.
func FuzzConfirmation(f *testing.F) {
	f.Add(uint8(StatusOK), []byte{replicaHas, replicaHas})
	f.Add(uint8(StatusOK), []byte{replicaRefuse, 77})
	f.Add(uint8(StatusRefused), []byte{})
	c := alone(f)
	f.Fuzz(func(t *testing.T, status uint8, b []byte) {
		finished := 0
		batch := c.newBatch(2, func() { finished++ })
		batch.open = 2
		batch.ref(2) // this function's, and that of the delivery
		batch.state.Store(batchWaiting)
		d := batch.newDelivery("x", c.Ring().Version())
		for i := range batch.ops {
			o := &batch.ops[i]
			key, obj, delta := sampleChange()
			o.b, o.command, o.table, o.tally, o.coming = batch, &Command{}, c.Ring(), quorum.NewTally(1, 0), quorum.NewTally(0, 0)
			o.tally.Asked()
			change := engine.NewChange(key, obj, object.AppendDelta(nil, delta))
			d.items = append(d.items, deliveryItem{op: o, change: &change, now: true})
		}
		p := &parcel{box: &c.outbox, kind: KindReplicate, items: len(d.items), parts: []receiver{d}}
		p.answered(transport.Reply{Status: status, Payload: b})
		if finished != 1 {
			t.Fatalf("the batch ended %d times", finished)
		}
		for i := range batch.ops {
			has := status == StatusOK && len(b) == 2 && b[i] == replicaHas
			if failed := batch.ops[i].command.Err != nil; failed == has {
				t.Fatalf("command %d of %v failed: %v", i, b, failed)
			}
		}
	})
}

// alone is a coordinator of a cluster of one node.
func alone(t testing.TB) *Coordinator {
	o := engine.DefaultOptions()
	o.Dir, o.Logger, o.Shards, o.CacheBytes = t.TempDir(), slog.New(slog.DiscardHandler), 1, 4<<20
	store, err := engine.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	self := ring.NodeID("0123456789abcdef0123456789abcdef01234567")
	table := ring.Build([]ring.Node{{ID: self, State: ring.Member}}, 16, 3)
	settings := Settings{Quorum: quorum.Choice{R: 2, W: 2}, HedgeDelay: time.Minute, Timeout: time.Minute}
	return New(Options{
		Self: self, Store: store, Peers: noPeers{}, Ring: func() *ring.Table { return table }, Runner: valueRunner{},
		Settings: func() Settings { return settings }, Logger: slog.New(slog.DiscardHandler),
	})
}

// caller is a peer of a coordinator that is alone: a node with a connection to it, whose messages are not a coordinator's.
type caller struct {
	*transport.Transport
	served *Coordinator
}

func newCaller(t testing.TB) *caller {
	t.Helper()
	network := memnet.New()
	begin := func(id string, h transport.Handler) *transport.Transport {
		tr, err := transport.New(transport.Options{
			ID: id, Cluster: "test", Secret: []byte("secret"), Listen: id + ":1", Network: network.Host(id), Handler: h,
			Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.Close)
		return tr
	}
	c := &caller{served: alone(t)}
	begin("served", c.served)
	c.Transport = begin("caller", c.served)
	c.SetPeers([]transport.Peer{{ID: "served", Address: "served:1"}})
	for start := time.Now(); !c.Up("served"); time.Sleep(time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatal("there is no connection")
		}
	}
	return c
}

func (c *caller) ask(t testing.TB, kind uint8, payload []byte) transport.Reply {
	t.Helper()
	replies := make(chan transport.Reply, 1)
	c.Call("served", kind, payload, time.Minute, func(r transport.Reply) { replies <- r })
	r := <-replies
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r
}

// content is all that the store holds.
func (c *caller) content(t testing.TB) string {
	t.Helper()
	all := &engine.SlotSet{}
	for slot := range object.Slot(object.Slots) {
		all.Add(slot)
	}
	var b []byte
	err := c.served.Store.Scan(all, engine.Place{}, func(_ engine.Place, key object.Key, o *object.Object) bool {
		b = object.Append(appendKey(b, key), o)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every message that is not whole is refused, whatever whole items it begins with, and nothing of it is done.
func TestServeRefusesGarbage(t *testing.T) {
	c := newCaller(t)
	key, o, d := sampleChange()
	if r := c.ask(t, KindReplicate, appendChange(nil, key, o, nil)); r.Status != StatusOK || !bytes.Equal(r.Payload, []byte{replicaHas}) {
		t.Fatalf("a change is answered %d %x", r.Status, r.Payload)
	}
	before := c.content(t)
	other := object.Key{Name: "other"}
	set := sampleCommand()
	set.Args = [][]byte{[]byte("SET"), []byte("other"), []byte("v")}
	set.Slot = object.SlotOf("other")
	for kind, items := range map[uint8][2][]byte{
		KindReplicate: {appendChange(nil, other, o, nil), appendChange(nil, key, o, d)},
		KindDigest:    {appendDigestItem(nil, other, 1), appendDigestItem(nil, key, 2)},
		KindRun:       {appendRun([]*Command{set}), appendRun([]*Command{set})},
	} {
		for n := 1; n < len(items[1]); n++ {
			message := append(bytes.Clone(items[0]), items[1][:n]...)
			if r := c.ask(t, kind, message); r.Status != StatusRefused {
				t.Errorf("kind %d with %d of %d bytes of the second item is answered %d %q", kind, n, len(items[1]), r.Status, r.Payload)
			}
		}
		for _, message := range [][]byte{nil, {0xff}, bytes.Repeat([]byte{0xff}, 100), []byte("GET / HTTP/1.1\r\n\r\n")} {
			if r := c.ask(t, kind, message); r.Status != StatusRefused {
				t.Errorf("kind %d with %q is answered %d %q", kind, message, r.Status, r.Payload)
			}
		}
	}
	for _, kind := range []uint8{0, 4, 19} {
		if r := c.ask(t, kind, appendChange(nil, other, o, nil)); r.Status != StatusRefused {
			t.Errorf("kind %d is answered %d", kind, r.Status)
		}
	}
	if after := c.content(t); after != before {
		t.Errorf("the store held %q, now %q", before, after)
	}
	// It goes on with what is whole.
	if r := c.ask(t, KindRun, appendRun([]*Command{set})); r.Status != StatusOK {
		t.Errorf("a command is answered %d", r.Status)
	}
	if c.content(t) == before {
		t.Error("a command has changed nothing")
	}
}

// A change that claims to be of tomorrow is refused by itself: it would make all clocks follow.
func TestServeRefusesTheFuture(t *testing.T) {
	c := newCaller(t)
	at := causal.TimeAt(time.Now().Add(24 * time.Hour).UnixMilli())
	e := object.NewEdit(nil, causal.Dot{Actor: causal.Actor{Node: 7, Birth: at}, Time: at})
	e.Put("\x01", []byte("x"))
	o, d := e.Finish()
	key, now, _ := sampleChange()
	b := appendChange(nil, object.Key{Name: "future"}, o, nil)
	b = appendChange(b, key, now, nil)
	b = appendChange(b, object.Key{Name: "future"}, o, d)
	if r := c.ask(t, KindReplicate, b); r.Status != StatusOK || !bytes.Equal(r.Payload, []byte{replicaRefuse, replicaHas, replicaRefuse}) {
		t.Errorf("it is answered %d %x", r.Status, r.Payload)
	}
	if got, err := c.served.Store.Get(object.Key{Name: "future"}); got != nil || err != nil {
		t.Errorf("the store holds %+v, %v", got, err)
	}
}

// A command that writes although its mode says that it does not, and one at which its runner panics, are each answered by an
// error; the node goes on.
func TestServeSurvivesALyingCommand(t *testing.T) {
	c := newCaller(t)
	before := c.content(t)
	for _, mode := range []Mode{0, Read, Idempotent} {
		command := sampleCommand()
		command.Mode = mode
		short := sampleCommand()
		short.Mode, short.Args = mode, short.Args[:1]
		commands := []*Command{command, short}
		r := c.ask(t, KindRun, appendRun(commands))
		if r.Status != StatusOK {
			t.Fatalf("it is answered %d", r.Status)
		}
		if err := DecodeOutcomes(r.Payload, commands, noPeers{}, ""); err != nil {
			t.Fatal(err)
		}
		for i, command := range commands {
			if command.Err == nil {
				t.Errorf("command %d is answered %q", i, command.Reply)
			}
		}
	}
	if after := c.content(t); after != before {
		t.Errorf("the store held %q, now %q", before, after)
	}
}

// FuzzServe gives the serve side any bytes as any kind: each request has its one answer, of the right size.
func FuzzServe(f *testing.F) {
	for _, d := range decoders() {
		for kind := range uint8(4) {
			f.Add(kind, d.message)
		}
	}
	c := newCaller(f)
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		before := ""
		if kind%5 == KindDigest {
			before = c.content(t)
		}
		r := c.ask(t, kind%5, b)
		switch {
		case r.Status == StatusRefused:
		case r.Status != StatusOK:
			t.Errorf("the status is %d", r.Status)
		case kind%5 == KindReplicate:
			if changes, err := decodeReplicate(b); err != nil || len(r.Payload) != len(changes) {
				t.Errorf("%d changes, %v, are answered %x", len(changes), err, r.Payload)
			}
		case kind%5 == KindRun:
			commands, err := decodeRun(b)
			if err == nil {
				err = DecodeOutcomes(r.Payload, commands, noPeers{}, "")
			}
			if err != nil {
				t.Errorf("%v", err)
			}
		case kind%5 == KindDigest:
			if c.content(t) != before {
				t.Error("a digest changed the store")
			}
		default:
			t.Errorf("kind %d is answered %x", kind%5, r.Payload)
		}
	})
}
