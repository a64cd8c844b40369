// Package glob matches names against the patterns of KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET, byte by byte as
// Redis's stringmatch does:
//
//   - any run of bytes, also an empty one
//     ?        one byte
//     [abc]    one of the bytes; [a-z] a range, its ends in either order; [^…] any byte but these
//     \x       the byte x, whatever it means otherwise; also inside brackets
//
// Oddities that clients may rely on are kept: a bracket without its end runs to the end of the pattern, in "[a-]" the
// bracket is the end of a range, and a backslash that ends the pattern stands for itself. Two are not: a star matches
// the empty name here (Redis special-cases "*" where it lists keys), and bytes are unsigned in ranges.
//
// Time is at most len(pattern) × len(name) steps and nothing is allocated, so that a hostile pattern such as
// "a*a*a*a*b" costs no more than its length: a star is retried only while no later star has been reached, as a match
// of what lies between two stars is never improved by starting it later.
package glob

import "strings"

// Match reports whether all of name matches pattern.
func Match(pattern, name string) bool { return match(pattern, name, false) }

// MatchFold is Match with ASCII letters compared regardless of case, except those escaped inside brackets.
func MatchFold(pattern, name string) bool { return match(pattern, name, true) }

// HasMeta reports whether pattern has any of the bytes that begin a wildcard, so that a pattern without is one name.
// As in Redis a backslash alone is none.
func HasMeta(pattern string) bool { return strings.ContainsAny(pattern, "*?[") }

func match(pattern, name string, fold bool) bool {
	p, n := 0, 0
	// star is the pattern after the latest star, -1 before any; anchor is where in name its run of bytes ends so far.
	star, anchor := -1, 0
	for n < len(name) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				p++
				star, anchor = p, n
				continue
			}
			if next, ok := matchOne(pattern, p, name[n], fold); ok {
				p, n = next, n+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		anchor++
		p, n = star, anchor
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchOne matches c with the element that begins at pattern[p], which is not a star, and returns where the next
// element begins.
func matchOne(pattern string, p int, c byte, fold bool) (next int, ok bool) {
	switch b := pattern[p]; {
	case b == '?':
		return p + 1, true
	case b == '[':
		return matchClass(pattern, p+1, c, fold)
	case b == '\\' && p+1 < len(pattern):
		p++
	}
	return p + 1, equal(pattern[p], c, fold)
}

// matchClass matches c with the bracket whose inside begins at pattern[p].
func matchClass(pattern string, p int, c byte, fold bool) (next int, ok bool) {
	negated := p < len(pattern) && pattern[p] == '^'
	if negated {
		p++
	}
	found := false
	for p < len(pattern) && pattern[p] != ']' {
		switch {
		case pattern[p] == '\\' && p+1 < len(pattern):
			found = found || pattern[p+1] == c
			p += 2
		case p+2 < len(pattern) && pattern[p+1] == '-':
			found = found || within(pattern[p], pattern[p+2], c, fold)
			p += 3
		default:
			found = found || equal(pattern[p], c, fold)
			p++
		}
	}
	return min(p+1, len(pattern)), found != negated
}

func within(from, to, c byte, fold bool) bool {
	if from > to {
		from, to = to, from
	}
	if fold {
		from, to, c = lower(from), lower(to), lower(c)
	}
	return from <= c && c <= to
}

func equal(a, b byte, fold bool) bool {
	return a == b || fold && lower(a) == lower(b)
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
