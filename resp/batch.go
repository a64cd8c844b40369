package resp

import "bytes"

// Bounds of a batch. They keep one connection's pipeline from holding up the others of its loop, and the memory of its
// replies within reach of the output limits.
const (
	maxBatch      = 1024    // commands
	maxBatchBytes = 4 << 20 // bytes of commands
	// keptArgs is the largest batch memory that is used again, in arguments.
	keptArgs = 8 << 10
)

// batch is commands that run together, with the memory for them.
type batch struct {
	commands [][][]byte
	args     [][]byte // those of all commands, one behind the other
}

// clear drops the commands, so that the buffers they point into can go.
func (b *batch) clear() {
	clear(b.commands)
	clear(b.args)
	b.commands, b.args = b.commands[:0], b.args[:0]
}

// reusable reports that a batch is worth keeping.
func (b *batch) reusable() bool { return cap(b.args) <= keptArgs }

// collect takes complete commands from in. A fault behind them is returned with them.
func (b *batch) collect(in *input, limits *Limits, authenticated bool) fault {
	allowed := bounds{maxBulk: limits.MaxBulk, stranger: limits.NeedsAuth && !authenticated}
	most := maxBatch
	if allowed.stranger {
		most = 1 // the next command may be allowed more
	}
	for size := len(in.data); len(b.commands) < most && size-len(in.data) < maxBatchBytes; {
		start := len(b.args)
		args, v, f := in.take(allowed, b.args)
		if v == faulty {
			return f
		}
		if v == incomplete {
			break
		}
		if isHTTP(args[start]) {
			return faultSmuggled
		}
		b.args = args
		b.commands = append(b.commands, args[start:len(args):len(args)])
	}
	return noFault
}

// isHTTP reports the first word of a line of HTTP. Browsers can be made to send such to a local server, with commands in
// what follows: cross protocol scripting.
func isHTTP(name []byte) bool {
	switch len(name) {
	case 4:
		return bytes.EqualFold(name, []byte("post"))
	case 5:
		return bytes.EqualFold(name, []byte("host:"))
	default:
		return false
	}
}
