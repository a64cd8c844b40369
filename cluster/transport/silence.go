package transport

import "time"

// A peer that is stopped, or behind a silent cut, is noticed by its beats after seconds. Whoever waits for an answer for longer
// than usual has it looked at sooner: Suspect notes for how long nothing has come although calls wait, and the next
// callers may prefer other peers. Anything that comes ends that, a beat too: so a peer that is only slow is tried again.

// lateDeviations is how many mean deviations above the mean an answer is late: later than nearly all others.
const lateDeviations = 4

// Late is after how long an answer of the peer is later than nearly all; 0 when nothing is known.
func (t *Transport) Late(id string) time.Duration {
	p := (*t.peers.Load())[id]
	if p == nil {
		return 0
	}
	return p.latency() + lateDeviations*time.Duration(p.deviation.Load())
}

// Suspect notes the silence of a peer if it has answered no call for so long, and some wait for that long.
func (t *Transport) Suspect(id string, after time.Duration) {
	if p := (*t.peers.Load())[id]; p != nil {
		if conn := p.conn.Load(); conn != nil {
			conn.suspect(after)
		}
	}
}

func (o *outgoing) suspect(after time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.clock.micros()
	oldest, waiting := o.calls.oldest()
	if silence := now - max(oldest, o.answered); waiting && silence >= after.Microseconds() {
		o.silence.Store(max(1, silence))
	}
}

// oldest is when the call was made that has waited longest; false when none waits.
func (t *callTable) oldest() (start int64, waiting bool) {
	for i := range t.slots {
		if c := &t.slots[i]; c.done != nil && (!waiting || c.start < start) {
			start, waiting = c.start, true
		}
	}
	return start, waiting
}

// Reach reports whether there is an authenticated connection to the peer, and for how long it had been silent when it was
// last suspected; 0 when it has been heard since. It costs a map look-up.
func (t *Transport) Reach(id string) (up bool, silence time.Duration) {
	p := (*t.peers.Load())[id]
	if p == nil {
		return false, 0
	}
	conn := p.conn.Load()
	if conn == nil {
		return false, 0
	}
	return true, time.Duration(conn.silence.Load()) * time.Microsecond
}

// flowing is how long ago a part must have been sent for a message to flow.
const flowing = 500 * time.Millisecond

// Sending reports whether a long request is on its way to the peer, and its bytes flow. Who waits for the answer to a long request does not
// call the peer late meanwhile.
func (t *Transport) Sending(id string) bool {
	p := (*t.peers.Load())[id]
	if p == nil {
		return false
	}
	conn := p.conn.Load()
	if conn == nil {
		return false
	}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	return len(conn.long.all) > 0 && conn.clock.micros()-conn.long.last < flowing.Microseconds()
}
