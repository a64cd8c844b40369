package resp

import "sync/atomic"

const (
	chunkSize = 64 << 10
	// chunkRoom is the least room that a read is offered.
	chunkRoom = 16 << 10
	// keptChunks, keptBatches and keptBuffers bound what a loop keeps for reuse.
	keptChunks, keptBatches, keptBuffers = 16, 32, 512
)

// chunk is a buffer that the reads of a loop's connections go to, one behind the other. A connection holds it while its
// commands run. As a rule they are done before the next read, and the same bytes of memory are used again.
type chunk struct {
	data    []byte
	used    int
	holders int
}

func (c *chunk) room() []byte { return c.data[c.used:] }

// take gives the n bytes read to room to a holder.
func (c *chunk) take(n int) []byte {
	b := c.data[c.used : c.used+n : c.used+n]
	c.used += n
	c.holders++
	return b
}

// loopMemory is what a loop lends its connections while they are busy. It belongs to the loop's goroutine.
type loopMemory struct {
	account *atomic.Int64 // of the bytes in chunks
	current *chunk
	chunks  []*chunk // free ones
	batches []*batch
	buffers [][]byte
}

// chunk returns one with room.
func (m *loopMemory) chunk() *chunk {
	if m.current != nil && len(m.current.room()) >= chunkRoom {
		return m.current
	}
	if last := len(m.chunks) - 1; last >= 0 {
		m.current, m.chunks = m.chunks[last], m.chunks[:last]
		return m.current
	}
	m.account.Add(chunkSize)
	m.current = &chunk{data: make([]byte, chunkSize)}
	return m.current
}

// release gives a chunk back on behalf of one holder; nil is none.
func (m *loopMemory) release(c *chunk) {
	if c == nil {
		return
	}
	if c.holders--; c.holders > 0 {
		return
	}
	c.used = 0
	switch {
	case c == m.current:
	case len(m.chunks) < keptChunks:
		m.chunks = append(m.chunks, c)
	default:
		m.account.Add(-chunkSize)
	}
}

func (m *loopMemory) lendBatch() *batch {
	last := len(m.batches) - 1
	if last < 0 {
		return new(batch)
	}
	b := m.batches[last]
	m.batches = m.batches[:last]
	return b
}

func (m *loopMemory) takeBatch(b *batch) {
	if b.reusable() && len(m.batches) < keptBatches {
		m.batches = append(m.batches, b)
	}
}

func (m *loopMemory) lendBuffer() []byte {
	last := len(m.buffers) - 1
	if last < 0 {
		return make([]byte, 0, 512)
	}
	b := m.buffers[last]
	m.buffers = m.buffers[:last]
	return b
}

func (m *loopMemory) takeBuffer(b []byte) {
	if cap(b) <= keptOut && len(m.buffers) < keptBuffers {
		m.buffers = append(m.buffers, b)
	}
}
