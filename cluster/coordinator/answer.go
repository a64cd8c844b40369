package coordinator

import (
	"bytes"
	"errors"
	"sync/atomic"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// merge is an object that a replica answered with, on its way into this node's store.
type merge struct {
	engine.Task
	op     *op // the command that depends on it
	key    object.Key
	theirs *object.Object
}

// Run joins the replica's object into ours.
func (m *merge) Run(tx *engine.Tx) { tx.Merge(m.key, m.theirs) }

// received takes a replica's answer, or its absence, for all the keys of the question.
func (q *question) received(r *reader, err error) {
	if err == nil {
		err = q.decode(r)
	}
	q.answer(err)
}

// answer takes what the replica holds, as it is in the items.
func (q *question) answer(err error) {
	b := q.b
	b.mu.Lock()
	q.answered = true
	var questions []*question
	last := false
	if b.asking {
		questions, last = q.count(err)
		if errors.Is(err, errOtherRing) && !last {
			anew, done := b.consultAnew()
			questions, last = append(questions, anew...), done
			b.asking = !last
		}
	}
	b.mu.Unlock()
	b.send(questions)
	if last {
		b.run()
	}
	b.unref()
}

// count counts the answers, and asks others where there are none. It is called with mu held, and reports whether the step
// ends with this.
func (q *question) count(err error) (questions []*question, last bool) {
	b := q.b
	none := false
	var pull *question
	for i := range q.items {
		item := &q.items[i]
		o := item.op
		none = none || item.none
		if err == nil && !o.finished && q.weigh(item) {
			if q.pulls {
				err = errNotTaken
			} else {
				pull = q.pullOf(pull, item)
			}
		}
		if i+1 < len(q.items) && q.items[i+1].op == o {
			continue // the command's answer is complete with its last key
		}
		counts := err == nil && !none
		none = false
		if pull.pullsFor(o) || !o.asks() || o.tally.State() != quorum.Open || o.table.Version() != q.ring ||
			errors.Is(err, errOtherRing) && o.outdated() {
			continue
		}
		state := quorum.Open
		if counts {
			state = o.tally.Yes()
		} else {
			questions = b.askNext(o, questions)
			state = o.tally.No()
		}
		if state == quorum.Missed {
			o.lacked()
		}
		if state != quorum.Open && b.decided() {
			last = true
		}
	}
	b.asking = !last
	if pull != nil && !last {
		questions = append(questions, pull)
	}
	return questions, last
}

// weigh has what a replica answered merged before the command runs, where it is news. Most often it is none: replica and
// coordinator compare at different moments, and among many writes of one key some are always on their way. It reports whether
// there is news that must be pulled. mu is held.
func (q *question) weigh(item *questionItem) (pull bool) {
	theirs := item.seen
	if item.answer != nil {
		theirs = item.answer.Context
	} else if theirs == nil {
		return false
	}
	if item.op.StandsFor != nil {
		q.take(item)
		return false
	}
	own := q.b.context(item.key)
	if !q.standIn && !theirs.CoversAll(own) {
		q.b.lag(lag{item.key, q.peer, q.ring, theirs})
	}
	if own.CoversAll(theirs) {
		q.b.outrun = q.b.outrun || q.b.view != nil
		return false
	}
	if item.answer != nil {
		q.take(item)
	}
	return item.answer == nil
}

// context is that of what this store holds of a key now.
func (b *batch) context(key object.Key) causal.Context {
	own, err := b.c.Store.Get(key)
	if err != nil || own == nil {
		return nil // a failure shows again when the command runs
	}
	return own.Context
}

func (q *question) take(item *questionItem) {
	m := &merge{op: item.op, key: item.key, theirs: item.answer}
	m.Slot, m.Body = item.op.Slot, m
	if item.op.StandsFor != nil {
		item.op.overlay = append(item.op.overlay, m)
		return
	}
	q.b.merges = append(q.b.merges, m)
}

// pullOf adds a key to those that this store gets from the replica. Its answer counts in place of this one.
func (q *question) pullOf(pull *question, item *questionItem) *question {
	if pull == nil {
		pull = q.b.questions.next()
		pull.b, pull.peer, pull.ring, pull.pulls = q.b, q.peer, q.ring, true
	}
	pull.items = append(pull.items, questionItem{op: item.op, key: item.key, seen: item.seen})
	return pull
}

// pull has this store get what the replica holds of the question's keys. The answer is then what the replica has shown before.
func (q *question) pull() {
	var failed atomic.Pointer[error]
	left := atomic.Int32{}
	left.Store(int32(len(q.items)))
	c := q.b.c // the answer may end the batch
	for i := range q.items {
		c.pull(place{q.peer, q.items[i].key}, func(err error) {
			if err != nil {
				failed.Store(&err)
			}
			if left.Add(-1) > 0 {
				return
			}
			if fault := failed.Load(); fault != nil {
				err = *fault
			}
			c.Hold()
			q.answer(err)
			c.Release()
		})
	}
}

// pullsFor reports whether a question, which may be nil, pulls a key of the op.
func (q *question) pullsFor(o *op) bool {
	return q != nil && q.items[len(q.items)-1].op == o
}

// decode reads what the replica holds of each key, where that is not what we hold: the object, or the context of a large one.
func (q *question) decode(r *reader) (err error) {
	for i := range q.items {
		item := &q.items[i]
		how := r.byte()
		if how == digestSame {
			continue
		}
		encoding := r.bytes()
		if q.standIn && len(encoding) == 0 {
			item.none = true
			continue
		}
		var fault error
		switch {
		case how == digestDiffer:
			item.answer, fault = object.Decode(bytes.Clone(encoding))
		case how == digestSeen && !q.whole && !q.standIn:
			item.seen, fault = decodeContext(encoding)
		default:
			fault = ErrMalformed
		}
		if fault != nil {
			item.answer, item.seen, err = nil, nil, fault
		}
	}
	return err
}
