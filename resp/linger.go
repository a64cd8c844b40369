package resp

import (
	"errors"
	"os"
	"time"
)

// A connection that ends while its client is still sending must not be closed at once: the system answers what comes
// after that by a reset, and a reset destroys replies that are on their way. So the server first ends its own side, and
// reads and discards until the client has closed too. How long it does so is bounded.
const (
	// lingerQuiet is how long nothing may come before a client counts as done with sending.
	lingerQuiet = 250 * time.Millisecond
	// lingerLast is the time for a last read.
	lingerLast = 20 * time.Millisecond
	// lingerMost is how long a client may go on sending in all.
	lingerMost = 3 * time.Second
)

// lingers reports whether the connection ends without the client's doing, so that there may be more to come.
func (c *conn) lingers() bool {
	return (c.stopping.Load() || c.fault != noFault) && !c.doomed.Load()
}

// linger ends the sending side and discards what still comes.
func (t *talk) linger() {
	half, ok := t.nc.(interface{ CloseWrite() error })
	if !ok || !t.lingers() || half.CloseWrite() != nil {
		return
	}
	discarded := make([]byte, smallRead)
	end := time.Now().Add(lingerMost)
	last := false
	for quiet := time.Now().Add(lingerQuiet); time.Now().Before(end) && !t.doomed.Load(); {
		_ = t.nc.SetReadDeadline(quiet)
		n, err := t.nc.Read(discarded)
		switch {
		case n > 0:
			quiet, last = time.Now().Add(lingerQuiet), false
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(quiet):
			// The deadline was drain's.
		case errors.Is(err, os.ErrDeadlineExceeded) && !last:
			// A read that runs late is told of its deadline and not of what has come meanwhile.
			quiet, last = time.Now().Add(lingerLast), true
		case err != nil:
			return
		}
	}
}
