package transport

import "sync"

// room bounds the memory of long messages that come in, over all connections. A message that needs more than is left waits for
// leave, first come, first served; but nobody waits for a peer that has its share.
//
// A message has its room from the leave until its last byte has come, and never longer: were it kept until the message has been
// served, two nodes could wait for each other.
type room struct {
	limit, each int64 // bytes in all, and of one connection

	mu      sync.Mutex // guards the rest, and the taken of shares
	taken   int64
	waiting []*claim
}

// share is what one connection has taken.
type share struct{ taken int64 }

// take claims room. leave is called when it is there, maybe before take returns.
func (r *room) take(bytes int64, s *share, leave func()) *claim {
	c := &claim{bytes: bytes, share: s, leave: leave}
	r.mu.Lock()
	r.waiting = append(r.waiting, c)
	granted := r.grant()
	r.mu.Unlock()
	tellAll(granted)
	return c
}

// give gives a claim up, whether it was granted or not.
func (r *room) give(c *claim) {
	r.mu.Lock()
	if c.granted.Load() {
		r.taken -= c.bytes
		c.share.taken -= c.bytes
	} else {
		for i, w := range r.waiting {
			if w == c {
				r.waiting = append(r.waiting[:i:i], r.waiting[i+1:]...)
				break
			}
		}
	}
	granted := r.grant()
	r.mu.Unlock()
	tellAll(granted)
}

// grant serves who waits, as far as that goes. A message that is larger than the room, or its share, has it alone. mu is held.
func (r *room) grant() (granted []*claim) {
	for i := 0; i < len(r.waiting); {
		c := r.waiting[i]
		switch {
		case c.share.taken > 0 && c.share.taken+c.bytes > r.each:
			i++
		case r.taken > 0 && r.taken+c.bytes > r.limit:
			return granted
		default:
			r.taken += c.bytes
			c.share.taken += c.bytes
			c.granted.Store(true)
			granted = append(granted, c)
			r.waiting = append(r.waiting[:i:i], r.waiting[i+1:]...)
		}
	}
	return granted
}

func tellAll(granted []*claim) {
	for _, c := range granted {
		c.leave()
	}
}
