package cluster

import (
	"math"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/cluster/watch"
	"github.com/kindredkv/kindred/engine/object"
)

// Waiter is a client that waits for keys, or is about to.
type Waiter = watch.Waiter

// Wait has a client attempt its keys, and wait when they have nothing: see package watch.
func (n *Node) Wait(w *Waiter) { n.waiting.Wait(w) }

// Leave has a client leave without a reply, unless it is too late for that.
func (n *Node) Leave(w *Waiter) { n.waiting.Leave(w) }

// WaitedKeys is the number of keys that clients of this node wait for.
func (n *Node) WaitedKeys() int { return n.waiting.Keys() }

func (n *Node) newWaiting() *watch.Service {
	s := watch.New(watch.Options{
		Self: n.self, Store: waitingStore{n}, Logger: n.logger, Coordinator: n.writtenAt,
		Timeout: func() time.Duration { return n.settings().Timeout },
		// The transport is made later.
		Call: func(id ring.NodeID, kind uint8, payload []byte, timeout time.Duration, done func(transport.Reply)) {
			n.transport.Call(string(id), kind, payload, timeout, done)
		},
	})
	n.store.SetWatcher(s.Changed)
	return s
}

// writtenAt is the node that this one has writes of a key coordinated by; empty when there is none.
func (n *Node) writtenAt(key object.Key) ring.NodeID {
	table, slot := n.Ring(), key.Slot()
	if id := n.firstOf(table.Primaries(slot), nil, (writePatience-1)*n.settings().HedgeDelay); id != "" {
		return id
	}
	return n.firstOf(table.Fallbacks(slot), nil, math.MaxInt64)
}

// waitingStore is the store as those see it who wait.
type waitingStore struct{ n *Node }

func (s waitingStore) Watch(key object.Key)   { s.n.store.Watch(key) }
func (s waitingStore) Unwatch(key object.Key) { s.n.store.Unwatch(key) }

// Elements looks at the hint of a key that this node holds no object of: it may stand in for who does.
func (s waitingStore) Elements(key object.Key) (object.Kind, int64) {
	o, err := s.n.store.Get(key)
	if o == nil && err == nil && s.n.store.HintsOf(key.Slot()) > 0 {
		o, err = s.n.store.Hint(key)
	}
	if err != nil || o == nil || o.Tombstone() || o.Expired(s.n.now().UnixMilli()) {
		return object.None, 0 // a store that fails stops the node
	}
	kind := o.Kind()
	return kind, o.Count(kind)
}

var _ watch.Store = waitingStore{}
