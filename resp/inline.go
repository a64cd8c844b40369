package resp

// splitWords cuts an inline command into words and appends them to argv. The rules are those of Redis's sdssplitargs:
// blanks separate words; "double quotes" know \n \r \t \b \a \" \\ and \xHH; 'single quotes' know \'; a closing quote ends
// its word. It reports false when a quote is not closed or a blank is missing behind one. Words are written over the line,
// for they are never longer than what they stand for.
func splitWords(line []byte, argv [][]byte) ([][]byte, bool) {
	for {
		for len(line) > 0 && isBlank(line[0]) {
			line = line[1:]
		}
		if len(line) == 0 {
			return argv, true
		}
		word, rest, ok := cutWord(line)
		if !ok {
			return argv, false
		}
		argv = append(argv, word)
		line = rest
	}
}

// cutWord takes the word at the start of a line. A quote may open in the middle of it.
func cutWord(line []byte) (word, rest []byte, ok bool) {
	n := 0 // bytes of the word, written over the line
	for i := 0; i < len(line); {
		switch c := line[i]; c {
		case ' ', '\n', '\r', '\t':
			return line[:n:n], line[i+1:], true
		case '"', '\'':
			added, used, ok := unquote(line[n:n], line[i+1:], c)
			i += 1 + used
			if !ok || i < len(line) && !isBlank(line[i]) {
				return nil, nil, false
			}
			n += len(added)
			return line[:n:n], line[i:], true
		default:
			line[n] = c
			n++
			i++
		}
	}
	return line[:n:n], nil, true
}

// unquote appends to dst what stands before the closing quote, and returns the bytes used, the quote included.
func unquote(dst, src []byte, quote byte) (_ []byte, used int, ok bool) {
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case c == quote:
			return dst, i + 1, true
		case c != '\\' || i+1 >= len(src):
			dst = append(dst, c)
		case quote == '\'':
			if src[i+1] == '\'' {
				i++
			}
			dst = append(dst, src[i])
		case src[i+1] == 'x' && i+3 < len(src) && isHex(src[i+2]) && isHex(src[i+3]):
			dst = append(dst, hexValue(src[i+2])<<4|hexValue(src[i+3]))
			i += 3
		default:
			i++
			dst = append(dst, unescape(src[i]))
		}
	}
	return dst, len(src), false
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	default:
		return c
	}
}

// isBlank is C's isspace.
func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func hexValue(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}
