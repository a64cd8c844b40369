package rdb

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The check value that the CRC's authors give.
func TestChecksum(t *testing.T) {
	if got := checksum([]byte("123456789")); got != 0xe9c6d914c4b8d9ca {
		t.Errorf("%x", got)
	}
}

// sealed is a payload of a body.
func sealed(body string, version uint16) []byte {
	b := binary.LittleEndian.AppendUint16([]byte(body), version)
	return binary.LittleEndian.AppendUint64(b, checksum(b))
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawValue(t)
		payload := Encode(v)
		got, err := Decode(payload, 1<<16)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("%+v became %+v, %v", v, got, err)
		}
		payload[rapid.IntRange(0, len(payload)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := Decode(payload, 1<<16); err != ErrChecksum {
			t.Fatalf("a flipped bit: %v", err)
		}
	})
}

func drawValue(t *rapid.T) *Value {
	text := rapid.SliceOfN(rapid.Byte(), 0, 70)
	list := rapid.SliceOfNDistinct(text, 2, 80, func(b []byte) string { return string(b) }).Draw(t, "elements")
	v := &Value{Kind: Kind(rapid.IntRange(0, 5).Draw(t, "kind")), Elements: list}
	switch v.Kind {
	case String:
		v.Elements = [][]byte{bytes.Repeat(list[0], rapid.SampledFrom([]int{1, 300}).Draw(t, "times"))}
	case Hash:
		v.Elements = list[:len(list)/2*2]
		at := rapid.SampledFrom([]int64{0, 1, 2, 63, 64, 1_700_000_000_000, maxDeadline})
		v.Deadlines = rapid.SliceOfN(at, len(list)/2, len(list)/2).Draw(t, "deadlines")
		v.withoutNone()
	case ZSet:
		v.Elements = nil
		for _, name := range list {
			v.Members = append(v.Members, Member{name, rapid.Float64().Draw(t, "score")})
		}
	case StreamKind:
		v.Elements, v.Stream = nil, drawStream(t, list)
	}
	return v
}

func drawStream(t *rapid.T, names [][]byte) *Stream {
	s := &Stream{}
	number := rapid.SampledFrom([]uint64{0, 1, 5, 100, 1 << 12, 1 << 20, 1 << 40, 1<<64 - 1})
	later := func(id ID) ID {
		if id.Seq++; id.Seq == 0 || rapid.Bool().Draw(t, "later") {
			id = ID{id.MS + rapid.SampledFrom([]uint64{1, 200, 5000, 1 << 33}).Draw(t, "ms"), number.Draw(t, "seq")}
		}
		return id
	}
	value := rapid.SampledFrom([]int{0, 1, 63, 64, 127, 128, 5000, 17000})
	for range rapid.SampledFrom([]int{0, 1, 3, 210}).Draw(t, "entries") {
		s.Last = later(s.Last)
		e := Entry{ID: s.Last}
		for range rapid.IntRange(1, 3).Draw(t, "fields") {
			e.Values = append(e.Values, names[rapid.IntRange(0, 1).Draw(t, "field")], bytes.Repeat([]byte("v"), value.Draw(t, "size")))
		}
		s.Entries = append(s.Entries, e)
	}
	s.Added = max(number.Draw(t, "added"), uint64(len(s.Entries)))
	s.MaxDeleted, s.Last = s.Last, later(s.Last)
	for i := range rapid.IntRange(0, 2).Draw(t, "groups") {
		g := Group{Name: names[i], Last: later(s.Last), Read: rapid.Int64Range(-1, 300).Draw(t, "read")}
		for j := range rapid.IntRange(0, 2).Draw(t, "consumers") {
			seen := rapid.Int64().Draw(t, "seen")
			g.Consumers = append(g.Consumers, Consumer{Name: names[j], Seen: seen, Active: seen})
		}
		var id ID
		for range rapid.IntRange(0, 5*len(g.Consumers)).Draw(t, "pending") {
			id = later(id)
			g.Pending = append(g.Pending, Pending{id, rapid.Int64().Draw(t, "delivered"), number.Draw(t, "times"), rapid.IntRange(0, len(g.Consumers)-1).Draw(t, "owner")})
		}
		s.Groups = append(s.Groups, g)
	}
	return s
}

func TestHostilePayloads(t *testing.T) {
	for _, body := range []string{
		"", "\x00", "\x01", "\x01\x00", "\x02\x02\x01a\x01a", "\x04\x01\x01a", "\x04\x00", "\x05\x01\x01a", "\x05\x01\x01a\x00\x00\x00\x00\x00\x00\xf8\x7f",
		"\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff", "\x01\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01a", "\x00\xc3\x01\x80\x7f\xff\xff\xff\x00",
		"\x00\xc3\x02\x05\xe0\xff", "\x00\xc4", "\x00\x01a\x01", "\x07\x01a", "\x0f\x01a", "\x0b\x08\x02\x00\x00\x00\xff\xff\xff\xff",
		"\x12\x01\x03\x01a", "\x10\x07\x07\x00\x00\x00\x01\x00\xff", "\x14\x06\x06\x00\x00\x00\x00\x00", "\x0a\x0b\x0b\x00\x00\x00\x0a\x00\x00\x00\x01\x00\xff",
		"\x11\x0a\x0a\x00\x00\x00\x02\x00\x81a\x02\xff", "\x03\x01\x01a\xfd", "\x03\x01\x01a\x02x1",
	} {
		if v, err := Decode(sealed(body, 10), 1<<20); err != ErrFormat {
			t.Errorf("%q: %+v, %v", body, v, err)
		}
	}
	if _, err := Decode(sealed("\x00\x01a", 13), 0); err != ErrChecksum {
		t.Errorf("a version to come: %v", err)
	}
	// 264 bytes for 3, again and again: within the ratio and beyond the budget.
	bomb := "\x00\xc3\x04\x41\x02\x00a\xe0\xf7"
	if _, err := Decode(sealed(bomb, 10), 100); err != ErrFormat {
		t.Errorf("beyond the budget: %v", err)
	}
}

func TestCompressed(t *testing.T) {
	// A literal a, and 7+2+2 bytes from one back: they overlap what they become.
	v, err := Decode(sealed("\x00\xc3\x05\x0c\x00a\xe0\x02\x00", 10), 12)
	if err != nil || string(v.Elements[0]) != "aaaaaaaaaaaa" {
		t.Errorf("%+v, %v", v, err)
	}
}

// streamParts are a stream of one node, as Redis 5, 7.0 and 7.2 write it: entries 1-1 {f v}, 1-3 {f 12} and 2-0 {g w}, 1-2 removed; a group
// at 1-3 with a consumer for whom 1-1 is pending.
func streamParts(form int) string {
	var w listpackWriter
	for _, n := range []any{3, 1, 1, "f", 0, 2, 0, 0, "v", 4, 3, 0, 1, "x", 4, 2, 0, 2, 12, 4, 0, 1, -1, 1, "g", "w", 6} {
		if text, ok := n.(string); ok {
			w.string([]byte(text))
			continue
		}
		w.number(int64(n.(int)))
	}
	id := string(ID{1, 1}.append(nil))
	at := string(appendMilliseconds(nil, 1000))
	s := string(appendString([]byte("\x01\x10"+id), w.finish())) + "\x03" + "\x02\x00"
	if form > 1 {
		s += "\x01\x01" + "\x01\x02" + "\x04"
	}
	s += "\x01\x05group\x01\x03"
	if form > 1 {
		s += "\x03"
	}
	s += "\x01" + id + at + "\x02" + "\x01\x03bob" + at
	if form > 2 {
		s += string(appendMilliseconds(nil, 900))
	}
	return string(rune([]int{1: typeStream, typeStream2, typeStream3}[form])) + s + "\x01" + id
}

func TestFormsOfStreams(t *testing.T) {
	text := func(words ...string) (out [][]byte) {
		for _, w := range words {
			out = append(out, []byte(w))
		}
		return out
	}
	for form, more := range map[int]struct {
		deleted      ID
		added        uint64
		read, active int64
	}{1: {ID{}, 3, ReadUnknown, 1000}, 2: {ID{1, 2}, 4, 3, 1000}, 3: {ID{1, 2}, 4, 3, 900}} {
		want := &Stream{
			Entries: []Entry{{ID{1, 1}, text("f", "v")}, {ID{1, 3}, text("f", "12")}, {ID{2, 0}, text("g", "w")}},
			Last:    ID{2, 0}, MaxDeleted: more.deleted, Added: more.added,
			Groups: []Group{{[]byte("group"), ID{1, 3}, more.read, []Pending{{ID{1, 1}, 1000, 2, 0}}, []Consumer{{[]byte("bob"), 1000, more.active}}}},
		}
		v, err := Decode(sealed(streamParts(form), 11), 100)
		if err != nil || !reflect.DeepEqual(v.Stream, want) {
			t.Errorf("form %d: %+v, %v", form, v, err)
		}
	}
}

func TestHostileStreams(t *testing.T) {
	good := streamParts(2)
	for _, c := range []struct{ old, new string }{
		{"\x03\x02\x00\x01\x01", "\x04\x02\x00\x01\x01"},         // the number of entries
		{"\x03\x02\x00\x01\x01", "\x03\x01\x09\x01\x01"},         // the last ID is below an entry
		{"\x01\x02\x04", "\x02\x01\x04"},                         // the removed one is above the last
		{"\x01\x02\x04", "\x01\x02\x02"},                         // fewer added than there are
		{"\x01\x05group", "\x02\x05group"},                       // a group that is not there
		{"\x01\x03bob", "\x00"},                                  // pending for nobody
		{"\x01\x03bob", "\x02\x03bob"},                           // a consumer that is not there
		{"\x03\x01\x01\x01\x01\x01", "\x04\x01\x01\x01\x01\x01"}, // of the node: entries
		{"\x03\x01\x01\x01\x01\x01", "\x03\x01\x02\x01\x01\x01"}, // removed entries
		{"\x81f\x02\x00\x01", "\x81f\x02\x01\x01"},               // what ends the names of fields
		{"\x81w\x02\x06\x01", "\x81w\x02\x05\x01"},               // how long the last entry is
		{"\x13\x01", "\x13\x02"},                                 // a node that is not there
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if v, err := Decode(sealed(bad, 11), 1<<20); err != ErrFormat {
			t.Errorf("%q for %q: %+v, %v", c.new, c.old, v, err)
		}
	}
	for cut := range len(good) {
		if _, err := Decode(sealed(good[:cut], 11), 1<<20); err != ErrFormat {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	// Many entries that share the long name of a field are far longer than their payload.
	long := bytes.Repeat([]byte("long"), 1000)
	s := &Stream{Last: ID{1, 100}, Added: 100}
	for i := range 100 {
		s.Entries = append(s.Entries, Entry{ID{1, uint64(i) + 1}, [][]byte{long, nil}})
	}
	w := nodeListpack(s.Entries)
	body := append(appendString([]byte("\x13\x01\x10"+string(ID{1, 1}.append(nil))), w), "\x40\x64\x01\x40\x64\x01\x01\x00\x00\x40\x64\x00"...)
	for budget, want := range map[int64]error{100 * 4000: nil, 100*4000 - 1: ErrFormat} {
		if _, err := Decode(sealed(string(body), 11), budget); err != want {
			t.Errorf("within %d bytes: %v, want %v", budget, err, want)
		}
	}
}

func TestExpiringFields(t *testing.T) {
	at := string(appendMilliseconds(nil, 5000))
	var w listpackWriter
	for _, s := range []string{"a", "1", "5000", "b", "2", "6000", "c", "3", "0"} {
		w.string([]byte(s))
	}
	want := &Value{Kind: Hash, Elements: bytes.Fields([]byte("a 1 b 2 c 3")), Deadlines: []int64{5000, 6000, 0}}
	for _, body := range []string{
		"\x18" + at + "\x03" + "\x01\x01a\xc0\x01" + "\x43\xe9\x01b\xc0\x02" + "\x00\x01c\xc0\x03",
		string(appendString([]byte("\x19"+at), w.finish())),
	} {
		v, err := Decode(sealed(body, 12), 0)
		if err != nil || !reflect.DeepEqual(v, want) {
			t.Errorf("%q: %+v, %v", body, v, err)
		}
		if v.Passed(5999) || v.Passed(1<<50) {
			t.Error("a field that stays has passed")
		}
	}
	if v := (&Value{Deadlines: []int64{5000, 6000}}); v.Passed(5999) || !v.Passed(6000) {
		t.Error("the last deadline does not tell when all have passed")
	}
	for _, body := range []string{
		"\x18" + at + "\x00", "\x18" + at + "\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01a\x01b", "\x18" + at + "\x02\x01\x01a\x01b\x01\x01a\x01b",
		"\x19" + at + "\x0b\x0b\x00\x00\x00\x02\x00\x81a\x02\x81b\x02\xff", "\x19" + at, "\x18\x00",
		"\x19" + at + "\x10\x10\x00\x00\x00\x03\x00\x81a\x02\x81b\x02\x81c\x02\xff",
	} {
		if v, err := Decode(sealed(body, 12), 1<<20); err != ErrFormat {
			t.Errorf("%q: %+v, %v", body, v, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x00\x01a"))
	f.Add([]byte("\x0b\x0a\x02\x00\x00\x00\x01\x00\x00\x00\x05\x00"))
	f.Add([]byte("\x12\x01\x02\x0b\x0b\x00\x00\x00\x01\x00\x83abc\x04\xff"))
	f.Add([]byte("\x0a\x11\x11\x00\x00\x00\x0a\x00\x00\x00\x02\x00\x00\x01a\x03\xfe\x05\xff"))
	for form := 1; form <= 3; form++ {
		f.Add([]byte(streamParts(form)))
	}
	f.Add([]byte("\x18\x88\x13\x00\x00\x00\x00\x00\x00\x02\x01\x01a\xc0\x01\x00\x01b\x01c"))
	f.Add([]byte("\x19\x88\x13\x00\x00\x00\x00\x00\x00\x0e\x0e\x00\x00\x00\x03\x00\x81a\x02\x01\x01\x05\x01\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := Decode(sealed(string(body), 11), 1<<16)
		if err != nil {
			return
		}
		again, err := Decode(Encode(v), 1<<30)
		if err != nil || !bytes.Equal(Encode(again), Encode(v)) {
			t.Fatalf("%+v becomes %+v, %v", v, again, err)
		}
	})
}
