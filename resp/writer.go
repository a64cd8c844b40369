package resp

import (
	"strconv"

	"github.com/tidwall/redcon"
)

// Writer encodes replies in one version of the protocol. Types that RESP2 lacks are sent in the form that Redis gives
// them there. The zero Writer speaks RESP2.
type Writer struct {
	// Buf holds the replies; methods append to it.
	Buf []byte
	// Proto is 2 or 3.
	Proto uint8
}

// SimpleString appends a status such as OK. Line breaks in it become spaces.
func (w *Writer) SimpleString(s string) { w.Buf = redcon.AppendString(w.Buf, s) }

// Error appends an error: its full text, beginning with the code, as in "ERR syntax error". Line breaks in it become
// spaces, so that text from outside cannot forge a reply.
func (w *Writer) Error(text string) { w.Buf = redcon.AppendError(w.Buf, text) }

// Int appends an integer.
func (w *Writer) Int(n int64) { w.Buf = redcon.AppendInt(w.Buf, n) }

// Bulk appends a string of any bytes. A nil slice is the empty string, not Null.
func (w *Writer) Bulk(b []byte) { w.Buf = redcon.AppendBulk(w.Buf, b) }

// BulkHead begins a string of n bytes: they and a line break, \r\n, follow.
func (w *Writer) BulkHead(n int) { w.prefix('$', n) }

// BulkString is Bulk for a string.
func (w *Writer) BulkString(s string) { w.Buf = redcon.AppendBulkString(w.Buf, s) }

// Null appends what stands for a value that does not exist.
func (w *Writer) Null() {
	if w.Proto == 3 {
		w.Buf = append(w.Buf, "_\r\n"...)
		return
	}
	w.Buf = redcon.AppendNull(w.Buf)
}

// NullArray appends what stands for an array that does not exist.
func (w *Writer) NullArray() {
	if w.Proto == 3 {
		w.Buf = append(w.Buf, "_\r\n"...)
		return
	}
	w.Buf = append(w.Buf, "*-1\r\n"...)
}

// Array begins an array: the next n values are its elements.
func (w *Writer) Array(n int) { w.Buf = redcon.AppendArray(w.Buf, n) }

// Map begins a map: the next 2·pairs values are its keys and values in turn. RESP2: an array of them.
func (w *Writer) Map(pairs int) { w.header('%', pairs, 2*pairs) }

// Set begins a set of n values. RESP2: an array.
func (w *Writer) Set(n int) { w.header('~', n, n) }

// Push begins a message of n values outside the order of replies. RESP2: an array.
func (w *Writer) Push(n int) { w.header('>', n, n) }

// Attribute begins attributes, 2·pairs values that go with the next reply, and reports true. RESP2 has none: it
// appends nothing and reports false, and the values must be left out.
func (w *Writer) Attribute(pairs int) bool {
	if w.Proto != 3 {
		return false
	}
	w.header('|', pairs, 0)
	return true
}

// Double appends a number as AppendDouble writes it. RESP2: a bulk string.
func (w *Writer) Double(f float64) {
	if w.Proto == 3 {
		w.Buf = append(AppendDouble(append(w.Buf, ','), f), '\r', '\n')
		return
	}
	var text [maxDouble]byte
	w.Bulk(AppendDouble(text[:0], f))
}

// Bool appends a truth value. RESP2: the integer 1 or 0.
func (w *Writer) Bool(b bool) {
	switch {
	case w.Proto == 3 && b:
		w.Buf = append(w.Buf, "#t\r\n"...)
	case w.Proto == 3:
		w.Buf = append(w.Buf, "#f\r\n"...)
	case b:
		w.Int(1)
	default:
		w.Int(0)
	}
}

// BigNumber appends an integer of any size, given in decimal digits. RESP2: a bulk string.
func (w *Writer) BigNumber(s string) {
	if w.Proto == 3 {
		w.Buf = append(append(append(w.Buf, '('), s...), '\r', '\n')
		return
	}
	w.BulkString(s)
}

// Verbatim appends text in a format of three letters, "txt" or "mkd". RESP2: a bulk string of the text alone.
func (w *Writer) Verbatim(format, text string) {
	if w.Proto != 3 {
		w.BulkString(text)
		return
	}
	w.prefix('=', len(format)+1+len(text))
	w.Buf = append(append(append(w.Buf, format...), ':'), text...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Raw appends replies that are encoded already.
func (w *Writer) Raw(b []byte) { w.Buf = append(w.Buf, b...) }

// header begins an aggregate: of RESP3's kind with n as its length, or in RESP2 an array of flat elements.
func (w *Writer) header(kind byte, n, flat int) {
	if w.Proto == 3 {
		w.prefix(kind, n)
		return
	}
	w.Array(flat)
}

func (w *Writer) prefix(kind byte, n int) {
	w.Buf = strconv.AppendInt(append(w.Buf, kind), int64(n), 10)
	w.Buf = append(w.Buf, '\r', '\n')
}
