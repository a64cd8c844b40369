package resp

// sendAhead is how much of a reply that is sent in pages may wait for the client.
const sendAhead = 128 << 10

// Send sends replies while a batch runs, behind those that were sent before and ahead of those in Out. It waits until the client
// has taken nearly all that was sent, so that a reply of any length takes little memory however slowly it is read. It reports
// false when the connection is gone. The bytes must not be changed any more.
func (s *Session) Send(b []byte) bool {
	c := s.conn
	if c == nil {
		s.Out.Buf = append(s.Out.Buf, b...)
		return true
	}
	select {
	case <-c.room:
	default:
	}
	if len(b) == 0 || c.lost.Load() {
		return !c.lost.Load()
	}
	c.sending.Store(true)
	c.hand(b[:len(b):len(b)])
	c.link.pass()
	<-c.room
	c.sending.Store(false)
	return !c.lost.Load()
}

// hand gives the driver replies to send early. What was handed over before goes first.
func (c *conn) hand(b []byte) {
	for {
		before := c.early.Load()
		all := [][]byte{b}
		if before != nil {
			all = append((*before)[:len(*before):len(*before)], b)
		}
		if c.early.CompareAndSwap(before, &all) {
			return
		}
	}
}

// took tells Send that the client has taken something. Whoever drives the connection calls it, after every write.
func (c *conn) took() {
	if c.sending.Load() && c.out.unsent <= sendAhead && c.early.Load() == nil {
		c.wakeSender()
	}
}

// lose tells Send that nothing can be sent any more.
func (c *conn) lose() {
	c.lost.Store(true)
	c.wakeSender()
}

func (c *conn) wakeSender() {
	select {
	case c.room <- struct{}{}:
	default:
	}
}
