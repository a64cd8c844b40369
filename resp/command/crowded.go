package command

import "time"

// Clients can write faster than keys are evicted. So a stretch that begins with a command which may need memory waits while
// room is being made, though not for long: a little more than maxmemory may be taken.
const (
	roomInterval = time.Millisecond
	roomPatience = 200 * time.Millisecond
)

// crowded reports whether the next stretch has to wait for room, once.
func (p *pipeline) crowded() bool {
	if p.waited || !p.h.Crowded() {
		p.waited = false
		return false
	}
	spec := p.h.table.find(p.batch[p.next])
	return spec != nil && spec.Flags&DenyOOM != 0
}

// waitRoom goes on when there is room again, or the time for that is up.
func (p *pipeline) waitRoom() {
	ticker := time.NewTicker(roomInterval)
	defer ticker.Stop()
	for deadline := time.Now().Add(roomPatience); p.h.Crowded() && time.Now().Before(deadline); {
		<-ticker.C
	}
	p.waited = true
	p.goOn()
}
