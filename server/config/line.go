package config

import (
	"errors"
	"fmt"
	"strings"
)

// errUnbalanced is returned for a line with an open quote, or with one closed before the end of its word.
var errUnbalanced = errors.New("unbalanced quotes in configuration line")

// SplitLine splits a line into words as redis.conf does. Words are separated by blanks. "…" may hold blanks and the
// escapes \n \r \t \b \a \xHH (any other \c is c); '…' may hold blanks and the escape \'; a closing quote must end its
// word. Comments are not known here: redis.conf has them only as whole lines.
func SplitLine(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t\r\n\v\f")
		if line == "" {
			return words, nil
		}
		word, rest, err := cutWord(line)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), rest
	}
}

// cutWord returns the word that line begins with, unquoted, and what follows it.
func cutWord(line string) (word, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t', '\r', '\n':
			return b.String(), line[i:], nil
		case '"', '\'':
			n, ok := unquote(&b, line[i+1:], c)
			rest := line[i+1+n:]
			if !ok || rest != "" && !strings.ContainsRune(" \t\r\n\v\f", rune(rest[0])) {
				return "", "", errUnbalanced
			}
			return b.String(), rest, nil
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", nil
}

// unquote appends to b the text up to the closing quote and returns how many bytes it took, the quote included. It is
// false when there is no closing quote.
func unquote(b *strings.Builder, s string, quote byte) (n int, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			return i + 1, true
		case c != '\\' || i+1 == len(s):
			b.WriteByte(c)
		case quote == '\'':
			if s[i+1] == '\'' {
				i++
			}
			b.WriteByte(s[i])
		default:
			i += unescape(b, s[i+1:])
		}
	}
	return 0, false
}

// unescape appends what the escape sequence s, without its backslash, stands for and returns how many bytes it took.
func unescape(b *strings.Builder, s string) int {
	if s[0] == 'x' && len(s) >= 3 {
		high, low := unhex(s[1]), unhex(s[2])
		if high >= 0 && low >= 0 {
			b.WriteByte(byte(high<<4 | low))
			return 3
		}
	}
	if i := strings.IndexByte("nrtba", s[0]); i >= 0 {
		b.WriteByte("\n\r\t\b\a"[i])
	} else {
		b.WriteByte(s[0])
	}
	return 1
}

// unhex returns the value of a hexadecimal digit, or -1.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// quoteWord returns word as SplitLine reads it back: as it is where that works, else in double quotes.
func quoteWord(word string) string {
	plain := word != "" && word[0] != '#'
	for i := 0; i < len(word) && plain; i++ {
		c := word[i]
		plain = ' ' < c && c < 0x7f && c != '"' && c != '\'' && c != '\\'
	}
	if plain {
		return word
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(word) {
		switch c := word[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// joinWords returns words as one line that SplitLine splits into them again.
func joinWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quoteWord(w)
	}
	return strings.Join(quoted, " ")
}
