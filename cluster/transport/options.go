package transport

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	// maxName is the longest node id and cluster name, in bytes: a handshake message stays small.
	maxName = 128
	// minFrame keeps room for the heads of all frames.
	minFrame = 64
)

// Events are notices about outgoing connections. For one peer they come one at a time and alternate, Up first. They must
// not block and must not call Close.
type Events struct {
	// Up is called when a connection to the peer has been authenticated and takes calls.
	Up func(id string)
	// Down is called when it is gone, before the calls in flight on it end.
	Down func(id string)
}

// Options configures a Transport. Zero values take the defaults named with each field.
type Options struct {
	// ID is the id of this node and Cluster the name of its cluster: 1 to 128 bytes each.
	ID, Cluster string
	// Secret is shared by the nodes of a cluster. Empty: peers are accepted and dialed on loopback addresses only.
	Secret []byte
	// Listen is the host:port to accept peers at.
	Listen string
	// Network defaults to TCP.
	Network Network
	// Handler serves the requests of peers.
	Handler Handler
	Events  Events
	// Logger gets refusals, losses and recoveries. Default: discarded.
	Logger *slog.Logger
	// Refuses says of an authenticated node that nothing is to be taken from it, and SetPeers closes what it has open. It must
	// not block. Default: of none.
	Refuses func(id string) bool

	// MaxFrame is the largest frame in bytes, its head included. Default 513 MiB: a value of 512 MiB and what goes with it.
	MaxFrame int
	// MaxInFlightBytes bounds what waits to be written to one peer, requests and replies apart. A frame that finds nothing
	// waiting always fits. Default 64 MiB.
	MaxInFlightBytes int
	// MaxCalls bounds the calls to one peer that wait for their reply. Default 131,072.
	MaxCalls int
	// MaxHandshakes bounds the accepted connections that are not authenticated yet; one more closes the oldest. Default 64.
	MaxHandshakes int

	// RequestTimeout is the timeout of a call that names none. Default 2 s.
	RequestTimeout time.Duration
	// DialTimeout bounds connecting, HandshakeTimeout the authentication that follows. Defaults 1 s and 2 s.
	DialTimeout, HandshakeTimeout time.Duration
	// Beat is how often each side of a connection says that it is there. A connection on which nothing was heard for three
	// beats is closed, so a silent peer is noticed after 3 to 4 beats. Default 450 ms.
	Beat time.Duration
	// RetryMin and RetryMax are the first and the longest pause between attempts to connect; it doubles in between and
	// varies by half either way. Defaults 20 ms and 1 s.
	RetryMin, RetryMax time.Duration
	// Now is the wall clock. Default: time.Now.
	Now func() time.Time
	// MaxClockDrift is how far ahead of it a peer's may be: one that is further ahead is refused, and cut off. Default 10 s.
	MaxClockDrift time.Duration
	// Jitter returns a number in [0,1). Default: math/rand.
	Jitter func() float64
}

// withDefaults completes the options.
func (o Options) withDefaults() Options {
	if o.Network == nil {
		o.Network = TCP{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.Level(127)}))
	}
	if o.Refuses == nil {
		o.Refuses = func(string) bool { return false }
	}
	if o.Events.Up == nil {
		o.Events.Up = func(string) {}
	}
	if o.Events.Down == nil {
		o.Events.Down = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	setDefault(&o.MaxFrame, 513<<20)
	setDefault(&o.MaxInFlightBytes, 64<<20)
	setDefault(&o.MaxCalls, 1<<17)
	setDefault(&o.MaxHandshakes, 64)
	setDefault(&o.RequestTimeout, 2*time.Second)
	setDefault(&o.DialTimeout, time.Second)
	setDefault(&o.HandshakeTimeout, 2*time.Second)
	setDefault(&o.Beat, 450*time.Millisecond)
	setDefault(&o.RetryMin, 20*time.Millisecond)
	setDefault(&o.RetryMax, time.Second)
	setDefault(&o.MaxClockDrift, 10*time.Second)
	return o
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// validate reports all that is wrong with completed options at once.
func (o Options) validate() error {
	var faults []error
	for _, name := range []struct{ what, value string }{{"ID", o.ID}, {"Cluster", o.Cluster}} {
		if len(name.value) == 0 || len(name.value) > maxName {
			faults = append(faults, fmt.Errorf("%s has %d bytes, want 1 to %d", name.what, len(name.value), maxName))
		}
	}
	if o.Handler == nil {
		faults = append(faults, errors.New("no Handler"))
	}
	if o.MaxFrame < minFrame || int64(o.MaxFrame) > 1<<31-1 {
		faults = append(faults, fmt.Errorf("MaxFrame is %d, want %d to 2 GiB", o.MaxFrame, minFrame))
	}
	if o.MaxInFlightBytes < 0 || o.MaxCalls < 0 || o.MaxHandshakes < 0 {
		faults = append(faults, errors.New("a limit is negative"))
	}
	if min(o.RequestTimeout, o.DialTimeout, o.HandshakeTimeout, o.Beat, o.RetryMin, o.RetryMax, o.MaxClockDrift) < 0 {
		faults = append(faults, errors.New("a duration is negative"))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("transport options: %w", err)
	}
	return nil
}
