package rdb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// ID names an entry of a stream.
type ID struct{ MS, Seq uint64 }

func (id ID) compare(o ID) int { return cmp.Or(cmp.Compare(id.MS, o.MS), cmp.Compare(id.Seq, o.Seq)) }

// Stream is a stream with its groups.
type Stream struct {
	Entries []Entry // ascending
	// Last is the ID of the entry added last, MaxDeleted the greatest that XDEL has removed.
	Last, MaxDeleted ID
	Added            uint64 // entries ever added
	Groups           []Group
}

// Entry is an entry of a stream.
type Entry struct {
	ID     ID
	Values [][]byte // fields, each with its value behind it
}

// Group is a consumer group.
type Group struct {
	Name []byte
	Last ID
	// Read is the number of entries that were read, ReadUnknown when that is not known.
	Read      int64
	Pending   []Pending // ascending
	Consumers []Consumer
}

// ReadUnknown is what Redis writes for a number of entries read that it does not know. In payloads before Redis 7.0 no number is
// known.
const ReadUnknown int64 = -1

// Pending is an entry that was delivered and not acknowledged.
type Pending struct {
	ID         ID
	Delivered  int64 // Unix milliseconds
	Deliveries uint64
	Consumer   int // its place among the group's consumers
}

// Consumer is a consumer of a group.
type Consumer struct {
	Name []byte
	// Seen and Active are the Unix milliseconds at which it asked for entries last, and at which it was given some; Active is -1 when it
	// never was. Payloads that Encode writes, and those before Redis 7.2, do not say, and then Active is Seen.
	Seen, Active int64
}

// sound reports whether a stream may be stored. Its parts must agree with each other as those of every stream do.
func (s *Stream) sound() bool {
	if !ascending(s.Entries, func(e *Entry) ID { return e.ID }) || s.Added < uint64(len(s.Entries)) || s.Last.compare(s.MaxDeleted) < 0 {
		return false
	}
	if n := len(s.Entries); n > 0 && (s.Entries[0].ID == ID{} || s.Last.compare(s.Entries[n-1].ID) < 0) {
		return false
	}
	return distinct(len(s.Groups), func(i int) []byte { return s.Groups[i].Name }) &&
		!slices.ContainsFunc(s.Groups, func(g Group) bool { return !g.sound() })
}

func (g *Group) sound() bool {
	return g.Read >= ReadUnknown && ascending(g.Pending, func(p *Pending) ID { return p.ID }) &&
		distinct(len(g.Consumers), func(i int) []byte { return g.Consumers[i].Name }) &&
		!slices.ContainsFunc(g.Pending, func(p Pending) bool { return p.Consumer >= len(g.Consumers) })
}

// ascending reports whether all IDs are different and in order.
func ascending[T any](list []T, id func(*T) ID) bool {
	for i := 1; i < len(list); i++ {
		if id(&list[i-1]).compare(id(&list[i])) >= 0 {
			return false
		}
	}
	return true
}

// A stream is written in these parts, of which the second was not there before Redis 7.0:
//
//	nodes        their number, and of each the ID of its first entry (a string of 16 bytes) and a listpack of entries
//	counts       of entries, the last ID; and the first ID, the greatest that was removed, and how many were added
//	groups       their number, and of each its name, last ID, how many it has read (not before 7.0), what is pending, consumers
//	pending      their number, and of each its ID (16 bytes), when it was delivered (8), how often
//	consumers    their number, and of each its name, when it was seen (8) and active (8; not before 7.2), how many are pending for it and
//	             their IDs (16)
func (s *Stream) append(b []byte) []byte {
	nodes := s.nodes()
	b = appendLength(b, len(nodes))
	for _, node := range nodes {
		b = appendString(b, node[0].ID.append(nil))
		b = appendString(b, nodeListpack(node))
	}
	b = appendLength(b, len(s.Entries))
	first := ID{}
	if len(s.Entries) > 0 {
		first = s.Entries[0].ID
	}
	for _, id := range []ID{s.Last, first, s.MaxDeleted} {
		b = id.appendLengths(b)
	}
	b = appendLength(b, s.Added)
	b = appendLength(b, len(s.Groups))
	for i := range s.Groups {
		b = s.Groups[i].append(b)
	}
	return b
}

func (g *Group) append(b []byte) []byte {
	b = g.Last.appendLengths(appendString(b, g.Name))
	b = appendLength(b, uint64(g.Read))
	b = appendLength(b, len(g.Pending))
	owned := make([][]ID, len(g.Consumers))
	for i := range g.Pending {
		p := &g.Pending[i]
		b = appendLength(appendMilliseconds(p.ID.append(b), p.Delivered), p.Deliveries)
		owned[p.Consumer] = append(owned[p.Consumer], p.ID)
	}
	b = appendLength(b, len(g.Consumers))
	for i := range g.Consumers {
		b = appendMilliseconds(appendString(b, g.Consumers[i].Name), g.Consumers[i].Seen)
		b = appendLength(b, len(owned[i]))
		for _, id := range owned[i] {
			b = id.append(b)
		}
	}
	return b
}

// append appends 16 bytes whose order is that of IDs.
func (id ID) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, id.MS), id.Seq)
}

func (id ID) appendLengths(b []byte) []byte { return appendLength(appendLength(b, id.MS), id.Seq) }

// A node holds so many entries, or bytes of them unless there is one alone: Redis's defaults.
const (
	nodeEntries = 100
	nodeBytes   = 4096
)

// nodes divides the entries.
func (s *Stream) nodes() (nodes [][]Entry) {
	begin, size := 0, 0
	for i := range s.Entries {
		n := 0
		for _, v := range s.Entries[i].Values {
			n += len(v) + 2
		}
		if i > begin && (i-begin == nodeEntries || size+n > nodeBytes) {
			nodes = append(nodes, s.Entries[begin:i])
			begin, size = i, 0
		}
		size += n
	}
	if begin < len(s.Entries) {
		nodes = append(nodes, s.Entries[begin:])
	}
	return nodes
}

// A node begins with what its entries share: how many there are, how many are marked as removed, the number of the first one's fields,
// their names, and 0. An entry is flags, how far its ID is from the first (milliseconds, sequence number); the number of its fields and each
// with its value, or the values alone when the fields are those of the first; and how many elements all that is.
const (
	entryRemoved    = 1
	entrySameFields = 2
)

func nodeListpack(entries []Entry) []byte {
	var b listpackWriter
	first := &entries[0]
	b.number(int64(len(entries)))
	b.number(0)
	b.number(int64(len(first.Values) / 2))
	for i := 0; i < len(first.Values); i += 2 {
		b.string(first.Values[i])
	}
	b.number(0)
	for i := range entries {
		e := &entries[i]
		flags, before := int64(0), b.n
		same := e.sameFields(first)
		if same {
			flags = entrySameFields
		}
		b.number(flags)
		b.number(int64(e.ID.MS - first.ID.MS))
		b.number(int64(e.ID.Seq - first.ID.Seq))
		if !same {
			b.number(int64(len(e.Values) / 2))
		}
		for j, v := range e.Values {
			if !same || j%2 == 1 {
				b.string(v)
			}
		}
		b.number(int64(b.n - before))
	}
	return b.finish()
}

func (e *Entry) sameFields(o *Entry) bool {
	if len(e.Values) != len(o.Values) {
		return false
	}
	for i := 0; i < len(e.Values); i += 2 {
		if !bytes.Equal(e.Values[i], o.Values[i]) {
			return false
		}
	}
	return true
}
