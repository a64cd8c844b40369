package watch

import (
	"container/list"
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine/object"
)

// Key is what clients wait for: something of a type at a key.
type Key struct {
	object.Key
	Kind object.Kind
}

// shared reports whether one change may be for all that wait, as an entry of a stream is: what one client reads another can
// still read. Of other types an element is for one client.
func (k Key) shared() bool { return k.Kind == object.Stream }

// queue is the clients of this node that wait for one key. It belongs to the Service's mu.
//
// One turn of attempts is made at a time. Of a type whose elements are for one client each, the first in the queue attempt;
// when one gets nothing the key is empty and those behind need not try. Of a shared type all attempt, in order.
type queue struct {
	key     Key
	waiters list.List // of *Waiter, longest first

	credit  int             // how many more may take something
	turning bool            // a turn is under way, or put off until the first waiter is free
	again   bool            // something may have come since the turn began
	next    *list.Element   // of a shared type, the first that has not attempted in this round
	refused []quorum.Choice // quorums that cannot be met now
	took    int             // how many have taken something in this round
	offers  []func(answer)  // offers that this round is the answer to
	// watched says that the key's coordinator has been told of the queue.
	watched bool
}

const (
	// maxTurn bounds the attempts that are made together.
	maxTurn = 128
	// unlimited is the credit when it is not known how much there is.
	unlimited = 1 << 30
)

// first is the waiter that has waited longest, nil when there is none.
func (q *queue) first() *Waiter {
	if e := q.waiters.Front(); e != nil {
		return e.Value.(*Waiter)
	}
	return nil
}

// remove takes a waiter out.
func (q *queue) remove(e *list.Element) {
	if q.next == e {
		q.next = e.Next()
	}
	q.waiters.Remove(e)
}

// choose picks who attempts next. It returns nobody when the round is over, or put off until a waiter is free.
func (q *queue) choose() (chosen []*Waiter) {
	if q.key.shared() {
		for q.next != nil && len(chosen) < maxTurn {
			w := q.next.Value.(*Waiter)
			q.next = q.next.Next()
			if w.busy {
				w.retry = append(w.retry, q)
				continue
			}
			chosen = append(chosen, w)
		}
		return chosen
	}
	for e := q.waiters.Front(); e != nil && len(chosen) < min(q.credit, maxTurn); e = e.Next() {
		w := e.Value.(*Waiter)
		switch {
		case slices.Contains(q.refused, w.Quorum):
			continue
		case w.busy && len(chosen) == 0:
			w.parked = append(w.parked, q)
			q.turning = true
			return nil
		case w.busy:
			return chosen
		}
		chosen = append(chosen, w)
	}
	return chosen
}

// answer is what became of an offer.
type answer struct {
	took    int
	waiting bool          // clients still wait
	age     time.Duration // for how long the first of them has
}

// end ends a round.
func (q *queue) end(now time.Time) (offers []func(answer), a answer) {
	if w := q.first(); w != nil {
		a = answer{waiting: true, age: now.Sub(w.began)}
	}
	a.took = q.took
	offers = q.offers
	q.offers, q.refused, q.credit, q.took = nil, nil, 0, 0
	return offers, a
}
