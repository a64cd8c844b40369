package resp

import "sync/atomic"

// Stats are a server's figures, most of them under the names that INFO has for them.
type Stats struct {
	// ConnectedClients is the connections now; MaxClients how many there may be.
	ConnectedClients, MaxClients int64
	// ConnectionsReceived counts accepted connections, ConnectionsRejected those beyond MaxClients or refused by protected
	// mode.
	ConnectionsReceived, ConnectionsRejected int64
	// NetInput and NetOutput are bytes; Reads and Writes the system calls that moved them.
	NetInput, NetOutput, Reads, Writes int64
	// QueryLimitCuts and OutputLimitCuts count connections cut for too long a command and for unread replies, Evicted those
	// cut because all together held too much, TimedOut those closed for being idle.
	QueryLimitCuts, OutputLimitCuts, Evicted, TimedOut int64
	// ProtocolErrors counts connections closed for what they sent.
	ProtocolErrors int64
	// Suspended is the connections whose batch is being finished by the handler now.
	Suspended int64
	// Blocked is those whose batch waits for other clients.
	Blocked int64
	// Memory is the bytes held in input and replies now.
	Memory int64
	// MaxInput and MaxOutput are the most that one connection holds now, in commands and in unread replies.
	MaxInput, MaxOutput int64
}

// counters are what a driver counts. Each event loop has its own, so that loops do not contend for them.
type counters struct {
	netInput, netOutput, reads, writes atomic.Int64
	_                                  [64]byte
}

func (c *counters) read(n int) {
	c.reads.Add(1)
	c.netInput.Add(int64(n))
}

func (c *counters) wrote(n int) {
	c.writes.Add(1)
	c.netOutput.Add(int64(n))
}

func (c *counters) addTo(st *Stats) {
	st.NetInput += c.netInput.Load()
	st.NetOutput += c.netOutput.Load()
	st.Reads += c.reads.Load()
	st.Writes += c.writes.Load()
}

func (c *counters) reset() {
	c.netInput.Store(0)
	c.netOutput.Store(0)
	c.reads.Store(0)
	c.writes.Store(0)
}

// Stats returns the figures. MaxInput and MaxOutput cost a look at every connection.
func (s *Server) Stats() Stats {
	conns := s.all()
	st := Stats{
		ConnectedClients: int64(len(conns)), MaxClients: int64(s.limits.Load().MaxClients),
		ConnectionsReceived: s.received.Load(), ConnectionsRejected: s.rejected.Load(),
		QueryLimitCuts: s.queryCuts.Load(), OutputLimitCuts: s.outputCuts.Load(), Evicted: s.evicted.Load(),
		TimedOut: s.timedOut.Load(), ProtocolErrors: s.faults.Load(), Suspended: s.suspended.Load(), Blocked: s.blocked.Load(), Memory: s.memory.Load(),
	}
	for _, c := range s.counters() {
		c.addTo(&st)
	}
	for _, c := range conns {
		st.MaxInput = max(st.MaxInput, c.query.Load())
		st.MaxOutput = max(st.MaxOutput, c.queued.Load())
	}
	return st
}

// ResetStats sets the counts to 0, as CONFIG RESETSTAT does.
func (s *Server) ResetStats() {
	for _, n := range []*atomic.Int64{
		&s.received, &s.rejected, &s.queryCuts, &s.outputCuts, &s.evicted, &s.timedOut, &s.faults,
	} {
		n.Store(0)
	}
	for _, c := range s.counters() {
		c.reset()
	}
}

// counters are those of all drivers.
func (s *Server) counters() []*counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*counters{&s.counted}, s.loops.counters()...)
}
