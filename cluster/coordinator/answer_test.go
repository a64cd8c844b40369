package coordinator

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// writing writes a value of some bytes under a key.
type writing struct {
	key  object.Key
	size int
}

func (w writing) Run(tx *engine.Tx) { tx.Edit(w.key).Put("\x01", bytes.Repeat([]byte{'x'}, w.size)) }

func (c *Coordinator) write(w writing) *object.Object {
	task := &engine.Task{Slot: w.key.Slot(), Body: w}
	done := make(chan struct{})
	if !c.Store.Do([]*engine.Task{task}, func() { close(done) }) {
		<-done
	}
	o, _ := c.Store.Get(w.key)
	return o
}

// A replica that holds something else answers with it when it is small, and with its context when it is large.
func TestLargeObjectsAreAnsweredByTheirContext(t *testing.T) {
	c := newCaller(t)
	for size, form := range map[int]byte{10: digestDiffer, 100 << 10: digestSeen} {
		key := object.Key{Name: "k"}
		own := c.served.write(writing{key, size})
		reply := make(chan transport.Reply, 1)
		c.Call("served", KindDigest, appendDigestItem(nil, key, 77), time.Minute, func(r transport.Reply) { reply <- r })
		got := <-reply
		r := reader{b: got.Payload}
		if how := r.byte(); got.Err != nil || how != form {
			t.Fatalf("%d bytes: %v, form %d", size, got.Err, how)
		}
		if form == digestDiffer {
			continue
		}
		if seen, err := decodeContext(r.bytes()); err != nil || !seen.Equal(own.Context) {
			t.Fatalf("the context is %v instead of %v, %v", seen, own.Context, err)
		}
	}
}

// fetches counts requests for what a peer holds, and answers nothing.
type fetches struct {
	noPeers
	n atomic.Int32
}

func (p *fetches) CallParts(_ string, kind uint8, _ uint64, _ [][]byte, _ time.Duration, _ func(transport.Reply)) {
	if kind == KindFetch {
		p.n.Add(1)
	}
}

// What a replica answers about a large object is fetched only when it is news. Where it lacks something it is sent that, unless the
// reason may be that writes are on their way.
func TestOnlyNewsIsFetched(t *testing.T) {
	for _, test := range []struct {
		name                     string
		seen                     func(before, own causal.Context) causal.Context
		writing                  bool
		runs, fetches, catchesUp bool
	}{
		{"behind", func(before, _ causal.Context) causal.Context { return before }, false, true, false, true},
		{"behind while others write", func(before, _ causal.Context) causal.Context { return before }, true, true, false, false},
		{"ahead", func(_, own causal.Context) causal.Context {
			return own.With(causal.Dot{Actor: causal.Actor{Node: 9}, Time: own.Newest() + 1})
		}, false, false, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			peers := &fetches{}
			c := alone(t)
			c.Peers = peers
			key := object.Key{Name: "k"}
			before := c.write(writing{key, 100 << 10})
			own := c.write(writing{key, 100 << 10})
			if test.writing {
				c.writing[key.Slot()].Add(1)
			}
			ran := false
			b := c.newBatch(1, func() { ran = true })
			b.asking, b.open = true, 1
			b.state.Store(batchWaiting)
			b.ref(1)
			o := &b.ops[0]
			o.b, o.table, o.tally = b, c.Ring(), quorum.NewTally(1, 0)
			o.command = &Command{Args: [][]byte{[]byte("GET"), []byte("k")}, FirstKey: 1, LastKey: 1, Slot: key.Slot(), Mode: Read}
			o.choice.R = 2
			o.Slot, o.Body = key.Slot(), o
			o.tally.Asked()
			q := &question{b: b, peer: ownerA, ring: c.Ring().Version(), items: []questionItem{{op: o, key: key}}}
			payload := appendBytes([]byte{digestSeen}, causal.AppendContext(nil, test.seen(before.Context, own.Context)))
			q.received(&reader{b: payload}, nil)
			if fetches, catchesUp := peers.n.Load() > 0, c.gaps.any(); ran != test.runs || fetches != test.fetches || catchesUp != test.catchesUp {
				t.Errorf("the command has run %v, what the replica holds is fetched %v, and it is sent what it lacks %v", ran, fetches, catchesUp)
			}
		})
	}
}

// FuzzDecodeFetched decodes whatever a peer answers to a fetch, and gives it to a store.
func FuzzDecodeFetched(f *testing.F) {
	_, o, delta := sampleChange()
	f.Add(byte(digestDiffer), object.Append(nil, o))
	f.Add(byte(digestDeltas), appendDeltas(nil, [][]byte{object.AppendDelta(nil, delta)}, true))
	f.Add(byte(digestSeen), []byte{0})
	c := alone(f)
	f.Fuzz(func(t *testing.T, how byte, b []byte) {
		changes, more, err := decodeFetched(how, b)
		if err != nil {
			return
		}
		if len(changes) == 0 || how == digestDiffer && (more || len(changes) != 1) {
			t.Fatalf("%d changes, and more: %v", len(changes), more)
		}
		key := object.Key{Name: "k"}
		tasks := make([]*engine.Task, len(changes))
		for i, in := range changes {
			in.key, in.Slot, in.Body = key, key.Slot(), in
			tasks[i] = &in.Task
		}
		done := make(chan struct{})
		if !c.Store.Do(tasks, func() { close(done) }) {
			<-done
		}
		for _, in := range changes {
			if in.Err != nil && !errors.Is(in.Err, causal.ErrDrift) {
				t.Fatal(in.Err)
			}
		}
	})
}
