package command

import (
	"bytes"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp/rdb"
)

// dumpedStream is a stream as Redis has them: one entry to an ID, and whoever has something pending is a consumer of the group.
func dumpedStream(o *object.Object) *rdb.Stream {
	h := kind.HeadOf(o)
	s := &rdb.Stream{Last: rdb.ID(h.Last), MaxDeleted: rdb.ID(h.MaxDeleted)}
	for entry := range kind.StreamEntries(o, kind.StreamID{}, kind.MaxStreamID) {
		all := entry.Values()
		if len(all) == 0 {
			continue
		}
		e := rdb.Entry{ID: rdb.ID(entry.ID)}
		for _, v := range all[len(all)-1] {
			e.Values = append(e.Values, bytes.Clone(v))
		}
		s.Entries = append(s.Entries, e)
	}
	s.Added = max(h.Added(), uint64(len(s.Entries)))
	for name, g := range kind.StreamGroups(o) {
		s.Groups = append(s.Groups, dumpedGroup(o, name, g))
	}
	return s
}

func dumpedGroup(o *object.Object, name string, g *kind.StreamGroup) rdb.Group {
	out := rdb.Group{Name: []byte(name), Last: rdb.ID(g.Last), Read: g.Read}
	at := make(map[string]int)
	for consumer, c := range kind.Consumers(o, out.Name) {
		at[consumer] = len(out.Consumers)
		out.Consumers = append(out.Consumers, rdb.Consumer{Name: []byte(consumer), Seen: c.Seen, Active: c.Active})
	}
	for id, p := range kind.PendingEntries(o, out.Name, kind.StreamID{}) {
		n, ok := at[p.Consumer]
		if !ok {
			n = len(out.Consumers)
			at[p.Consumer] = n
			out.Consumers = append(out.Consumers, rdb.Consumer{Name: []byte(p.Consumer), Seen: p.Delivered, Active: p.Delivered})
		}
		out.Pending = append(out.Pending, rdb.Pending{ID: rdb.ID(id), Delivered: p.Delivered, Deliveries: p.Deliveries, Consumer: n})
	}
	return out
}

// restoreStream makes a key that does not exist a stream. Automatic IDs go on behind its last, as they do for a stream that was copied.
func restoreStream(e *object.Edit, s *rdb.Stream) {
	kind.FillStream(e, kind.StreamID(s.Last), kind.StreamID(s.MaxDeleted), s.Added, func(yield func(kind.StreamID, [][][]byte) bool) {
		for i := range s.Entries {
			if !yield(kind.StreamID(s.Entries[i].ID), [][][]byte{s.Entries[i].Values}) {
				return
			}
		}
	})
	for i := range s.Groups {
		g := &s.Groups[i]
		kind.SetGroup(e, g.Name, kind.StreamID(g.Last), g.Read)
		for _, c := range g.Consumers {
			kind.PutConsumer(e, g.Name, c.Name, kind.Consumer{Seen: c.Seen, Active: c.Active})
		}
		for _, p := range g.Pending {
			pending := kind.Pending{Consumer: string(g.Consumers[p.Consumer].Name), Delivered: p.Delivered, Deliveries: p.Deliveries}
			kind.PutPending(e, g.Name, kind.StreamID(p.ID), pending)
		}
	}
}
