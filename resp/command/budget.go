package command

import "sync"

// budget bounds the bytes of large batches that run at once: each is copied some times on its way, to the log, to the cache and to other
// nodes. Who comes first is served first. A batch that is larger than the budget runs alone.
type budget struct {
	mu      sync.Mutex // guards what follows
	free    int64
	whole   int64
	waiting []*share
}

// share is what a batch waits for.
type share struct {
	bytes   int64
	granted chan struct{}
}

func newBudget(bytes int64) *budget { return &budget{free: bytes, whole: bytes} }

// take waits for so many bytes, and returns how many are to be given back.
func (b *budget) take(bytes int64) int64 {
	c := &share{min(bytes, b.whole), make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, c)
	b.grant()
	b.mu.Unlock()
	<-c.granted
	return c.bytes
}

// give gives bytes back.
func (b *budget) give(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += bytes
	b.grant()
}

// grant serves who waits, as far as that goes. mu is held.
func (b *budget) grant() {
	for len(b.waiting) > 0 && b.waiting[0].bytes <= b.free {
		b.free -= b.waiting[0].bytes
		close(b.waiting[0].granted)
		b.waiting = b.waiting[1:]
	}
}
