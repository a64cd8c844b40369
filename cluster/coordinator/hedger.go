package coordinator

import (
	"sync"
	"time"
)

// hedger wakes batches that wait for an answer. They all wait for about the same while, so one timer and a queue serve them
// all: a timer for each was a tenth of what a read cost.
type hedger struct {
	mu      sync.Mutex // guards the three below
	waiting []hedge    // in the order of their times, nearly: a batch may be woken late by the difference of two delays
	timer   *time.Timer
	armed   bool
}

type hedge struct {
	b  *batch
	at time.Time
}

// add wakes b after a while. It takes a reference.
func (h *hedger) add(b *batch, after time.Duration) {
	b.refs.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = append(h.waiting, hedge{b, time.Now().Add(after)})
	if !h.armed {
		h.arm(after)
	}
}

// arm sets the timer. It is called with mu held.
func (h *hedger) arm(after time.Duration) {
	h.armed = true
	if h.timer == nil {
		h.timer = time.AfterFunc(after, h.wake)
	} else {
		h.timer.Reset(after)
	}
}

// wake hedges the batches whose time has come.
func (h *hedger) wake() {
	for _, b := range h.due() {
		if again := b.hedge(); again > 0 {
			h.add(b, again)
		}
		b.release()
	}
}

func (h *hedger) due() []*batch {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	n := 0
	for n < len(h.waiting) && !h.waiting[n].at.After(now) {
		n++
	}
	due := make([]*batch, n)
	for i := range due {
		due[i] = h.waiting[i].b
	}
	rest := copy(h.waiting, h.waiting[n:])
	clear(h.waiting[rest:])
	h.waiting = h.waiting[:rest]
	if h.armed = rest > 0; h.armed {
		h.arm(h.waiting[0].at.Sub(now))
	}
	return due
}
