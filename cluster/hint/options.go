package hint

import (
	"log/slog"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
)

// Peers carries requests to other nodes.
type Peers interface {
	// Up reports whether there is a connection to the node.
	Up(id string) bool
	// CallBy sends a request that goes by the ring of a version, and calls done once, from any goroutine, with the reply or why there
	// is none.
	CallBy(id string, kind uint8, ring uint64, payload []byte, timeout time.Duration, done func(transport.Reply))
}

// Settings are what a node can change while it runs.
type Settings struct {
	// Rate is how many bytes of hints a second are sent, each hint counted as leastCost at least; 0 pauses it.
	Rate int64
	// MaxAge is the age from which on a hint is let go when other primaries have what it holds.
	MaxAge time.Duration
	// Timeout is how long a message may be under way. Older ones are refused.
	Timeout time.Duration
	// W is how many stores a write needs.
	W int
}

// Options are the parts a Replayer works with.
type Options struct {
	Self     ring.NodeID
	Store    *engine.Store
	Peers    Peers
	Ring     func() *ring.Table
	Settings func() Settings
	// Now is the wall clock, by which hints are old.
	Now    func() time.Time
	Logger *slog.Logger
}

const (
	// lookPause is how often it is looked which owners answer. One that comes back is looked at at once.
	lookPause = time.Second
	// retryMin and retryMax bound the pause after a failure; it doubles in between.
	retryMin, retryMax = time.Second, time.Minute
	// fewAtOnce and atOnce are the least and the greatest bound of the hints in one message; bytesAtOnce is that of its bytes,
	// but for a single hint that is larger. One message is under way to each owner.
	fewAtOnce, atOnce, bytesAtOnce = 32, 128, 256 << 10
	// leastCost is what a hint counts as against the rate, in bytes, if it is smaller: reading, merging and striking it off
	// take as long as so many bytes of a large one.
	leastCost = 4 << 10
)
