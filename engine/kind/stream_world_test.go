package kind

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// streamWorld is a world whose replicas hold a stream with a group. Node 1 is the first primary. The oracle says after every
// step which entries a replica must have and what must be pending there, and that no automatic ID is made twice, none goes
// backwards on its node, and no entry is delivered again by who knows that it was.
type streamWorld struct {
	*world
	did       map[*op]*streamOp
	automatic map[StreamID]bool
	last      map[causal.Node]StreamID
	births    int // of actors, no more than are kept apart
}

// streamOp is one command as the oracle sees it. Others are named by their places among the ops.
type streamOp struct {
	id        StreamID
	value     string // of an entry
	removes   opSet  // entries
	delivered opSet  // entries
	pending   StreamID
	owner     string // of the pending entry
	settles   opSet  // deliveries that are no longer pending, or are again by this one
}

const millisecond = causal.Time(1 << 16)

var theGroup = []byte("group")

func newStreamWorld(t *rapid.T) *streamWorld {
	w := &streamWorld{newWorld(t), map[*op]*streamOp{}, map[StreamID]bool{}, map[causal.Node]StreamID{}, 3}
	w.now = 1000 * millisecond
	w.change(w.replicas[0], func(e *object.Edit, _ *streamOp) bool {
		MakeStream(e)
		SetGroup(e, theGroup, StreamID{}, EntriesUnknown)
		return true
	})
	for _, r := range w.replicas[1:] {
		w.join(r, w.replicas[0])
	}
	return w
}

func (w *streamWorld) change(r *replica, change func(e *object.Edit, s *streamOp) bool) {
	w.now += causal.Time(w.int("time", 0, 3)) * millisecond / 2
	w.write(r, func(e *object.Edit, o *op) error {
		s := &streamOp{}
		if !change(e, s) {
			return fmt.Errorf("nothing to do")
		}
		w.did[o] = s
		return nil
	})
}

// known are what a replica knows of, in order.
func (w *streamWorld) known(r *replica) (out []int) {
	for i := range r.knows {
		if w.did[w.ops[i]] != nil {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

// entries are those that a replica must have, by ID.
func (w *streamWorld) entries(r *replica) map[StreamID]opSet {
	gone, out := opSet{}, map[StreamID]opSet{}
	for _, i := range w.known(r) {
		maps.Copy(gone, w.did[w.ops[i]].removes)
	}
	for _, i := range w.known(r) {
		if s := w.did[w.ops[i]]; s.value != "" && !gone[i] {
			if out[s.id] == nil {
				out[s.id] = opSet{}
			}
			out[s.id][i] = true
		}
	}
	return out
}

// delivered are the entries that a replica knows were given to the group.
func (w *streamWorld) delivered(r *replica) opSet {
	out := opSet{}
	for _, i := range w.known(r) {
		maps.Copy(out, w.did[w.ops[i]].delivered)
	}
	return out
}

// pending are the ops that have made something pending, by ID.
func (w *streamWorld) pending(r *replica) map[StreamID]opSet {
	settled, out := opSet{}, map[StreamID]opSet{}
	for _, i := range w.known(r) {
		maps.Copy(settled, w.did[w.ops[i]].settles)
	}
	for _, i := range w.known(r) {
		if s := w.did[w.ops[i]]; s.owner != "" && !settled[i] {
			if out[s.pending] == nil {
				out[s.pending] = opSet{}
			}
			out[s.pending][i] = true
		}
	}
	return out
}

func (w *streamWorld) add(r *replica, automatic bool) {
	w.change(r, func(e *object.Edit, s *streamOp) bool {
		h := HeadOf(r.object)
		home := h.IsHome(r.node, r.node == 1)
		s.id = StreamID{uint64(w.now.Milliseconds()), uint64(w.int("seq", 1, 3))}
		if automatic {
			var ok bool
			if s.id, ok = h.NextID(e.Dot(), home); !ok {
				w.t.Fatal("no ID left")
			}
			if w.automatic[s.id] {
				w.t.Fatalf("%v was made twice", s.id)
			}
			if !w.last[r.node].Before(s.id) {
				w.t.Fatalf("%v goes backwards on node %d, from %v", s.id, r.node, w.last[r.node])
			}
			w.automatic[s.id], w.last[r.node] = true, s.id
		}
		if !h.Last.Before(s.id) {
			return false
		}
		s.value = fmt.Sprint("value", len(w.ops))
		BeginStream(e)
		AddEntry(e, s.id, [][]byte{[]byte("field"), []byte(s.value)}, automatic, home)
		return true
	})
}

func (w *streamWorld) remove(r *replica) {
	w.change(r, func(e *object.Edit, s *streamOp) bool {
		s.removes = opSet{}
		for _, id := range sortedIDs(w.entries(r)) {
			if w.int("remove", 0, 3) == 0 && RemoveEntry(e, id) {
				maps.Copy(s.removes, w.entries(r)[id])
			}
		}
		EndRemovals(e)
		return len(s.removes) > 0
	})
}

func (w *streamWorld) trim(r *replica) {
	w.change(r, func(e *object.Edit, s *streamOp) bool {
		s.removes = opSet{}
		keep := w.int("keep", 0, 10)
		doomed := (&StreamTrim{ByLength: true, MaxLength: int64(keep)}).Doomed(r.object)
		held := w.entries(r)
		if ids := sortedIDs(held); !slices.Equal(doomed, ids[:max(0, len(ids)-keep)]) {
			w.t.Fatalf("trimmed %v of %v to %d", doomed, ids, keep)
		}
		for _, id := range doomed {
			maps.Copy(s.removes, held[id])
		}
		DropEntries(e, doomed)
		return len(doomed) > 0
	})
}

// read delivers entries to the group. Each delivery is an op of its own, for what the oracle says of pending ones.
func (w *streamWorld) read(r *replica, limit int64) {
	entries, before := w.entries(r), w.delivered(r)
	g := GroupOf(r.object, theGroup)
	if g == nil {
		return
	}
	d := Deliver(r.object, g, limit, func(*StreamEntry) {})
	for _, id := range d.IDs {
		isNew := false
		for i := range entries[id] {
			isNew = isNew || !before[i]
		}
		if !isNew {
			w.t.Fatalf("node %d delivers %v, which it has %v of, again", r.node, id, entries[id])
		}
	}
	if !d.Changed() || w.int("no ack", 0, 5) == 0 {
		return // as if the command had not been run
	}
	at := w.pending(r)
	first := true
	for _, id := range d.IDs {
		w.change(r, func(e *object.Edit, s *streamOp) bool {
			if first {
				s.delivered = opSet{}
				for _, id := range d.IDs {
					maps.Copy(s.delivered, entries[id])
				}
				d.Put(e, theGroup)
				first = false
			}
			s.pending, s.owner, s.settles = id, fmt.Sprint("consumer", r.node), at[id]
			PutPending(e, theGroup, id, Pending{Consumer: s.owner, Deliveries: 1})
			return true
		})
	}
}

func (w *streamWorld) acknowledge(r *replica) {
	at := w.pending(r)
	for _, id := range sortedIDs(at) {
		w.change(r, func(e *object.Edit, s *streamOp) bool {
			switch w.int("settle", 0, 3) {
			case 0:
				RemovePending(e, theGroup, id)
			case 1:
				s.pending, s.owner = id, "claimer"
				PutPending(e, theGroup, id, Pending{Consumer: s.owner})
			default:
				return false
			}
			s.settles = at[id]
			return true
		})
	}
}

func sortedIDs(of map[StreamID]opSet) []StreamID {
	return slices.SortedFunc(maps.Keys(of), StreamID.Compare)
}

func (w *streamWorld) step() {
	r := w.replica("at")
	switch w.int("step", 0, 15) {
	case 0, 1, 2:
		w.add(r, true)
	case 3:
		w.add(r, false)
	case 4:
		w.remove(r)
	case 5:
		w.trim(r)
	case 6, 7:
		w.read(r, int64(w.int("count", 0, 3)))
	case 8:
		w.acknowledge(r)
	case 9:
		w.forgetBirth(r)
	case 10:
		if to := w.replica("hand over to"); to != r && w.births < maxWriters {
			w.join(to, r)
			w.births++
			*r = replica{node: r.node, knows: opSet{}}
			w.now += millisecond // a handover takes longer than that
		}
	case 11, 12:
		w.join(r, w.replica("from"))
	default:
		w.deliver(r)
	}
	for _, r := range w.replicas {
		w.check(r)
	}
}

func (w *streamWorld) forgetBirth(r *replica) {
	if r.birth != 0 && w.births < maxWriters {
		r.birth = 0
		w.births++
	}
}

func (w *streamWorld) check(r *replica) {
	want := w.entries(r)
	got := map[StreamID]bool{}
	for entry := range StreamEntries(r.object, StreamID{}, MaxStreamID) {
		values := map[string]bool{}
		for _, v := range entry.Values() {
			values[string(v[1])] = true
		}
		for i := range want[entry.ID] {
			if !values[w.did[w.ops[i]].value] {
				w.t.Fatalf("node %d lacks an entry of %v: %v", r.node, entry.ID, values)
			}
		}
		if len(values) != len(want[entry.ID]) {
			w.t.Fatalf("node %d has %v under %v, want %v", r.node, values, entry.ID, want[entry.ID])
		}
		got[entry.ID] = true
	}
	if len(got) != len(want) || StreamLength(r.object) != int64(len(want)) {
		w.t.Fatalf("node %d has %d entries and says %d, want %d", r.node, len(got), StreamLength(r.object), len(want))
	}
	pending := w.pending(r)
	n := 0
	for id, p := range PendingEntries(r.object, theGroup, StreamID{}) {
		n++
		newest := -1
		for i := range pending[id] {
			if newest < 0 || w.ops[newest].dot.Compare(w.ops[i].dot) < 0 {
				newest = i
			}
		}
		if newest < 0 || w.did[w.ops[newest]].owner != p.Consumer {
			w.t.Fatalf("node %d has %v pending for %s, want %v", r.node, id, p.Consumer, pending[id])
		}
	}
	if n != len(pending) {
		w.t.Fatalf("node %d has %d entries pending, want %d", r.node, n, len(pending))
	}
}

// settle brings all replicas together. Then they must be equal, and the group must get all that it was not given.
func (w *streamWorld) settle() {
	w.settleAll(w.check)
	r := w.replicas[0]
	left := map[StreamID]bool{}
	before := w.delivered(r)
	for id, entries := range w.entries(r) {
		for i := range entries {
			left[id] = left[id] || !before[i]
		}
	}
	maps.DeleteFunc(left, func(_ StreamID, undelivered bool) bool { return !undelivered })
	w.mustDeliver(r.object, left, false)
	copied := at(nil, 9, w.now+1, func(e *object.Edit) { Copy(e, r.object) })
	w.mustDeliver(copied, left, true)
	if a, b := HeadOf(r.object), HeadOf(copied); a.Last != b.Last || a.Added() != b.Added() || StreamLength(copied) != StreamLength(r.object) {
		w.t.Fatalf("copied %+v to %+v", a, b)
	}
}

// mustDeliver reads all that is left, in steps. A copy may deliver again what was delivered before something late.
func (w *streamWorld) mustDeliver(o *object.Object, left map[StreamID]bool, again bool) {
	got := map[StreamID]bool{}
	for time := w.now + 10; ; time++ {
		d := Deliver(o, GroupOf(o, theGroup), 2, func(*StreamEntry) {})
		if len(d.IDs) == 0 {
			break
		}
		for _, id := range d.IDs {
			if got[id] {
				w.t.Fatalf("%v is delivered twice", id)
			}
			got[id] = true
		}
		o = at(o, 8, time, func(e *object.Edit) { d.Put(e, theGroup) })
	}
	for id := range left {
		if !got[id] {
			w.t.Fatalf("%v is never delivered, of a copy: %v", id, again)
		}
	}
	if !again && len(got) != len(left) {
		w.t.Fatalf("%d entries are delivered, %d are left", len(got), len(left))
	}
}

func TestStreamsConverge(t *testing.T) { converging(t, 10, 80, newStreamWorld) }
