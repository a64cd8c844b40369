package resp

import (
	"bytes"
	"math"
)

// Bounds of the protocol. All but maxArgs are Redis's.
const (
	maxLine           = 64 << 10 // bytes of an inline command, or of a line that announces a length
	maxArgs           = 1 << 20  // arguments of a command
	maxStrangerArgs   = 10       // the same before authentication
	maxStrangerLength = 16 << 10 // bytes of an argument before authentication
)

// span is an argument as offsets from the start of its command: the buffer may move while the command comes in.
type span struct{ start, end int }

// spanSize is the memory of a span, and of the slice that it becomes.
const spanSize = 16 + 24

// parser finds commands in bytes. Of a command that is not complete it remembers how far it came, so that every byte is
// looked at once however it arrives. The zero parser is at the start of a command.
type parser struct {
	pos     int    // all before it is parsed, from the start of the command
	scanned int    // from pos on, how much is known to hold no line end
	missing int    // arguments still to come; 0: the command's head is to come
	bulk    int    // the length of the argument at pos, when inBulk
	inBulk  bool   // the length of the next argument has been read
	args    []span // the complete arguments
}

// bounds are what a parser allows.
type bounds struct {
	maxBulk  int64
	stranger bool // the client has to authenticate first
}

// verdict is what a parser makes of bytes.
type verdict uint8

const (
	incomplete verdict = iota
	complete           // a command with at least one argument
	empty              // a command without any, which is ignored
	faulty
)

// next parses the command at the start of data, which holds the same bytes as at the last call and perhaps more. When
// the verdict is complete or empty, n is the command's length; when complete, its arguments are appended to argv and point
// into data, which an inline command's quotes may have changed.
func (p *parser) next(data []byte, b bounds, argv [][]byte) (_ [][]byte, n int, v verdict, f fault) {
	if p.missing == 0 {
		if len(data) == 0 {
			return argv, 0, incomplete, noFault
		}
		if data[0] != '*' {
			return p.inline(data, argv)
		}
		if v, f = p.head(data, b); v != complete {
			n = p.pos
			p.reset(v)
			return argv, n, v, f
		}
	}
	if v, f = p.arguments(data, b); v != complete {
		return argv, 0, v, f
	}
	for _, a := range p.args {
		argv = append(argv, data[a.start:a.end:a.end])
	}
	n = p.pos
	p.reset(complete)
	return argv, n, complete, noFault
}

// reset begins a new command unless the present one is incomplete. The spans' memory is kept.
func (p *parser) reset(v verdict) {
	if v != incomplete {
		*p = parser{args: p.args[:0]}
	}
}

// need is the length of the command as far as it is known, in bytes.
func (p *parser) need() int {
	if p.inBulk {
		return p.pos + p.bulk + 2
	}
	return p.pos
}

// head parses the number of arguments. Complete means that arguments follow.
func (p *parser) head(data []byte, b bounds) (verdict, fault) {
	line, ok := p.line(data)
	if !ok {
		if len(data) > maxLine {
			return faulty, faultMultibulkLine
		}
		return incomplete, noFault
	}
	count, ok := parseLength(line[1:])
	switch {
	case !ok || count > maxArgs:
		return faulty, faultMultibulk
	case count > maxStrangerArgs && b.stranger:
		return faulty, faultStrangerCount
	case count <= 0:
		return empty, noFault
	}
	p.missing = int(count)
	return complete, noFault
}

// arguments parses the arguments that are missing.
func (p *parser) arguments(data []byte, b bounds) (verdict, fault) {
	for p.missing > 0 {
		if !p.inBulk {
			if v, f := p.length(data, b); v != complete {
				return v, f
			}
		}
		if len(data)-p.pos < p.bulk+2 {
			return incomplete, noFault
		}
		p.args = append(p.args, span{p.pos, p.pos + p.bulk})
		p.pos += p.bulk + 2 // Redis does not look at the line end either
		p.inBulk = false
		p.missing--
	}
	return complete, noFault
}

// length parses the line before an argument.
func (p *parser) length(data []byte, b bounds) (verdict, fault) {
	start := p.pos
	line, ok := p.line(data)
	if !ok {
		if len(data)-start > maxLine {
			return faulty, faultBulkLine
		}
		return incomplete, noFault
	}
	if line[0] != '$' {
		return faulty, faultDollar(line[0])
	}
	n, ok := parseLength(line[1:])
	switch {
	case !ok || n < 0 || n > b.maxBulk:
		return faulty, faultBulk
	case n > maxStrangerLength && b.stranger:
		return faulty, faultStrangerLength
	}
	p.bulk, p.inBulk = int(n), true
	return complete, noFault
}

// line takes the line at pos, without its end: a carriage return and whatever byte follows. Like Redis it is content with
// that. An empty line is one byte long, so that there is always a byte to judge.
func (p *parser) line(data []byte) ([]byte, bool) {
	rest := data[p.pos:]
	i := bytes.IndexByte(rest[p.scanned:], '\r')
	if i < 0 {
		p.scanned = len(rest)
		return nil, false
	}
	i += p.scanned
	if i+1 >= len(rest) {
		p.scanned = i
		return nil, false
	}
	p.pos += i + 2
	p.scanned = 0
	return rest[:max(i, 1)], true
}

// inline parses a command that is a line of words, as a person types it.
func (p *parser) inline(data []byte, argv [][]byte) (_ [][]byte, n int, v verdict, f fault) {
	i := bytes.IndexByte(data[p.scanned:], '\n')
	if i < 0 {
		if p.scanned = len(data); p.scanned > maxLine {
			return argv, 0, faulty, faultInline
		}
		return argv, 0, incomplete, noFault
	}
	i += p.scanned
	line := data[:i]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	before := len(argv)
	argv, ok := splitWords(line, argv)
	switch {
	case !ok:
		v, f = faulty, faultQuotes
	case len(argv) == before:
		v = empty
	default:
		v = complete
	}
	p.reset(v)
	return argv, i + 1, v, f
}

// parseLength reads a number as Redis does: decimal digits with at most a minus sign before them, no leading zeros, in 64
// bits.
func parseLength(b []byte) (int64, bool) {
	digits := b
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	if digits[0] == '0' {
		return 0, len(b) == 1
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0') // 19 digits fit
	}
	if negative {
		return -int64(n), n <= math.MaxInt64+1
	}
	return int64(n), n <= math.MaxInt64
}
