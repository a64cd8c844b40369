package glob

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	cases := []struct {
		pattern, name string
		exact, folded bool
	}{
		{"", "", true, true},
		{"", "a", false, false},
		{"*", "", true, true},
		{"**", "abc", true, true},
		{"abc", "abc", true, true},
		{"abc", "ABC", false, true},
		{"abc", "ab", false, false},
		{"ab", "abc", false, false},
		{"a*", "a", true, true},
		{"a*c", "abbbc", true, true},
		{"a*c", "abbbcd", false, false},
		{"*b*", "abc", true, true},
		{"*ab", "aab", true, true},
		{"h?llo", "hello", true, true},
		{"h?llo", "hllo", false, false},
		{"?", "", false, false},
		{"h[ae]llo", "hallo", true, true},
		{"h[ae]llo", "hillo", false, false},
		{"h[AE]llo", "hallo", false, true},
		{"h[^e]llo", "hallo", true, true},
		{"h[^e]llo", "hello", false, false},
		{"[a-c]", "b", true, true},
		{"[c-a]", "b", true, true},
		{"[a-c]", "B", false, true},
		{"[a-c]x", "d", false, false},
		{"[^a-c]", "d", true, true},
		{`\*`, "*", true, true},
		{`\*`, "a", false, false},
		{`\?x`, "?x", true, true},
		{`a\`, `a\`, true, true},
		{`[\]]`, "]", true, true},
		{`[\a]`, "A", false, false},
		{`[\-a]`, "-", true, true},
		{"[]", "a", false, false},
		{"[", "a", false, false},
		{"[^", "a", true, true},
		{"[ab", "b", true, true},
		{"[a-]", "b", false, false},
		{"[a-]", "_", true, true},
		{"[*]", "*", true, true},
		{"x[", "x", false, false},
		{"k\x00*", "k\x00\xff", true, true},
		{"[\x00-\xff]", "\x80", true, true},
	}
	for _, c := range cases {
		if got := Match(c.pattern, c.name); got != c.exact {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
		if got := MatchFold(c.pattern, c.name); got != c.folded {
			t.Errorf("MatchFold(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

// TestHostilePattern finishes only if a failed match does not try every division of the name among the stars: there
// are more than 10^80 of them here.
func TestHostilePattern(t *testing.T) {
	name := strings.Repeat("a", 20000)
	for _, pattern := range []string{
		strings.Repeat("a*", 40) + "b",
		strings.Repeat("*a", 40) + "*b",
		strings.Repeat("*[a-b]?", 40) + "b",
		strings.Repeat("*", 2000) + "b",
	} {
		if Match(pattern, name) {
			t.Errorf("%.20q… matches a run of a", pattern)
		}
		if !Match(pattern, name+"b") {
			t.Errorf("%.20q… does not match a run of a before b", pattern)
		}
	}
}

// backtrack defines matching by recursion over Redis's rules, in exponential time.
func backtrack(pattern, name string, fold bool) bool {
	switch {
	case pattern == "":
		return name == ""
	case pattern[0] == '*':
		return backtrack(pattern[1:], name, fold) || name != "" && backtrack(pattern, name[1:], fold)
	case name == "":
		return false
	}
	next, ok := matchOne(pattern, 0, name[0], fold)
	return ok && backtrack(pattern[next:], name[1:], fold)
}

func TestMatchEqualsBacktracking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`([abAB]|\*|\*|\?|\[\^?[ab\]\\-]{0,3}\]?|\\.?){0,8}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[abAB*\]-]{0,8}`).Draw(t, "name")
		fold := rapid.Bool().Draw(t, "fold")
		if got, want := match(pattern, name, fold), backtrack(pattern, name, fold); got != want {
			t.Fatalf("match(%q, %q, %v) = %v, by backtracking %v", pattern, name, fold, got, want)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("h[a-e]l*o?", "hello!")
	f.Add(`\[[^\]]`, "[x")
	f.Add("a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		exact := Match(pattern, name)
		MatchFold(pattern, name)
		if !HasMeta(pattern) && !strings.Contains(pattern, `\`) && exact != (pattern == name) {
			t.Fatalf("Match(%q, %q) = %v without a wildcard", pattern, name, exact)
		}
		if strings.Count(pattern, "*") <= 2 && len(name) <= 64 && exact != backtrack(pattern, name, false) {
			t.Fatalf("Match(%q, %q) = %v, not by backtracking", pattern, name, exact)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for _, w := range []struct{ name, pattern, key string }{
		{"prefix", "user:*", "user:1000000:profile"},
		{"class", "user:[0-9]*:profile", "user:1000000:profile"},
		{"hostile", strings.Repeat("a*", 20) + "b", strings.Repeat("a", 1000)},
	} {
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Match(w.pattern, w.key)
			}
		})
	}
}
