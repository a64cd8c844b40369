package resp

import "time"

const (
	sweepInterval = time.Second
	// lingerTime is how long a connection that is ending may take to read its last replies, from the last byte it took.
	lingerTime = 30 * time.Second
	// hangUpGrace is how long a batch may go on for a client that has closed its side, perhaps only for sending.
	hangUpGrace = time.Second
)

// sweep ends connections whose time is up. One goroutine looks at all once a second: a timer for each would cost more
// than they do.
func (s *Server) sweep(stop chan struct{}) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			l := s.limits.Load()
			for _, c := range s.all() {
				c.inspect(l, now)
			}
		}
	}
}

// inspect ends a connection whose time is up.
func (c *conn) inspect(l *Limits, now time.Time) {
	if c.suspended.Load() {
		if since := c.hungUp.Load(); since != 0 && now.Sub(time.UnixMilli(since)) > hangUpGrace {
			c.hangUp()
		}
		return
	}
	idle := now.Sub(time.UnixMilli(c.lastUsed.Load()))
	soft := c.softSince.Load()
	switch {
	case soft != 0 && l.OutputSoftFor > 0 && now.Sub(time.UnixMilli(soft)) > l.OutputSoftFor:
		c.kill(byOutput)
	case c.leaving.Load() && idle > lingerTime:
		c.kill(byTimeout)
	case l.Timeout > 0 && idle > l.Timeout:
		c.kill(byTimeout)
	}
}
