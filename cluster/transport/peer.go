package transport

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// peer keeps one outgoing connection to a node, for as long as it is a peer. One goroutine, run, dials, authenticates,
// reads and dials again.
type peer struct {
	transport *Transport
	id        string
	address   atomic.Pointer[string]
	conn      atomic.Pointer[outgoing] // nil while down
	roundTrip atomic.Int64             // the moving average as a time.Duration, 0 before the first reply
	deviation atomic.Int64             // that of the distance from it
	counters  counters
	ahead     atomic.Int64 // by how much its clock was too far ahead when it was refused last, a time.Duration; 0 when it was not

	ctx    context.Context // ends when the node is no longer a peer
	cancel context.CancelFunc
	kick   chan struct{} // has room for one: dial now
	ended  chan struct{} // closed when run has returned
}

// stableAfter is how long a connection must have lasted for the next attempt to begin with the shortest pause again.
const stableAfter = time.Second

func (p *peer) latency() time.Duration { return time.Duration(p.roundTrip.Load()) }

// run keeps the peer connected. It begins when the peer that had this id before, if any, is done with its events.
func (p *peer) run(before <-chan struct{}) {
	defer close(p.ended)
	if before != nil {
		<-before
	}
	options := &p.transport.options
	pause := options.RetryMin
	for p.ctx.Err() == nil {
		conn, err := p.connect()
		if err == nil {
			begun := time.Now()
			p.use(conn)
			if time.Since(begun) >= stableAfter {
				pause = options.RetryMin
			}
		} else if p.ctx.Err() == nil {
			p.noteClock(err)
			p.transport.refusals.log("dial", p.id, err, "address", *p.address.Load())
		}
		if p.waitRetry(time.Duration(float64(pause) * (0.5 + options.Jitter()))) {
			pause = options.RetryMin
			continue
		}
		pause = min(2*pause, options.RetryMax)
	}
}

// waitRetry waits for the pause to end, or less when kicked, which it reports.
func (p *peer) waitRetry(pause time.Duration) (kicked bool) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-p.kick:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// connect dials and authenticates.
func (p *peer) connect() (*outgoing, error) {
	options := &p.transport.options
	ctx, cancel := context.WithTimeout(p.ctx, options.DialTimeout)
	conn, err := options.Network.Dial(ctx, *p.address.Load())
	cancel()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(p.ctx, func() { conn.Close() })
	defer stop()
	clock, err := p.transport.handshaker().dial(conn, p.id)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return newOutgoing(p, conn, clock), nil
}

// use serves a connection until it breaks, and tells.
func (p *peer) use(conn *outgoing) {
	stop := context.AfterFunc(p.ctx, func() { conn.close(errClosed) })
	defer stop()
	written := make(chan struct{})
	go func() {
		conn.write()
		close(written)
	}()
	conn.startBeats()
	logger := p.transport.options.Logger.With("peer", p.id, "address", conn.conn.RemoteAddr().String())
	logger.Info("peer is up")
	p.ahead.Store(0)
	p.conn.Store(conn)
	p.transport.options.Events.Up(p.id)

	conn.serve()
	<-written

	p.conn.Store(nil)
	p.noteClock(conn.cause)
	logger.Info("peer is down", "cause", conn.cause)
	p.transport.options.Events.Down(p.id)
	conn.fail()
}

// noteClock notes whether there is no connection since the peer's clock is too far ahead.
func (p *peer) noteClock(err error) {
	var r refusal
	if errors.As(err, &r) && r.reason == reasonClock && !r.remote {
		p.ahead.Store(int64(r.ahead))
	}
}

// redial makes the peer dial again at once, giving up the connection it has.
func (p *peer) redial(address string) {
	p.address.Store(&address)
	if conn := p.conn.Load(); conn != nil {
		conn.close(fmt.Errorf("the peer's address is now %s", address))
	}
	p.dialNow()
}

// dialNow cuts the present or the next pause short.
func (p *peer) dialNow() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}
