package coordinator

import (
	"errors"
	"fmt"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// How two replicas of a large collection become equal: who has seen more gives the other the changes that it lacks, from the store's
// backlog, or the whole object where that does not reach back far enough. Redis calls these partial and full resynchronization.

// deltasBytes is about how many bytes of deltas are sent in one message.
const deltasBytes = 128 << 10

// CatchUp has this store and a replica give each other what the other lacks of a key. done is called once, from any goroutine.
func (c *Coordinator) CatchUp(peer ring.NodeID, key object.Key, done func(error)) {
	at := place{peer, key}
	c.pull(at, func(err error) {
		if err != nil {
			done(err)
			return
		}
		c.push(at, done)
	})
}

var (
	// errNotTaken says that a replica has not taken what it was sent.
	errNotTaken = errors.New("the replica has not taken it")
	// errRefused says that a replica does not answer for what it holds: its store lacks data, or the request was too old.
	errRefused = errors.New("the replica refuses to answer")
)

// wholeTimeouts is how many timeouts it may take to read a whole object, or to join one.
const wholeTimeouts = 5

// call sends a request about one key.
func (c *Coordinator) call(at place, kind uint8, payload *message, timeout time.Duration, done func([]byte, error)) {
	c.Peers.CallParts(string(at.peer), kind, c.Ring().Version(), payload.parts(nil), timeout, func(reply transport.Reply) {
		err := reply.Err
		switch {
		case err != nil:
		case reply.Status == StatusRefused:
			err = errRefused
		case reply.Status != StatusOK:
			err = errNotTaken
		}
		done(reply.Payload, err)
	})
}

// push gives a replica what it lacks of what this store holds of a key. done is called once, from any goroutine.
func (c *Coordinator) push(at place, done func(error)) {
	own, err := c.Store.Digest(at.key)
	if err != nil {
		done(err)
		return
	}
	digest := message{b: appendDigestItem(nil, at.key, own)}
	c.call(at, KindDigest, &digest, c.Settings().Timeout, func(payload []byte, err error) {
		if errors.Is(err, errRefused) {
			c.pushWhole(at, done) // a store that is being filled takes what it is given
			return
		}
		if err != nil {
			done(err)
			return
		}
		r := reader{b: payload}
		switch r.byte() {
		case digestSame:
			done(nil)
		case digestSeen:
			seen, err := decodeContext(r.bytes())
			if err != nil {
				done(err)
				return
			}
			c.pushDeltas(at, seen, done)
		default:
			c.pushWhole(at, done)
		}
	})
}

// pushDeltas gives a replica that has seen a context the deltas that it lacks, or the whole object.
func (c *Coordinator) pushDeltas(at place, seen causal.Context, done func(error)) {
	deltas, ok := c.Store.DeltasSince(at.key, seen, deltasBytes)
	if !ok {
		c.pushWhole(at, done)
		return
	}
	var payload message
	size := 0
	for _, delta := range deltas {
		payload.delta(at.key, delta)
		size += len(delta)
	}
	c.Stats.CaughtUp.Add(uint64(len(deltas)))
	c.call(at, KindReplicate, &payload, c.Settings().Timeout, func(reply []byte, err error) {
		if err != nil || len(reply) != len(deltas) {
			done(errors.Join(err, errNotTaken))
			return
		}
		for _, status := range reply {
			if status != replicaHas {
				c.pushWhole(at, done)
				return
			}
		}
		if size < deltasBytes {
			done(nil)
			return
		}
		c.push(at, done)
	})
}

// pushWhole gives a replica the whole object.
func (c *Coordinator) pushWhole(at place, done func(error)) {
	go func() {
		c.wholes <- struct{}{}
		finish := func(err error) {
			<-c.wholes
			done(err)
		}
		encoding, err := c.Store.WholeEncoding(at.key)
		if err != nil {
			finish(err)
			return
		}
		c.Stats.Refills.Add(1)
		var payload message
		payload.object(at.key, encoding)
		c.call(at, KindReplicate, &payload, wholeTimeouts*c.Settings().Timeout, func(reply []byte, err error) {
			if err == nil && (len(reply) != 1 || !Has(reply[0])) {
				err = errNotTaken
			}
			finish(err)
		})
	}()
}

// pull has this store get what a replica holds of a key that it lacks. done is called once, from any goroutine; when several ask for the same
// it is done once for all.
func (c *Coordinator) pull(at place, done func(error)) {
	c.pullsMu.Lock()
	waiting, under := c.pulls[at]
	c.pulls[at] = append(waiting, done)
	c.pullsMu.Unlock()
	if !under {
		c.pullFrom(at, false)
	}
}

func (c *Coordinator) pulled(at place, err error) {
	c.pullsMu.Lock()
	waiting := c.pulls[at]
	delete(c.pulls, at)
	c.pullsMu.Unlock()
	for _, done := range waiting {
		done(err)
	}
}

// pullFrom asks for a page of deltas, or for the whole object.
func (c *Coordinator) pullFrom(at place, whole bool) {
	var seen causal.Context
	if own, err := c.Store.Get(at.key); err != nil {
		c.pulled(at, err)
		return
	} else if own != nil && !whole {
		seen = own.Context
	}
	fetch := message{b: appendFetchItem(nil, at.key, seen)}
	c.call(at, KindFetch, &fetch, wholeTimeouts*c.Settings().Timeout, func(reply []byte, err error) {
		if err != nil {
			c.pulled(at, err)
			return
		}
		c.takePulled(at, seen, reply)
	})
}

// takePulled merges what a replica has answered with, and asks for more where there is more.
func (c *Coordinator) takePulled(at place, seen causal.Context, payload []byte) {
	r := reader{b: payload}
	how := r.byte()
	if how == digestSame {
		c.pulled(at, r.err())
		return
	}
	changes, more, err := decodeFetched(how, r.bytes())
	if err = errors.Join(err, r.err()); err != nil {
		c.pulled(at, err)
		return
	}
	tasks := make([]*engine.Task, len(changes))
	for i, in := range changes {
		in.key = at.key
		in.Slot, in.Body = at.key.Slot(), in
		tasks[i] = &in.Task
	}
	merged := func() {
		for _, in := range changes {
			switch {
			case in.Err != nil:
				c.pulled(at, in.Err)
				return
			case in.gap && len(seen) > 0:
				c.pullFrom(at, true)
				return
			case in.gap:
				c.pulled(at, fmt.Errorf("%w: a delta in place of an object", ErrMalformed))
				return
			}
		}
		if more {
			c.pullFrom(at, false)
			return
		}
		c.pulled(at, nil)
	}
	if c.Store.Do(tasks, merged) {
		merged()
	}
}

// A fetch request is a list of keys with the context that the asker has of each. The reply is as that to a digest request, but never has a
// context; and where the asker lacks a few deltas it has 3 and these.
func appendFetchItem(b []byte, key object.Key, seen causal.Context) []byte {
	return appendBytes(appendKey(b, key), causal.AppendContext(nil, seen))
}

// appendDeltas appends deltas, and whether there are more.
func appendDeltas(b []byte, deltas [][]byte, more bool) []byte {
	b = append(b, 0)
	if more {
		b[len(b)-1] = 1
	}
	for _, d := range deltas {
		b = appendBytes(b, d)
	}
	return b
}

// decodeFetched reads an item of a reply to a fetch: an object, or deltas.
func decodeFetched(how byte, b []byte) (changes []*incoming, more bool, err error) {
	if how == digestDiffer {
		o, err := object.Decode(b)
		return []*incoming{{object: o}}, false, err
	}
	r := reader{b: b}
	more = r.byte() == 1
	for len(r.b) > 0 {
		encoded := r.bytes()
		d, err := object.DecodeDelta(encoded)
		if err != nil {
			return nil, false, err
		}
		changes = append(changes, &incoming{delta: d, encoded: encoded})
	}
	if how != digestDeltas || r.failed || len(changes) == 0 {
		return nil, false, ErrMalformed
	}
	return changes, more, nil
}
