package resp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// parseAll feeds chunks to an input as a driver does and returns the commands and the fault at the end.
func parseAll(chunks [][]byte, l Limits, authenticated bool) (commands [][]string, f fault) {
	var in input
	for _, chunk := range chunks {
		for len(chunk) > 0 && f == noFault {
			n := len(chunk)
			if room := in.room(); room != nil {
				n = copy(room, chunk)
				in.filled(n)
			} else {
				lent := bytes.Clone(chunk)
				in.add(lent[:n:n])
			}
			chunk = chunk[n:]
			for more := true; more && f == noFault; {
				var b batch
				f = b.collect(&in, &l, authenticated)
				for _, c := range b.commands {
					commands = append(commands, texts(c))
				}
				more = len(b.commands) > 0
			}
			if f == noFault {
				in.keep()
			}
		}
	}
	return commands, f
}

func texts(args [][]byte) []string {
	var s []string
	for _, a := range args {
		s = append(s, string(a))
	}
	return s
}

func TestParser(t *testing.T) {
	long := strings.Repeat("a", maxLine)
	for _, c := range []struct {
		name, in string
		want     [][]string
		fault    fault
	}{
		{"one", "*1\r\n$4\r\nPING\r\n", [][]string{{"PING"}}, ""},
		{"pipeline", "*1\r\n$4\r\nPING\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", [][]string{{"PING"}, {"PING"}, {"ECHO", ""}}, ""},
		{"binary", "*2\r\n$1\r\na\r\n$4\r\n\r\n\x00$\r\n", [][]string{{"a", "\r\n\x00$"}}, ""},
		{"incomplete", "*2\r\n$1\r\na\r\n$4\r\nab", nil, ""},
		{"ignored", "*0\r\n*-1\r\n\r\n\n  \r\n*-9223372036854775808\r\nPING\r\n", [][]string{{"PING"}}, ""},
		{"line ends are not looked at", "*1\rx$1\ryaxyPING\n", [][]string{{"a"}, {"PING"}}, ""},
		{"no count", "*\r\n", nil, faultMultibulk},
		{"count is no number", "*a\r\n", nil, faultMultibulk},
		{"count with plus", "*+1\r\n", nil, faultMultibulk},
		{"count with zeros", "*01\r\n", nil, faultMultibulk},
		{"minus zero", "*-0\r\n", nil, faultMultibulk},
		{"count of redcon's spin", "*4000000000\r\n", nil, faultMultibulk},
		{"count beyond the limit", fmt.Sprintf("*%d\r\n", maxArgs+1), nil, faultMultibulk},
		{"count at the limit", fmt.Sprintf("*%d\r\n", maxArgs), nil, ""},
		{"count beyond 64 bits", "*99999999999999999999\r\n", nil, faultMultibulk},
		{"length of redcon's panic", "*1\r\n$9223372036854775807\r\nPING\r\n", nil, faultBulk},
		{"length beyond 64 bits", "*1\r\n$18446744073709551620\r\nPING\r\n", nil, faultBulk},
		{"negative length", "*1\r\n$-1\r\n", nil, faultBulk},
		{"length is no number", "*1\r\n$x\r\n", nil, faultBulk},
		{"length beyond the limit", "*1\r\n$536870913\r\n", nil, faultBulk},
		{"length at the limit", "*1\r\n$536870912\r\n", nil, ""},
		{"not a length", "PING\r\n*1\r\n:1\r\n", [][]string{{"PING"}}, "expected '$', got ':'"},
		{"no line", "*1\r\n\r\n", nil, "expected '$', got '\r'"},
		{"long count", "*" + long, nil, faultMultibulkLine},
		{"long length", "*1\r\n$" + long, nil, faultBulkLine},
		{"long line", long + "a", nil, faultInline},
		{"line at the limit", long, nil, ""},
		{"quotes", "SET 'a b' \"c\\x41\"\r\n'\r\n", [][]string{{"SET", "a b", "cA"}}, faultQuotes},
		{"HTTP", "PING\r\npost / HTTP/1.1\r\nPING\r\n", [][]string{{"PING"}}, faultSmuggled},
		{"HTTP header", "hOsT: here\r\n", nil, faultSmuggled},
		{"HTTP in an array", "*1\r\n$4\r\nPOST\r\n", nil, faultSmuggled},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, f := parseAll([][]byte{[]byte(c.in)}, DefaultLimits(), true)
			if f != c.fault || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q %q, want %q %q", got, f, c.want, c.fault)
			}
			single, f := parseAll(split([]byte(c.in), 1), DefaultLimits(), true)
			if f != c.fault || !reflect.DeepEqual(single, c.want) {
				t.Errorf("byte by byte: got %q %q", single, f)
			}
		})
	}
}

func TestParserOfStrangers(t *testing.T) {
	l := DefaultLimits()
	l.NeedsAuth = true
	for in, want := range map[string]fault{
		"*10\r\n":              noFault,
		"*11\r\n":              faultStrangerCount,
		"*1\r\n$16384\r\n":     noFault,
		"*1\r\n$16385\r\n":     faultStrangerLength,
		"*1048577\r\n":         faultMultibulk,
		"*1\r\n$536870913\r\n": faultBulk,
	} {
		if _, f := parseAll([][]byte{[]byte(in)}, l, false); f != want {
			t.Errorf("%q: %q, want %q", in, f, want)
		}
		if _, f := parseAll([][]byte{[]byte("*11\r\n")}, l, true); f != noFault {
			t.Errorf("%q authenticated: %q", in, f)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for in, want := range map[string][]string{
		``:                        nil,
		" \t\v\f\r ":              nil,
		`a  b	c`:                  {"a", "b", "c"},
		`a` + "\v" + `b`:          {"a\vb"},
		`"a b" ''  ""`:            {"a b", "", ""},
		`foo"bar" x`:              {"foobar", "x"},
		`foo'b"r'`:                {`foob"r`},
		`"\n\r\t\b\a\\\"\q\x4g"`:  {"\n\r\t\b\a\\\"qx4g"},
		`"\x00\xfF"`:              {"\x00\xff"},
		`'\n\'\x41'`:              {`\n'\x41`},
		`back\slash \"`:           nil, // unbalanced
		`"a`:                      nil,
		`'a`:                      nil,
		`"a"b`:                    nil,
		`'a'b`:                    nil,
		`"a\`:                     nil,
		`"a\"`:                    nil,
		`back\slash`:              {`back\slash`},
		strings.Repeat("x ", 300): strings.Fields(strings.Repeat("x ", 300)),
	} {
		got, ok := splitWords([]byte(in), nil)
		if ok != (want != nil || strings.TrimSpace(in) == "") || ok && !reflect.DeepEqual(texts(got), want) {
			t.Errorf("%q: got %q %v, want %q", in, got, ok, want)
		}
	}
}

// TestParserOfPieces checks that it makes no difference how bytes arrive.
func TestParserOfPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var whole []byte
		var want [][]string
		for range rapid.IntRange(1, 6).Draw(t, "commands") {
			command := [][]byte{rapid.SliceOfN(rapid.Byte(), 0, 10).Draw(t, "name")}
			for range rapid.IntRange(0, 4).Draw(t, "args") {
				n := rapid.SampledFrom([]int{0, 1, 50, 5_000, 20_000, 70_000}).Draw(t, "length")
				command = append(command, bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, n))
			}
			if isHTTP(command[0]) {
				continue
			}
			whole = appendCommand(whole, command...)
			want = append(want, texts(command))
		}
		var chunks [][]byte
		for rest := whole; len(rest) > 0; {
			n := min(len(rest), rapid.SampledFrom([]int{1, 7, 100, 4_000, 16_384, 65_536}).Draw(t, "chunk"))
			chunks = append(chunks, rest[:n])
			rest = rest[n:]
		}
		got, f := parseAll(chunks, DefaultLimits(), true)
		if f != noFault || !reflect.DeepEqual(got, want) {
			t.Fatalf("%d commands and %q, want %d", len(got), f, len(want))
		}
	})
}

// TestDribble sends a large argument in small reads. Time has to be linear and memory at most twice what came.
func TestDribble(t *testing.T) {
	const size, step = 64 << 20, 700
	var in input
	var b batch
	l := DefaultLimits()
	began := time.Now()
	chunk := make([]byte, step)
	feed := func(p []byte) {
		for len(p) > 0 {
			n := len(p)
			if room := in.room(); room != nil {
				n = copy(room, p)
				in.filled(n)
			} else {
				in.add(p[:n:n])
			}
			p = p[n:]
			if f := b.collect(&in, &l, true); f != noFault {
				t.Fatal(f)
			}
			if got := in.size(); len(b.commands) == 0 && got > 2*int64(len(in.data))+spanSize*8+minOwn {
				t.Fatalf("%d bytes are held for %d that came", got, len(in.data))
			}
			if len(b.commands) == 0 {
				in.keep()
			}
		}
	}
	feed(fmt.Appendf(nil, "*2\r\n$3\r\nSET\r\n$%d\r\n", size))
	for range size / step {
		feed(chunk)
	}
	feed(make([]byte, size%step+2))
	if len(b.commands) != 1 || len(b.commands[0][1]) != size {
		t.Fatalf("%d commands", len(b.commands))
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestManyArguments dribbles a command of very many arguments: each is looked at once.
func TestManyArguments(t *testing.T) {
	whole := fmt.Appendf(nil, "*%d\r\n", maxArgs)
	whole = append(whole, bytes.Repeat([]byte("$0\r\n\r\n"), maxArgs)...)
	got, f := parseAll(split(whole, 1000), DefaultLimits(), true)
	if f != noFault || len(got) != 1 || len(got[0]) != maxArgs {
		t.Fatalf("%d commands, %q", len(got), f)
	}
}

func TestBatchIsBounded(t *testing.T) {
	l := DefaultLimits()
	for name, c := range map[string]struct {
		command []byte
		most    int
	}{
		"commands": {appendCommand(nil, []byte("PING")), maxBatch},
		"bytes":    {appendCommand(nil, make([]byte, maxBatchBytes/4)), 4},
	} {
		var in input
		var b batch
		in.add(bytes.Repeat(c.command, c.most+10))
		if f := b.collect(&in, &l, true); f != noFault || len(b.commands) != c.most {
			t.Errorf("%s: %d commands, %q", name, len(b.commands), f)
		}
		b.clear()
		if f := b.collect(&in, &l, true); f != noFault || len(b.commands) != min(10, c.most) {
			t.Errorf("%s: then %d commands, %q", name, len(b.commands), f)
		}
	}
}

func FuzzParser(f *testing.F) {
	for _, seed := range []string{
		"*1\r\n$4\r\nPING\r\n", "*2\r\n$1\r\na\r\n$3\r\nabc\r\nGET \"a\\x41\" 'b'\r\n", "*4000000000\r\n",
		"*1\r\n$9223372036854775807\r\nPING\r\n", "*-1\r\n*0\r\n\r\n", "*3\r\n$-1\r\n", "*1\r\n$\r\n", "POST / HTTP/1.1\r\n",
	} {
		f.Add([]byte(seed), uint64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		l := DefaultLimits()
		l.MaxBulk = 1 << 20
		whole, wholeFault := parseAll([][]byte{data}, l, true)
		random := rand.New(rand.NewPCG(seed, 1))
		var chunks [][]byte
		for rest := data; len(rest) > 0; {
			n := 1 + random.IntN(min(len(rest), 40))
			chunks = append(chunks, rest[:n])
			rest = rest[n:]
		}
		pieces, piecesFault := parseAll(chunks, l, true)
		if wholeFault != piecesFault || !reflect.DeepEqual(whole, pieces) {
			t.Fatalf("at once: %q %q; in pieces: %q %q", whole, wholeFault, pieces, piecesFault)
		}
		for _, c := range whole {
			if len(c) == 0 {
				t.Fatal("a command without a name")
			}
		}
	})
}

func split(b []byte, n int) (chunks [][]byte) {
	for len(b) > n {
		chunks = append(chunks, b[:n])
		b = b[n:]
	}
	return append(chunks, b)
}

func appendCommand(b []byte, args ...[]byte) []byte {
	w := Writer{Buf: b}
	w.Array(len(args))
	for _, a := range args {
		w.Bulk(a)
	}
	return w.Buf
}
