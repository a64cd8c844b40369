package config

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSplitLine(t *testing.T) {
	cases := []struct {
		line  string
		words []string
	}{
		{"", nil},
		{" \t ", nil},
		{"port 6379", []string{"port", "6379"}},
		{"  a\t b\r", []string{"a", "b"}},
		{`save ""`, []string{"save", ""}},
		{`x ''`, []string{"x", ""}},
		{`x "a b" 'c "d'`, []string{"x", "a b", `c "d`}},
		{`x "\x41\n\r\t\b\a\"\\\q"`, []string{"x", "A\n\r\t\b\a\"\\q"}},
		{`x "\xZZ \x4"`, []string{"x", "xZZ x4"}},
		{`x 'it\'s \n'`, []string{"x", `it's \n`}},
		{`x a"b c"`, []string{"x", "ab c"}},
		{`x \n`, []string{"x", `\n`}},
		{"x # no comment", []string{"x", "#", "no", "comment"}},
	}
	for _, c := range cases {
		got, err := SplitLine(c.line)
		if err != nil || !slices.Equal(got, c.words) {
			t.Errorf("SplitLine(%q) = %q, %v; want %q", c.line, got, err, c.words)
		}
	}
	for _, line := range []string{`x "a`, `x 'a`, `x "a"b`, `x 'a'b`, `x "a\"`, `"`} {
		if got, err := SplitLine(line); err == nil {
			t.Errorf("SplitLine(%q) = %q without an error", line, got)
		}
	}
}

func TestJoinWordsIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.Custom(func(t *rapid.T) string {
			return string(rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "word"))
		})).Draw(t, "words")
		line := joinWords(words)
		got, err := SplitLine(line)
		if err != nil || !slices.Equal(got, words) {
			t.Fatalf("SplitLine(%q) = %q, %v; want %q", line, got, err, words)
		}
	})
}

func FuzzSplitLine(f *testing.F) {
	f.Add(`bind "127.0.0.1" '::1' \x41`)
	f.Add(`x "\x4`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := SplitLine(line)
		if err != nil {
			return
		}
		if again, err := SplitLine(joinWords(words)); err != nil || !slices.Equal(again, words) {
			t.Fatalf("%q splits into %q, which reads back as %q, %v", line, words, again, err)
		}
	})
}
