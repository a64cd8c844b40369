package rdb

import (
	"encoding/binary"
	"strconv"
)

// number reads what is written as a length and need not be one.
func (d *decoder) number() uint64 {
	n, isSpecial := d.length()
	if isSpecial {
		d.fail()
	}
	return n
}

func (d *decoder) milliseconds() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) id() ID {
	if b := d.take(16); b != nil {
		return ID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
	}
	return ID{}
}

func (d *decoder) idOfLengths() ID {
	ms := d.number()
	return ID{ms, d.number()}
}

// stream reads a stream of one of the three forms.
func (d *decoder) stream(form int) *Value {
	s := &Stream{}
	nodes := d.count()
	for i := uint64(0); i < nodes && !d.failed; i++ {
		first := decoder{b: d.string()}
		id := first.id()
		if first.failed || len(first.b) > 0 {
			d.fail()
		}
		s.Entries = append(s.Entries, d.streamNode(id)...)
	}
	if d.number() != uint64(len(s.Entries)) {
		d.fail()
	}
	s.Last = d.idOfLengths()
	s.Added = uint64(len(s.Entries))
	if form > 1 {
		d.idOfLengths() // the first: that is known
		s.MaxDeleted = d.idOfLengths()
		s.Added = d.number()
	}
	groups := d.count()
	for i := uint64(0); i < groups && !d.failed; i++ {
		s.Groups = append(s.Groups, d.group(form))
	}
	return &Value{Kind: StreamKind, Stream: s}
}

func (d *decoder) group(form int) Group {
	g := Group{Name: d.string(), Last: d.idOfLengths(), Read: ReadUnknown}
	if form > 1 {
		g.Read = int64(d.number())
	}
	pending := d.count()
	at := make(map[ID]int)
	for i := uint64(0); i < pending && !d.failed; i++ {
		p := Pending{ID: d.id(), Delivered: d.milliseconds(), Deliveries: d.number(), Consumer: unowned}
		at[p.ID] = len(g.Pending)
		g.Pending = append(g.Pending, p)
	}
	consumers := d.count()
	for i := uint64(0); i < consumers && !d.failed; i++ {
		c := Consumer{Name: d.string(), Seen: d.milliseconds()}
		c.Active = c.Seen
		if form > 2 {
			c.Active = d.milliseconds()
		}
		owned := d.count()
		for j := uint64(0); j < owned && !d.failed; j++ {
			n, ok := at[d.id()]
			if !ok || g.Pending[n].Consumer != unowned {
				d.fail()
				break
			}
			g.Pending[n].Consumer = len(g.Consumers)
		}
		g.Consumers = append(g.Consumers, c)
	}
	return g
}

// unowned is the consumer of a pending entry of which none was read. A group with one is not sound.
const unowned = int(^uint(0) >> 1)

// streamNode reads the entries of one node, whose IDs are given as distances from the first.
func (d *decoder) streamNode(first ID) (entries []Entry) {
	r := nodeReader{rest: d.listpack(), budget: d.budget}
	count, removed := r.number(), r.number()
	shared := r.strings(r.number())
	if r.number() != 0 {
		r.failed = true
	}
	for len(r.rest) > 0 && !r.failed {
		e, isRemoved := r.entry(first, shared)
		if isRemoved {
			removed--
			continue
		}
		entries = append(entries, e)
	}
	if d.budget = r.budget; r.failed || removed != 0 || count != int64(len(entries)) {
		d.fail()
		return nil
	}
	return entries
}

// nodeReader reads the elements of a node's listpack.
type nodeReader struct {
	rest   [][]byte
	budget int64 // bytes of shared fields that entries may yet have
	failed bool
}

func (r *nodeReader) string() []byte {
	if len(r.rest) == 0 {
		r.failed = true
		return nil
	}
	s := r.rest[0]
	r.rest = r.rest[1:]
	return s
}

func (r *nodeReader) strings(n int64) [][]byte {
	if n < 0 || n > int64(len(r.rest)) {
		r.failed = true
		return nil
	}
	out := r.rest[:n:n]
	r.rest = r.rest[n:]
	return out
}

func (r *nodeReader) number() int64 {
	n, err := strconv.ParseInt(string(r.string()), 10, 64)
	r.failed = r.failed || err != nil
	return n
}

func (r *nodeReader) entry(first ID, shared [][]byte) (e Entry, removed bool) {
	before := len(r.rest)
	flags := r.number()
	e.ID = ID{first.MS + uint64(r.number()), first.Seq + uint64(r.number())}
	if flags&entrySameFields != 0 {
		for i, value := range r.strings(int64(len(shared))) {
			e.Values = append(e.Values, shared[i], value)
			r.budget -= int64(len(shared[i]))
		}
	} else if n := r.number(); n <= int64(len(r.rest)) {
		e.Values = r.strings(2 * n)
	} else {
		r.failed = true
	}
	read := int64(before - len(r.rest))
	if len(e.Values) == 0 || r.number() != read || r.budget < 0 {
		r.failed = true
	}
	return e, flags&entryRemoved != 0
}
