package kind

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

func xadd(ids ...uint64) func(*object.Edit) {
	return func(e *object.Edit) {
		BeginStream(e)
		for _, id := range ids {
			AddEntry(e, StreamID{id, 0}, [][]byte{[]byte("f"), fmt.Append(nil, id)}, false, false)
		}
	}
}

func streamIDs(o *object.Object) (out []uint64) {
	for entry := range StreamEntries(o, StreamID{}, MaxStreamID) {
		out = append(out, entry.ID.MS)
	}
	return out
}

// Nodes that are cut off from each other, whose clocks say the same, make IDs in the same milliseconds for one stream.
func TestAutomaticIDsNeverMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		made := map[StreamID]causal.Node{}
		start := StreamHead{}
		if rapid.Bool().Draw(t, "there was one") {
			start.Last = StreamID{1000, rapid.SampledFrom([]uint64{0, 7, 1<<tagBits - 1, 1 << tagBits, 1<<50 + 3, math.MaxUint64}).Draw(t, "last")}
		}
		for node := causal.Node(1); node <= 4; node++ {
			h, time := start, causal.TimeAt(1000)
			for range rapid.IntRange(1, 40).Draw(t, "entries") {
				time += causal.Time(rapid.SampledFrom([]int{1, 1, 2, 1 << 16}).Draw(t, "later"))
				dot := causal.Dot{Actor: causal.Actor{Node: node, Birth: 1}, Time: time}
				home := h.IsHome(node, node == 1)
				var id StreamID
				var ok bool
				if rapid.Bool().Draw(t, "wholly") {
					id, ok = h.NextID(dot, home)
				} else {
					id, ok = h.NextIDIn(max(h.Last.MS, uint64(time.Milliseconds())), dot, home)
				}
				if !ok || !h.Last.Before(id) {
					t.Fatalf("%v after %v", id, h.Last)
				}
				if by, taken := made[id]; taken {
					t.Fatalf("nodes %d and %d have both made %v", by, node, id)
				}
				made[id], h.Last = node, id
			}
		}
	})
}

// Clients of one server see milliseconds with 0, 1, 2.
func TestHomeCountsFromZero(t *testing.T) {
	h := &StreamHead{}
	dot := causal.Dot{Actor: causal.Actor{Node: 5}, Time: causal.TimeAt(77)}
	for i := range uint64(3) {
		id, ok := h.NextID(dot, h.IsHome(5, true))
		if !ok || id != (StreamID{77, i}) {
			t.Fatalf("%v", id)
		}
		h.Last = id
	}
	h.home = 6
	if h.IsHome(5, true) || !h.IsHome(6, false) {
		t.Error("the ring has changed, and the home with it")
	}
}

func TestIDsEnd(t *testing.T) {
	h := &StreamHead{Last: StreamID{math.MaxUint64, math.MaxUint64 - 1}}
	if _, ok := h.NextID(causal.Dot{Time: 1}, false); ok || !h.Exhausted() {
		t.Error("there is an ID behind the last")
	}
	if _, ok := MaxStreamID.Next(); ok {
		t.Error("there is an ID behind the greatest")
	}
	if id, ok := (StreamID{1, math.MaxUint64}).Next(); !ok || id != (StreamID{2, 0}) {
		t.Errorf("%v", id)
	}
	if id, ok := (StreamID{2, 0}).Previous(); !ok || id != (StreamID{1, math.MaxUint64}) {
		t.Errorf("%v", id)
	}
	if _, ok := (StreamID{}).Previous(); ok {
		t.Error("there is an ID before the smallest")
	}
}

func TestEntriesOfOneIDAreBothShown(t *testing.T) {
	a := at(nil, 1, 10, xadd(5))
	b := at(nil, 2, 11, func(e *object.Edit) {
		AddEntry(e, StreamID{5, 0}, [][]byte{[]byte("g"), []byte("other")}, false, false)
	})
	same := at(nil, 3, 12, xadd(5))
	o := object.Join(object.Join(a, b), same)
	copied := at(nil, 4, 20, func(e *object.Edit) { Copy(e, o) })
	for _, o := range []*object.Object{o, copied} {
		entry, ok := EntryOf(o, StreamID{5, 0})
		if got := fmt.Sprintf("%s", entry.Values()); !ok || got != "[[f 5] [g other]]" || StreamLength(o) != 1 {
			t.Errorf("shows %s of %d", got, StreamLength(o))
		}
	}
}

func TestStreamAndRemovalOfTheKey(t *testing.T) {
	base := at(nil, 1, 10, func(e *object.Edit) {
		xadd(1, 2)(e)
		SetGroup(e, theGroup, StreamID{}, EntriesUnknown)
	})
	gone := at(base, 1, 20, Clear)
	both := object.Join(gone, at(base, 2, 15, xadd(3)))
	if got := streamIDs(both); !slices.Equal(got, []uint64{3}) || both.Tombstone() || HeadOf(both).Last != (StreamID{3, 0}) {
		t.Errorf("DEL and XADD leave %v, %+v", got, HeadOf(both))
	}
	// Reading does not bring the key back, and who makes it again gets a new stream.
	read := at(base, 2, 15, func(e *object.Edit) {
		Deliver(base, GroupOf(base, theGroup), 0, func(*StreamEntry) {}).Put(e, theGroup)
		PutPending(e, theGroup, StreamID{1, 0}, Pending{Consumer: "c"})
	})
	both = object.Join(gone, read)
	if !both.Tombstone() || GroupOf(both, theGroup) == nil {
		t.Fatalf("DEL and XREADGROUP leave %+v", both)
	}
	again := at(both, 1, 30, xadd(9))
	if GroupOf(again, theGroup) != nil || again.HasAttributes(object.Stream) || !slices.Equal(streamIDs(again), []uint64{9}) {
		t.Errorf("made again: %+v", again)
	}
}

func TestSettingAGroupWinsOverReading(t *testing.T) {
	base := at(nil, 1, 10, func(e *object.Edit) {
		xadd(1, 2, 3)(e)
		SetGroup(e, theGroup, StreamID{}, EntriesUnknown)
	})
	read := at(base, 2, 30, func(e *object.Edit) {
		Deliver(base, GroupOf(base, theGroup), 0, func(*StreamEntry) {}).Put(e, theGroup)
	})
	set := at(base, 1, 20, func(e *object.Edit) { SetGroup(e, theGroup, StreamID{1, 0}, 1) })
	both := object.Join(read, set)
	d := Deliver(both, GroupOf(both, theGroup), 0, func(*StreamEntry) {})
	if fmt.Sprint(d.IDs) != "[2-0 3-0]" {
		t.Errorf("delivers %v", d.IDs)
	}
	gone := at(base, 1, 20, func(e *object.Edit) { DestroyGroup(e, base, theGroup) })
	if GroupOf(gone, theGroup) != nil || GroupOf(object.Join(gone, read), theGroup) == nil {
		t.Error("a group that is read while it is destroyed is gone")
	}
}

// A stream keeps so many actors apart and no more, however often its nodes start anew.
func TestWritersAreBounded(t *testing.T) {
	o := at(nil, 1, 1, func(e *object.Edit) {
		MakeStream(e)
		SetGroup(e, theGroup, StreamID{}, EntriesUnknown)
	})
	const births = 100
	for i := range uint64(births) {
		o = at(o, causal.Node(i+1), causal.Time(10*i+10), xadd(i+1))
		o = at(o, causal.Node(i+1), causal.Time(10*i+11), func(e *object.Edit) {
			d := Deliver(o, GroupOf(o, theGroup), 0, func(*StreamEntry) {})
			if len(d.IDs) != 1 {
				t.Fatalf("delivers %v", d.IDs)
			}
			d.Put(e, theGroup)
		})
	}
	h, g := HeadOf(o), GroupOf(o, theGroup)
	if len(h.writers) > maxWriters || len(g.seen) > maxWriters || h.Added() != births || StreamLength(o) != births {
		t.Errorf("%d writers, %d positions, %d added", len(h.writers), len(g.seen), h.Added())
	}
	if d := Deliver(o, g, 0, func(*StreamEntry) {}); len(d.IDs) > 0 {
		t.Errorf("delivers %v again", d.IDs)
	}
}

// What a removal leaves to look for is not looked for again and again.
func TestRemovedLateEntriesAreNotLookedForTwice(t *testing.T) {
	base := at(nil, 1, 10, func(e *object.Edit) {
		MakeStream(e)
		SetGroup(e, theGroup, StreamID{}, EntriesUnknown)
	})
	a := at(base, 1, 20, func(e *object.Edit) {
		for i := range uint64(2 * manyPassed) {
			xadd(10 + i)(e)
		}
	})
	a = at(a, 1, 30, func(e *object.Edit) { Deliver(a, GroupOf(a, theGroup), 0, func(*StreamEntry) {}).Put(e, theGroup) })
	b := at(base, 2, 20, xadd(5))
	b = at(b, 2, 30, func(e *object.Edit) { RemoveEntry(e, StreamID{5, 0}) })
	o := object.Join(a, b)
	d := Deliver(o, GroupOf(o, theGroup), 0, func(*StreamEntry) {})
	if len(d.IDs) > 0 || !d.Changed() {
		t.Fatalf("delivers %v, changed %v", d.IDs, d.Changed())
	}
	o = at(o, 1, 40, func(e *object.Edit) { d.Put(e, theGroup) })
	if some, _ := GroupOf(o, theGroup).undelivered(HeadOf(o)); some {
		t.Error("it is looked for again")
	}
}

func TestApproximateTrim(t *testing.T) {
	var ids []uint64
	for i := range uint64(250) {
		ids = append(ids, i+1)
	}
	o := at(nil, 1, 1, xadd(ids...))
	for _, c := range []struct {
		trim StreamTrim
		want int
	}{
		{StreamTrim{ByLength: true, MaxLength: 100}, 150},
		{StreamTrim{ByLength: true, MaxLength: 100, Approximate: true}, 100},
		{StreamTrim{ByLength: true, MaxLength: 151, Approximate: true}, 0},
		{StreamTrim{ByLength: true, Approximate: true}, 250},
		{StreamTrim{ByLength: true, Approximate: true, Limit: 199}, 100},
		{StreamTrim{ByLength: true, MaxLength: 300}, 0},
		{StreamTrim{MinID: StreamID{120, 0}}, 119},
		{StreamTrim{MinID: StreamID{120, 0}, Approximate: true}, 100},
		{StreamTrim{MinID: StreamID{1000, 0}, Approximate: true}, 250},
	} {
		if got := c.trim.Doomed(o); len(got) != c.want {
			t.Errorf("%+v removes %d, want %d", c.trim, len(got), c.want)
		}
	}
}

// Cells may come from other nodes and from clients (kindred.import), so nothing in them is to be trusted.
func FuzzStreamCells(f *testing.F) {
	o := at(nil, 1, 1, func(e *object.Edit) {
		xadd(1, 2)(e)
		SetGroup(e, theGroup, StreamID{1, 0}, 1)
		PutConsumer(e, theGroup, []byte("c"), Consumer{1, 2})
		PutPending(e, theGroup, StreamID{1, 0}, Pending{"c", 1, 2})
	})
	f.Add(object.Append(nil, o))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := object.Decode(b)
		if err != nil || o.Kind() != object.Stream {
			return
		}
		for entry := range StreamEntries(o, StreamID{}, MaxStreamID) {
			entry.Values()
		}
		for name, g := range StreamGroups(o) {
			Deliver(o, g, 0, func(*StreamEntry) {})
			g.Lag(o, HeadOf(o))
			for range PendingEntries(o, []byte(name), StreamID{}) {
			}
			for range Consumers(o, []byte(name)) {
			}
		}
		at(nil, 3, causal.Time(math.MaxUint32), func(e *object.Edit) { Copy(e, o) })
	})
}
