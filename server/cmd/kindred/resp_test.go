package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// encode is a command as clients send it.
func encode(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b.String()
}

// reader reads replies of RESP 2.
type reader struct{ *bufio.Reader }

func newReader(r io.Reader) *reader { return &reader{bufio.NewReader(r)} }

// reply reads a reply: a string or number as it is, an error with "-" before it, null as "(nil)", an array as "[a b]".
// io.EOF means that the replies ended between two of them, any other error that they did not.
func (r *reader) reply() (string, error) {
	first, err := r.ReadByte()
	if err != nil {
		return "", err
	}
	line, err := r.ReadString('\n')
	if err != nil || !strings.HasSuffix(line, "\r\n") {
		return "", fmt.Errorf("a reply ends within its first line: %q, %v", line, err)
	}
	line = strings.TrimSuffix(line, "\r\n")
	switch first {
	case '+', ':':
		return line, nil
	case '-':
		return "-" + line, nil
	case '$', '*':
		n, err := strconv.Atoi(line)
		switch {
		case err != nil:
			return "", fmt.Errorf("a length is %q", line)
		case n < 0:
			return "(nil)", nil
		case first == '$':
			return r.bulk(n)
		default:
			return r.array(n)
		}
	}
	return "", fmt.Errorf("a reply begins with %q", first)
}

func (r *reader) bulk(n int) (string, error) {
	b := make([]byte, n+2)
	if got, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("a reply ends after %d of %d bytes: %v", got, n, err)
	}
	return string(b[:n]), nil
}

func (r *reader) array(n int) (string, error) {
	parts := make([]string, n)
	for i := range parts {
		var err error
		if parts[i], err = r.reply(); err != nil {
			return "", fmt.Errorf("an array ends after %d of %d replies: %v", i, n, err)
		}
	}
	return "[" + strings.Join(parts, " ") + "]", nil
}
