package resp

const (
	// directRead is the size of a command in progress from which on its bytes are read straight into its buffer.
	directRead = 16 << 10
	// keptSpans is how many spans a connection keeps between commands.
	keptSpans = 32
)

// input is what a connection has received and not consumed. The driver lends it a buffer to parse from; what is
// incomplete at the end moves to a buffer of the connection's own. That one holds a single incomplete command and is at
// most twice as large as what came of it, so that announcing much costs the client as much as it costs the server, and
// its growth copies each byte about once: time is linear in the bytes however they arrive.
type input struct {
	data  []byte // starts at the first byte of a command
	own   []byte // what data is in, from its first byte to its capacity; nil when the driver lent it, or it is empty
	parse parser
}

// add takes bytes that the driver lends until keep.
func (in *input) add(b []byte) {
	if len(in.data) == 0 {
		in.data, in.own = b, nil
		return
	}
	in.grow(len(b))
	in.data = append(in.data, b...)
	in.own = in.data
}

// room is where to read the rest of a large command to, nil when the driver should lend a buffer. It never reaches
// beyond the command as far as that is known, unless the command is about to go on.
func (in *input) room() []byte {
	if len(in.data) < directRead {
		return nil
	}
	if cap(in.data) == len(in.data) {
		in.grow(1)
	}
	return in.data[len(in.data):cap(in.data)]
}

// filled tells that n bytes were read to room.
func (in *input) filled(n int) {
	in.data = in.data[:len(in.data)+n]
	in.own = in.data
}

// grow makes place for n more bytes: the capacity doubles, but stops at the end of the argument that is coming in when
// that is nearer.
func (in *input) grow(n int) {
	least := len(in.data) + n
	if cap(in.data) >= least {
		return
	}
	size := max(least, 2*len(in.data))
	if need := in.parse.need(); need >= least && need < size {
		size = need
	}
	grown := make([]byte, len(in.data), size)
	copyLarge(grown, in.data)
	in.data, in.own = grown, grown
}

// copyLarge copies in pieces: nothing in the process can be stopped in the midst of a copy, and while the collector waits for that,
// nothing runs.
func copyLarge(to, from []byte) {
	const piece = 1 << 20
	for len(from) > piece {
		copy(to, from[:piece])
		to, from = to[piece:], from[piece:]
	}
	copy(to, from)
}

// take parses the command at the start of what came. After faulty, it must not be called again.
func (in *input) take(b bounds, argv [][]byte) ([][]byte, verdict, fault) {
	for {
		var n int
		var v verdict
		var f fault
		argv, n, v, f = in.parse.next(in.data, b, argv)
		in.data = in.data[n:]
		if v != empty {
			return argv, v, f
		}
	}
}

// keep is called when nothing is left to take and the arguments taken are no longer in use: the driver's buffer is free
// afterwards.
func (in *input) keep() {
	if cap(in.parse.args) > keptSpans && in.parse.missing == 0 {
		in.parse.args = nil
	}
	switch {
	case len(in.data) == 0:
		in.data, in.own = nil, nil
	case in.own == nil:
		in.own = append(make([]byte, 0, max(minOwn, len(in.data))), in.data...)
		in.data = in.own
	case len(in.own) != len(in.data):
		// A command that began behind others moves to the front, once.
		in.data = append(make([]byte, 0, max(minOwn, len(in.data))), in.data...)
		in.own = in.data
	}
}

// minOwn is the least size of a connection's own buffer.
const minOwn = 64

// size is the memory that the connection itself holds.
func (in *input) size() int64 {
	return int64(cap(in.own)) + int64(cap(in.parse.args))*spanSize
}

// query is what the command in progress has cost so far.
func (in *input) query() int64 {
	return int64(len(in.data)) + int64(len(in.parse.args))*spanSize
}

// drop forgets everything.
func (in *input) drop() { *in = input{} }
