package rdb

import (
	"bytes"
	"encoding/binary"
	"reflect"
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
		text := rapid.SliceOfN(rapid.Byte(), 0, 70)
		list := rapid.SliceOfNDistinct(text, 1, 80, func(b []byte) string { return string(b) }).Draw(t, "elements")
		v := &Value{Kind: Kind(rapid.IntRange(0, 4).Draw(t, "kind")), Elements: list}
		switch v.Kind {
		case String:
			v.Elements = [][]byte{bytes.Repeat(list[0], rapid.SampledFrom([]int{1, 300}).Draw(t, "times"))}
		case Hash:
			if v.Elements = list[:len(list)/2*2]; len(v.Elements) == 0 {
				return
			}
		case ZSet:
			v.Elements = nil
			for _, name := range list {
				v.Members = append(v.Members, Member{name, rapid.Float64().Draw(t, "score")})
			}
		}
		payload := Encode(v)
		got, err := Decode(payload, 0)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("%+v became %+v, %v", v, got, err)
		}
		payload[rapid.IntRange(0, len(payload)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := Decode(payload, 0); err != ErrChecksum {
			t.Fatalf("a flipped bit: %v", err)
		}
	})
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
	if _, err := Decode(sealed("\x00\x01a", 12), 0); err != ErrChecksum {
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

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x00\x01a"))
	f.Add([]byte("\x0b\x0a\x02\x00\x00\x00\x01\x00\x00\x00\x05\x00"))
	f.Add([]byte("\x12\x01\x02\x0b\x0b\x00\x00\x00\x01\x00\x83abc\x04\xff"))
	f.Add([]byte("\x0a\x11\x11\x00\x00\x00\x0a\x00\x00\x00\x02\x00\x00\x01a\x03\xfe\x05\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := Decode(sealed(string(body), 11), 1<<16)
		if err != nil {
			return
		}
		again, err := Decode(Encode(v), 0)
		if err != nil || again.Kind != v.Kind || len(again.Elements) != len(v.Elements) || len(again.Members) != len(v.Members) {
			t.Fatalf("%+v becomes %+v, %v", v, again, err)
		}
	})
}
