package resp

import (
	"slices"
	"time"
)

// admit makes a connection known. It reports false when there may be no more, and then no reply is owed either if the
// server is closed.
func (s *Server) admit(c *conn) (ok, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return false, true
	case len(s.conns) >= s.limits.Load().MaxClients:
		s.rejected.Add(1)
		return false, false
	}
	s.received.Add(1)
	s.lastID++
	c.ID = s.lastID
	s.conns[c.ID] = c
	if s.sweeping == nil {
		s.sweeping = make(chan struct{})
		stop := s.sweeping
		s.work.Go(func() { s.sweep(stop) })
	}
	return true, false
}

// open initializes a connection that is about to be admitted.
func (s *Server) open(c *conn, p Persona, remote, local string) {
	c.server = s
	c.conn = c
	c.room = make(chan struct{}, 1)
	c.Persona, c.RemoteAddr, c.LocalAddr = p, remote, local
	c.Created = time.Now()
	c.User = "default"
	c.SetProto(2)
	c.lastUsed.Store(c.Created.UnixMilli())
	c.Authenticated = !s.limits.Load().NeedsAuth
	c.trusted.Store(c.Authenticated)
}

// forget follows the end of a connection. No batch of it is running.
func (s *Server) forget(c *conn) {
	c.hangUp()
	s.handler.Closed(&c.Session)
	s.memory.Add(-c.chargedIn - c.chargedOut - c.chargedBatch)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c.ID)
	if s.closed && len(s.conns) == 0 {
		close(s.idle)
	}
}

// all returns the connections, oldest first.
func (s *Server) all() []*conn {
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for _, c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	slices.SortFunc(conns, func(a, b *conn) int { return int(a.ID) - int(b.ID) })
	return conns
}

// Clients returns the connections that pass a filter, oldest first.
func (s *Server) Clients(f Filter) []*Session {
	var found []*Session
	for _, c := range s.all() {
		if f.matches(&c.Session) {
			found = append(found, &c.Session)
		}
	}
	return found
}

// Kill closes the connections that pass a filter and returns their number. When self, the session of the caller, is
// among them, it is closed after its reply.
func (s *Server) Kill(f Filter, self *Session) int {
	n := 0
	for _, c := range s.all() {
		switch {
		case !f.matches(&c.Session):
			continue
		case &c.Session == self:
			self.Close = true
		default:
			c.kill(byKill)
		}
		n++
	}
	return n
}

// kill ends a connection now, once.
func (c *conn) kill(why cause) {
	if !c.doomed.CompareAndSwap(false, true) {
		return
	}
	s := c.server
	switch why {
	case byQuery:
		s.queryCuts.Add(1)
	case byOutput:
		s.outputCuts.Add(1)
	case byTimeout:
		s.timedOut.Add(1)
	case byMemory:
		s.evicted.Add(1)
	}
	if why != byKill && why != byShutdown && why != byTimeout {
		s.logger.Warn("closing client", "client", c.RemoteAddr, "id", c.ID, "cause", why.String(), "bytes", c.holding.Load())
	}
	c.link.end()
}

// evict ends the connections that hold most until the rest is within Limits.MaxMemory.
func (s *Server) evict() {
	if !s.evicting.CompareAndSwap(false, true) {
		return
	}
	defer s.evicting.Store(false)
	conns := s.all()
	slices.SortFunc(conns, func(a, b *conn) int { return int(b.holding.Load() - a.holding.Load()) })
	over := s.memory.Load() - s.limits.Load().MaxMemory
	for _, c := range conns {
		if over <= 0 {
			return
		}
		over -= c.holding.Load()
		c.kill(byMemory) // does nothing to one that is on its way out, whose memory counts as free all the same
	}
}
