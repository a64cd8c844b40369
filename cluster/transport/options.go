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
	// minMessage keeps room for the heads of all messages.
	minMessage = 64
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

	// MaxMessage is the longest message in bytes, its head included. Default 1 GiB: two concurrent values of 500 MB.
	MaxMessage int
	// MaxInFlightBytes bounds what waits to be written to one peer of messages that are Short, requests and replies apart.
	// Default 64 MiB.
	MaxInFlightBytes int
	// MaxLongBytes is the same for longer messages. They are not copied, so it bounds no memory of the transport but what
	// the callers keep for it. One that finds none waiting always fits. Default 1 GiB.
	MaxLongBytes int
	// MaxAssembly bounds the memory of long messages that are coming in, over all peers; one connection may have half of it.
	// What needs more waits for its turn, and one that is longer has it alone. Messages up to 1 MiB are not counted: of them a
	// connection may have eight at a time. Default 1 GiB.
	MaxAssembly int
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
	setDefault(&o.MaxMessage, 1<<30)
	setDefault(&o.MaxInFlightBytes, 64<<20)
	setDefault(&o.MaxLongBytes, 1<<30)
	setDefault(&o.MaxAssembly, 1<<30)
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
	if o.MaxMessage < minMessage || int64(o.MaxMessage) > 1<<31-1 {
		faults = append(faults, fmt.Errorf("MaxMessage is %d, want %d to 2 GiB", o.MaxMessage, minMessage))
	}
	if o.MaxInFlightBytes < 0 || o.MaxLongBytes < 0 || o.MaxAssembly < 0 || o.MaxCalls < 0 || o.MaxHandshakes < 0 {
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
