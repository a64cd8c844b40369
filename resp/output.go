package resp

const (
	// blockSize is what small replies that wait are gathered in.
	blockSize = 16 << 10
	// keptOut is the largest reply buffer that is used again.
	keptOut = 64 << 10
)

// output is the replies that the socket did not take yet, in order.
type output struct {
	blocks [][]byte
	sent   int   // bytes of blocks[0] that are sent
	unsent int64 // bytes that wait
	held   int64 // the capacity of blocks
}

func (o *output) empty() bool { return len(o.blocks) == 0 }

// add queues bytes and reports whether it took the buffer itself rather than a copy.
func (o *output) add(b []byte) (took bool) {
	if len(b) == 0 {
		return false
	}
	o.unsent += int64(len(b))
	if len(b) >= blockSize/2 {
		o.blocks = append(o.blocks, b)
		o.held += int64(cap(b))
		return true
	}
	if last := len(o.blocks) - 1; last >= 0 && cap(o.blocks[last])-len(o.blocks[last]) >= len(b) {
		o.blocks[last] = append(o.blocks[last], b...)
		return false
	}
	// The first block is as small as can be: most connections that must wait do so with little.
	size := blockSize
	if len(o.blocks) == 0 {
		size = max(len(b), 1<<10)
	}
	o.blocks = append(o.blocks, append(make([]byte, 0, size), b...))
	o.held += int64(size)
	return false
}

// next is what to send now.
func (o *output) next() []byte { return o.blocks[0][o.sent:] }

// wrote tells that n bytes of next were sent.
func (o *output) wrote(n int) {
	o.sent += n
	o.unsent -= int64(n)
	if o.sent < len(o.blocks[0]) {
		return
	}
	o.held -= int64(cap(o.blocks[0]))
	o.blocks[0] = nil
	o.blocks = o.blocks[1:]
	o.sent = 0
	if len(o.blocks) == 0 {
		o.blocks = nil
	}
}

// drop forgets everything.
func (o *output) drop() { *o = output{} }
