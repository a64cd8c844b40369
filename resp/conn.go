package resp

import (
	"sync/atomic"
	"time"
)

// link is what a driver does for one of its connections. All but end and drain are called by whoever drives the
// connection.
type link interface {
	// send writes bytes, or keeps them in the connection's output while the socket is full. It reports whether it kept the
	// buffer itself. An error ends the connection, by the driver.
	send(b []byte) (took bool)
	// lendBatch and takeBatch, lendBuffer and takeBuffer hand memory to the connection for the time that it is busy.
	lendBatch() *batch
	takeBatch(b *batch)
	lendBuffer() []byte
	takeBuffer(b []byte)
	// end closes the connection now, from any goroutine; replies are lost.
	end()
	// drain ends it when the running batch is done and the replies are sent, from any goroutine.
	drain()
	// pass sends early, from any goroutine, while the handler is at work.
	pass()
	// unload sends early and gives back what was lent for a batch that the handler has copied, from any goroutine.
	unload()
}

// conn moves one connection through the steps that the package comment tells of; what it cannot do itself its driver does
// through link. One goroutine at a time drives it.
//
//	advance → serve → (served → serve …) → settle      the handler finished every batch at once
//	advance → serve, later resume → served → serve …   it did not: the connection is suspended in between
type conn struct {
	Session
	server  *Server
	fd      int
	link    link
	counted *counters
	done    func() // given to Handler.Serve

	in      input
	out     output
	running *batch // not nil while a batch is made or runs
	fault   fault  // found behind the commands of running
	closing bool   // nothing is read any more; the connection ends when out is empty

	chargedIn, chargedOut int64 // what Server.memory holds for in and out
	chargedBatch          int64 // and for the handler's copy of a batch

	// What others look at.
	doomed    atomic.Bool              // kill has been called
	stopping  atomic.Bool              // drain has been called
	suspended suspension               // the handler goes on with a batch
	waiting   atomic.Bool              // it waits for other clients
	early     atomic.Pointer[[][]byte] // replies that are to be sent before it goes on
	sending   atomic.Bool              // Send waits, for room
	lost      atomic.Bool              // nothing can be sent any more
	room      chan struct{}            // has room for one
	leaving   atomic.Bool              // closing
	holding   atomic.Int64             // chargedIn + chargedOut
	copied    atomic.Int64             // bytes of the handler's copy of the batch
	queued    atomic.Int64             // out.unsent
	blocks    atomic.Int64             // len(out.blocks)
	query     atomic.Int64             // bytes received when the batch began
	hungUp    atomic.Int64             // Unix milliseconds since when the client sends no more; 0 while it may
	trusted   atomic.Bool              // Authenticated
	softSince atomic.Int64             // Unix milliseconds since when queued is beyond OutputSoft; 0 while it is not
}

// advance serves what has come in. False: the handler goes on with a batch, and resume is next.
func (c *conn) advance() bool {
	for c.collect() {
		if !c.serve() {
			return false
		}
		c.served()
	}
	c.settle()
	return true
}

// resume continues after the handler is done with a batch.
func (c *conn) resume() bool {
	c.suspended.end()
	c.server.suspended.Add(-1)
	c.served()
	return c.advance()
}

// abandon follows a batch of a connection that was closed while it ran.
func (c *conn) abandon() {
	c.suspended.end()
	c.server.suspended.Add(-1)
	if c.running != nil {
		c.running.clear()
		c.link.takeBatch(c.running)
	}
	c.running, c.Out.Buf = nil, nil
	c.early.Store(nil)
	c.charge(&c.chargedBatch, 0)
}

// unload gives back what was lent for the batch that runs, which the handler has copied.
func (c *conn) unload() {
	if c.running != nil {
		c.running.clear()
		c.link.takeBatch(c.running)
		c.running = nil
	}
	c.in.keep()
	c.charge(&c.chargedIn, c.in.size())
	c.charge(&c.chargedBatch, c.copied.Load())
}

// collect makes the next batch. It reports false when there is none.
func (c *conn) collect() bool {
	if c.closing || c.fault != noFault || len(c.in.data) == 0 {
		return false
	}
	if c.running == nil {
		c.running = c.link.lendBatch()
	}
	if q := int64(len(c.in.data)); q != c.query.Load() {
		c.query.Store(q)
	}
	c.fault = c.running.collect(&c.in, c.server.limits.Load(), c.Authenticated)
	return len(c.running.commands) > 0
}

// serve runs the batch.
func (c *conn) serve() bool {
	if c.Out.Buf == nil {
		c.Out.Buf = c.link.lendBuffer()
	}
	if c.server.handler.Serve(&c.Session, c.running.commands, c.done) {
		return true
	}
	c.suspended.begin()
	c.server.suspended.Add(1)
	return false
}

// served follows every batch.
func (c *conn) served() {
	if c.running != nil {
		c.running.clear()
	}
	c.charge(&c.chargedBatch, 0)
	if c.Authenticated != c.trusted.Load() {
		c.trusted.Store(c.Authenticated)
	}
	if c.Close || c.doomed.Load() || c.stopping.Load() {
		c.stop()
	}
	if len(c.Out.Buf) >= keptOut/2 {
		c.flush()
	}
}

// settle follows when all that came in has been served: replies are sent, memory is given back.
func (c *conn) settle() {
	if c.running != nil {
		c.link.takeBatch(c.running)
		c.running = nil
	}
	if c.fault != noFault && !c.closing {
		if c.fault != faultSmuggled {
			if c.Out.Buf == nil {
				c.Out.Buf = c.link.lendBuffer()
			}
			c.Out.Error("ERR Protocol error: " + string(c.fault))
		}
		c.server.noteFault(c)
		c.stop()
	}
	c.flush()
	if c.closing {
		c.in.drop()
	} else {
		c.in.keep()
		if c.in.query() > c.server.limits.Load().MaxQuery {
			c.kill(byQuery)
		}
	}
	c.charge(&c.chargedIn, c.in.size())
}

// stop lets the connection end when its replies have been sent.
func (c *conn) stop() {
	c.closing = true
	c.leaving.Store(true)
}

// flush sends the replies and gives their buffer back.
func (c *conn) flush() {
	c.sendEarly()
	b := c.Out.Buf
	c.Out.Buf = nil
	c.sendReplies(b)
}

// sendEarly sends the replies to what stands before a command that waits.
func (c *conn) sendEarly() {
	if early := c.early.Swap(nil); early != nil {
		for _, b := range *early {
			c.sendReplies(b)
		}
	}
}

func (c *conn) sendReplies(b []byte) {
	if b == nil {
		return
	}
	took := len(b) > 0 && !c.doomed.Load() && c.link.send(b)
	if !took {
		c.link.takeBuffer(b[:0])
	}
}

// wrote follows every change of out: it looks at the output limits. The driver calls it, one call at a time.
func (c *conn) wrote() {
	unsent := c.out.unsent
	if unsent == 0 && c.queued.Load() == 0 {
		return
	}
	c.queued.Store(unsent)
	c.blocks.Store(int64(len(c.out.blocks)))
	c.charge(&c.chargedOut, c.out.held)
	l := c.server.limits.Load()
	switch {
	case l.OutputHard > 0 && unsent > l.OutputHard, unsent > maxStrangerOutput && l.NeedsAuth && !c.trusted.Load():
		c.kill(byOutput)
	case l.OutputSoft == 0 || unsent <= l.OutputSoft:
		c.softSince.Store(0)
	case c.softSince.Load() == 0:
		c.softSince.Store(time.Now().UnixMilli())
	}
}

// maxStrangerOutput bounds the unread replies before authentication.
const maxStrangerOutput = 1 << 10

// charge brings memory that the connection holds to the server's account.
func (c *conn) charge(account *int64, held int64) {
	change := held - *account
	if change == 0 {
		return
	}
	*account = held
	c.holding.Add(change)
	if total := c.server.memory.Add(change); change > 0 && total > c.server.limits.Load().MaxMemory {
		c.server.evict()
	}
}

// OutputExceeded reports that the replies are more than the connection may have waiting. The connection is then cut, and
// the handler need not go on with the batch.
func (s *Session) OutputExceeded() bool {
	c := s.conn
	l := c.server.limits.Load()
	now := int64(len(s.Out.Buf))
	waiting := now + c.queued.Load()
	if l.OutputHard > 0 && waiting > l.OutputHard || now > keptOut && c.server.memory.Load()+now > l.MaxMemory {
		c.kill(byOutput)
		return true
	}
	return false
}
