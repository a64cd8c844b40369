package antientropy

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// Peers carries requests to other nodes.
type Peers interface {
	// Up reports whether there is a connection to the node.
	Up(id string) bool
	// Call sends a request and calls done once, from any goroutine, with the reply or why there is none.
	Call(id string, kind uint8, payload []byte, timeout time.Duration, done func(transport.Reply))
}

// The status of a reply.
const (
	// StatusOK says that the payload is an answer.
	StatusOK uint8 = iota
	// StatusRefused says that the payload is why there is none.
	StatusRefused
)

// Settings are what a node can change while it runs.
type Settings struct {
	// Rate is how many bytes a second this node spends on what it began: questions, answers, objects, and the rows it
	// verifies. 0 pauses all of it. What peers began is answered at their rate.
	Rate int64
	// Timeout is how long a message with objects may be under way. Older ones are refused.
	Timeout time.Duration
	// Oldest is how old the objects in any message can be when they are merged: Timeout, and how long a command may hold
	// an answer before it uses it.
	Oldest time.Duration
}

// Options are the parts a Repairer works with.
type Options struct {
	Self     ring.NodeID
	Store    *engine.Store
	Peers    Peers
	Ring     func() *ring.Table
	Settings func() Settings
	// CatchUp makes this node's and a peer's object of a key equal, where it is a large collection. done is called once, from any
	// goroutine. nil: it is fetched and sent whole.
	CatchUp func(peer ring.NodeID, key object.Key, done func(error))
	// Hints reports whether this node keeps hints for a slot, or any copy that it has yet to hand over. nil: it never does.
	Hints func(object.Slot) bool
	// ReapPause is the mean pause between two ways through the tombstones; 0: 5 s.
	ReapPause time.Duration
	// Now is the wall clock: by it tombstones are young or old.
	Now func() time.Time
	// Jitter returns a number in [0,1). nil: math/rand.
	Jitter func() float64
	Logger *slog.Logger
	// Without leaves rules of reaping out. It is for tests that show what each is for.
	Without Rule
}

func (o *Options) complete() error {
	if o.Hints == nil {
		o.Hints = func(object.Slot) bool { return false }
	}
	if o.ReapPause == 0 {
		o.ReapPause = reapPause
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Store == nil || o.Peers == nil || o.Ring == nil || o.Settings == nil || o.Now == nil || o.Logger == nil {
		return fmt.Errorf("antientropy options: %w", errors.New("a part is missing"))
	}
	return nil
}

// Pauses.
const (
	// roundPause is the mean pause between two exchanges of the trickle. An exchange of equal replicas costs 3 KB and a
	// hash of every slot's tree at both ends.
	roundPause = 2 * time.Second
	// touchPause is how long touched slots are left alone, so that what is on its way arrives and one exchange serves
	// many faults.
	touchPause = 300 * time.Millisecond
	// recheckPause is how long a key that was found to differ is left alone before it is looked at again. Replication
	// takes a few milliseconds; a write that takes longer is repaired needlessly, which does no harm.
	recheckPause = 100 * time.Millisecond
	// skipPause is how long buckets that were left alone stay so, at least; patience is for how long a peer's may be left
	// alone by all exchanges.
	skipPause, patience = time.Second, 30 * time.Second
	// restShare is how many times what a fruitless exchange took the next one waits: repair that finds nothing may cost a
	// twentieth of a processor. Slots with very many keys that are written all the time would cost much more.
	restShare = 20
	// retryMin and retryMax bound the pause after an exchange that failed; it doubles in between.
	retryMin, retryMax = time.Second, time.Minute
	// compareTimeout is how many times Timeout a peer may take to answer a question that carries no objects.
	compareTimeout = 5
)
