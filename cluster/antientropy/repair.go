package antientropy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kindredkv/kindred/cluster/handoff"
	"github.com/kindredkv/kindred/cluster/pace"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// exchange compares slots with a peer and joins what differs.
func (r *Repairer) exchange(ctx context.Context, j *job) error {
	x := NewExchange(r.view, j.slots, !j.thorough)
	before := r.stats.joined()
	defer func() { j.fruitful = r.stats.joined() > before }()
	for {
		if err := r.pace.Wait(ctx); err != nil {
			return err
		}
		if x.Early() {
			if err := pace.Sleep(ctx, recheckPause); err != nil {
				return err
			}
		}
		kind, question, more := x.Next()
		if !more {
			break
		}
		err := r.ask(ctx, j, x, kind, question)
		if err == nil && x.Full() {
			err = r.settle(ctx, j, x.Found())
		}
		if err != nil {
			return err
		}
	}
	err := r.settle(ctx, j, x.Found())
	r.stats.compared.Add(uint64(x.Compared()))
	j.skipped = x.Skipped()
	for _, slot := range x.Unexplained() {
		// Most often a write was on its way. If not, one of the trees is wrong, and the peer finds out by its own exchange
		// whether it is its own.
		if err == nil {
			err = r.verify(ctx, slot)
		}
	}
	return err
}

// ask asks a question of a comparison and takes the answer.
func (r *Repairer) ask(ctx context.Context, j *job, x *Exchange, kind uint8, question []byte) error {
	began := time.Now()
	defer func() { j.busy += time.Since(began) }()
	answer, err := r.call(ctx, j.peer, kind, question)
	if err != nil {
		return err
	}
	return x.Take(answer)
}

// settle joins keys that were found to differ, after a while: what was on its way has arrived by then, and is no
// difference.
//
//  1. Of the keys that this node still has as they were, the peer is asked for the objects, of those that it still has
//     as they were, too.
//  2. They are merged here.
//  3. Where the peer lacks some of the result, the result is sent to it.
func (r *Repairer) settle(ctx context.Context, j *job, found []Difference) error {
	if len(found) == 0 {
		return nil
	}
	if err := pace.Sleep(ctx, recheckPause); err != nil {
		return err
	}
	for len(found) > 0 {
		if err := r.pace.Wait(ctx); err != nil {
			return err
		}
		n := min(len(found), objectsAtOnce)
		still, err := r.unchanged(found[:n])
		if err != nil {
			return err
		}
		if len(still) == 0 {
			found = found[n:]
			continue
		}
		if still, err = r.catchUp(ctx, j.peer, still); err != nil {
			return err
		}
		if len(still) == 0 {
			found = found[n:]
			continue
		}
		done, err := r.join(ctx, j.peer, still)
		if err != nil {
			return err
		}
		found = append(still[done:], found[n:]...)
	}
	return nil
}

// unchanged are the keys of which this node still has what it had.
func (r *Repairer) unchanged(found []Difference) ([]Difference, error) {
	var still []Difference
	for _, d := range found {
		own, err := r.o.Store.Get(d.Key)
		if err != nil {
			return nil, err
		}
		if digestOf(own) == d.Own {
			still = append(still, d)
		}
	}
	return still, nil
}

func digestOf(o *object.Object) causal.Digest {
	if o == nil {
		return 0
	}
	return o.Context.Digest()
}

// catchUp makes large collections equal, and returns the rest of the keys.
func (r *Repairer) catchUp(ctx context.Context, peer ring.NodeID, keys []Difference) (rest []Difference, err error) {
	if r.o.CatchUp == nil {
		return keys, nil
	}
	for _, d := range keys {
		own, err := r.o.Store.Get(d.Key)
		if err != nil {
			return nil, err
		}
		if own == nil || own.Kept == nil {
			rest = append(rest, d)
			continue
		}
		done := make(chan error, 1)
		r.o.CatchUp(peer, d.Key, func(err error) { done <- err })
		select {
		case err := <-done:
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errPeerGone, err)
			}
			if held, err := r.o.Store.Digest(d.Key); err == nil && held != d.Own {
				r.stats.pulled.Add(1)
			} else {
				r.stats.pushed.Add(1)
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return rest, nil
}

// join fetches the peer's objects, merges them, and sends what the peer lacks. It returns for how many of the keys, from
// the first on, that is done: at least one.
func (r *Repairer) join(ctx context.Context, peer ring.NodeID, keys []Difference) (done int, err error) {
	var question []byte
	for _, d := range keys {
		question = appendItem(question, d.Key, d.Theirs)
	}
	answer, err := r.call(ctx, peer, kindObjects, question)
	if err != nil {
		return 0, err
	}
	theirs, err := decodeObjects(answer, len(keys))
	if err != nil {
		return 0, err
	}
	var items []*handoff.Item
	for i, f := range theirs {
		if f.state == objectHere {
			items = append(items, &handoff.Item{Key: keys[i].Key, Object: f.object})
		}
	}
	if err := r.merge(peer, items); err != nil {
		return 0, err
	}
	for _, i := range items {
		if len(i.Changes) > 0 {
			r.stats.pulled.Add(1)
		}
	}
	return len(theirs), r.give(ctx, peer, keys[:len(theirs)], theirs)
}

// merge merges objects of a peer. Those that are refused for a time far ahead stay as they are, and stop nothing else.
func (r *Repairer) merge(peer ring.NodeID, items []*handoff.Item) error {
	if err := handoff.Merge(r.o.Store, items); err == nil {
		return nil
	}
	for _, i := range items {
		if i.Err != nil && !errors.Is(i.Err, causal.ErrDrift) {
			return fmt.Errorf("merge: %w", i.Err)
		}
		if i.Err != nil {
			r.o.Logger.Warn("a peer's object was refused", "peer", peer, "error", i.Err)
		}
	}
	return nil
}

// give sends the peer the objects of which it lacks some, a page at a time. Each page is paid for before it is made, so
// that what is in it is as this store has it when it goes.
func (r *Repairer) give(ctx context.Context, peer ring.NodeID, keys []Difference, theirs []foundObject) error {
	for i := 0; i < len(theirs); {
		if err := r.pace.Wait(ctx); err != nil {
			return err
		}
		page, added := handoff.NewPage(0), uint64(0)
		for ; i < len(theirs); i++ {
			if theirs[i].state == objectMoved {
				continue
			}
			own, err := r.o.Store.Whole(keys[i].Key)
			if errors.Is(err, engine.ErrTooLarge) {
				r.o.Logger.Warn("a peer cannot be given an object", "peer", peer, "error", err)
				continue
			}
			if err != nil {
				return err
			}
			if lacksNothing(theirs[i].object, own) {
				continue
			}
			if !page.Add(added+1, keys[i].Key, own) {
				break
			}
			added++
		}
		if added == 0 {
			continue
		}
		if _, err := r.call(ctx, peer, kindMerge, page.Bytes()); err != nil {
			return err
		}
		r.stats.pushed.Add(added)
	}
	return nil
}

// lacksNothing reports whether a replica with theirs has all that own has.
func lacksNothing(theirs, own *object.Object) bool {
	return own == nil || theirs != nil && theirs.Context.CoversAll(own.Context)
}
