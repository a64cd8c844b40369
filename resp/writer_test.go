package resp

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestWriter(t *testing.T) {
	for _, c := range []struct {
		name         string
		write        func(w *Writer)
		resp2, resp3 string
	}{
		{"simple string", func(w *Writer) { w.SimpleString("O\r\nK") }, "+O  K\r\n", "+O  K\r\n"},
		{"error", func(w *Writer) { w.Error("ERR a\r\n+OK") }, "-ERR a  +OK\r\n", "-ERR a  +OK\r\n"},
		{"integer", func(w *Writer) { w.Int(math.MinInt64) }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
		{"bulk", func(w *Writer) { w.Bulk([]byte("a\r\n")) }, "$3\r\na\r\n\r\n", "$3\r\na\r\n\r\n"},
		{"nil bulk", func(w *Writer) { w.Bulk(nil) }, "$0\r\n\r\n", "$0\r\n\r\n"},
		{"null", (*Writer).Null, "$-1\r\n", "_\r\n"},
		{"null array", (*Writer).NullArray, "*-1\r\n", "_\r\n"},
		{"array", func(w *Writer) { w.Array(10) }, "*10\r\n", "*10\r\n"},
		{"map", func(w *Writer) { w.Map(10) }, "*20\r\n", "%10\r\n"},
		{"set", func(w *Writer) { w.Set(2) }, "*2\r\n", "~2\r\n"},
		{"push", func(w *Writer) { w.Push(2) }, "*2\r\n", ">2\r\n"},
		{"attribute", func(w *Writer) { w.Attribute(1) }, "", "|1\r\n"},
		{"double", func(w *Writer) { w.Double(1.5) }, "$3\r\n1.5\r\n", ",1.5\r\n"},
		{"infinity", func(w *Writer) { w.Double(math.Inf(-1)) }, "$4\r\n-inf\r\n", ",-inf\r\n"},
		{"true", func(w *Writer) { w.Bool(true) }, ":1\r\n", "#t\r\n"},
		{"false", func(w *Writer) { w.Bool(false) }, ":0\r\n", "#f\r\n"},
		{"big number", func(w *Writer) { w.BigNumber("-123") }, "$4\r\n-123\r\n", "(-123\r\n"},
		{"verbatim", func(w *Writer) { w.Verbatim("txt", "a\nb") }, "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"},
		{"raw", func(w *Writer) { w.Raw([]byte("+x\r\n")) }, "+x\r\n", "+x\r\n"},
	} {
		two, three := Writer{Proto: 2}, Writer{Proto: 3}
		c.write(&two)
		c.write(&three)
		if string(two.Buf) != c.resp2 || string(three.Buf) != c.resp3 {
			t.Errorf("%s: %q and %q, want %q and %q", c.name, two.Buf, three.Buf, c.resp2, c.resp3)
		}
	}
}

func TestAppendDouble(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 1: "1", -1: "-1", 10: "10", 3.1: "3.1", 0.1: "0.1", -0.001: "-0.001", 1.5e6: "1500000", 100: "100",
		123456789012: "123456789012", 1e7: "10000000", 1e8: "100000000", 12e8: "1200000000", 1 << 62: "4611686018427387904", 5e18: "5e+18", 123e7: "1230000000", 1e21: "1e+21", 1.25e-5: "1.25e-5", 1.25e-3: "0.00125",
		1e-6: "0.000001", 1e-7: "1e-7", 1.5e-7: "1.5e-7", 1e100: "1e+100", 1e-300: "1e-300", 17179869184: "17179869184",
		math.Inf(1): "inf", math.Inf(-1): "-inf", math.MaxFloat64: "1.7976931348623157e+308", math.Pi: "3.141592653589793",
	} {
		if got := string(AppendDouble(nil, f)); got != want {
			t.Errorf("%g: %s, want %s", f, got, want)
		}
	}
	if got := string(AppendDouble(nil, math.Copysign(0, -1))); got != "-0" {
		t.Errorf("-0: %s", got)
	}
	if got := string(AppendDouble(nil, math.NaN())); got != "nan" {
		t.Errorf("NaN: %s", got)
	}
}

func TestAppendDoubleReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		if math.IsNaN(f) {
			return
		}
		text := AppendDouble(nil, f)
		if len(text) > maxDouble {
			t.Fatalf("%s is long", text)
		}
		if back, err := strconv.ParseFloat(string(text), 64); err != nil || back != f {
			t.Fatalf("%g as %s reads back as %g", f, text, back)
		}
	})
}

func TestReplyModes(t *testing.T) {
	var s Session
	muted := func() bool { return s.NextMuted() }
	check := func(want ...bool) {
		t.Helper()
		for i, w := range want {
			if got := muted(); got != w {
				t.Errorf("command %d: muted %v", i, got)
			}
		}
	}
	check(false)
	s.SetReplies(ReplySkip)
	check(true, false, false)
	s.SetReplies(ReplyOff)
	check(true, true)
	s.SetReplies(ReplySkip) // of no effect while replies are off
	check(true, true)
	s.SetReplies(ReplyOn)
	check(false)
}
