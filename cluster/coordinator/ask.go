package coordinator

import (
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// question is a digest request to one replica: the keys of some of the batch's commands.
type question struct {
	b        *batch
	peer     ring.NodeID
	ring     uint64 // the version that it goes by
	standIn  bool   // peer is a fallback, and asked for its hints
	whole    bool   // the peer is asked for its objects, whatever there is here: this node stands in
	pulls    bool   // this store gets what the peer holds, before its answer counts
	payload  []byte
	items    []questionItem
	answered bool
}

type questionItem struct {
	op     *op
	key    object.Key
	answer *object.Object // what the replica holds; nil for the same as here
	seen   causal.Context // that of what the replica holds, when it is something else and large
	none   bool           // a fallback keeps no hint
}

func (q *question) clear() {
	clear(q.items)
	*q = question{payload: q.payload[:0], items: q.items[:0]}
}

func (q *question) brings(map[object.Slot]struct{}) {}

func (q *question) follows(slots map[object.Slot]struct{}) bool {
	for i := range q.items {
		if _, ok := slots[q.items[i].op.Slot]; ok {
			return true
		}
	}
	return false
}

// ask consults R−1 other replicas for every command that depends on what its keys hold.
func (b *batch) ask() {
	b.mu.Lock()
	if !b.writes {
		b.look()
	}
	var questions []*question
	for i := range b.ops {
		o := &b.ops[i]
		if !o.asks() {
			continue
		}
		questions = o.consult(questions)
		switch o.tally.State() {
		case quorum.Open:
			b.open++
		case quorum.Missed:
			o.lacked()
		}
	}
	waiting := b.open > 0
	b.asking = waiting
	b.mu.Unlock()
	if !waiting {
		b.run()
		return
	}
	delay := b.hedgeDelay(questions)
	b.send(questions)
	if delay > 0 {
		b.c.hedger.add(b, delay)
	}
}

// consult asks as many replicas as a command still needs, anew.
func (o *op) consult(questions []*question) []*question {
	need := int(o.choice.R)
	if o.counts(o.primaries) && (o.StandsFor == nil || o.b.keepsHints(o)) {
		need--
	}
	o.tally, o.next, o.asked = quorum.NewTally(need, 0), 0, 0
	for range need {
		questions = o.b.askNext(o, questions)
	}
	return questions
}

// look finds what this store holds of the keys that are about to be asked for. A batch that only reads runs on what was
// found here: what R stores agree on.
func (b *batch) look() {
	b.view = b.c.Store.OpenView()
	for i := range b.ops {
		if o := &b.ops[i]; o.asks() {
			o.looked = b.view.Expected()
			for key := range o.command.Keys {
				b.view.Expect(key)
			}
		}
	}
	b.view.Look()
}

// digest is that of what this store holds of a command's key: the i-th of its keys.
func (b *batch) digest(o *op, i int, key object.Key) causal.Digest {
	if b.view != nil {
		return b.view.Digest(o.looked + i)
	}
	if o.StandsFor != nil {
		return b.hintDigest(key)
	}
	own, _ := b.c.Store.Digest(key) // a failure shows again when the command runs
	return own
}

// askNext adds the next replica that can be reached to those that are asked for a command's keys.
func (b *batch) askNext(o *op, questions []*question) []*question {
	for ; o.canAsk(); o.next++ {
		peer, standIn, ok := o.candidate(o.next)
		if !ok {
			continue
		}
		o.next++
		if standIn {
			o.asked++
		}
		o.tally.Asked()
		version := o.table.Version()
		whole := o.StandsFor != nil && !standIn
		q := find(questions, peer, version, standIn, whole)
		if q == nil {
			q = b.questions.next()
			q.b, q.peer, q.ring, q.standIn, q.whole = b, peer, version, standIn, whole
			questions = append(questions, q)
		}
		i := 0
		for key := range o.command.Keys {
			if whole {
				q.payload = appendFetchItem(q.payload, key, nil)
			} else {
				q.payload = appendDigestItem(q.payload, key, b.digest(o, i, key))
			}
			q.items = append(q.items, questionItem{op: o, key: key})
			i++
		}
		return questions
	}
	return questions
}

func find(questions []*question, peer ring.NodeID, version uint64, standIn, whole bool) *question {
	for _, q := range questions {
		if q.peer == peer && q.ring == version && q.standIn == standIn && q.whole == whole && !q.pulls {
			return q
		}
	}
	return nil
}

func (b *batch) send(questions []*question) {
	b.ref(int32(len(questions)))
	for _, q := range questions {
		if q.pulls {
			q.pull()
			continue
		}
		b.c.outbox.post(q.peer, q.kind(), q.ring, &message{b: q.payload}, len(q.items), q)
	}
}

func (q *question) kind() uint8 {
	switch {
	case q.standIn:
		return KindHintDigest
	case q.whole:
		return KindFetch
	default:
		return KindDigest
	}
}

// hedgeDelay is how long to wait for the answers before more are asked. 0: there is no hedging.
func (b *batch) hedgeDelay(questions []*question) time.Duration {
	var delay time.Duration
	for _, q := range questions {
		delay = max(delay, b.patience(q.peer))
	}
	return delay
}

func (b *batch) patience(peer ring.NodeID) time.Duration {
	return b.settings.Patience(b.c.Peers.Late(string(peer)))
}

// hedge asks one more replica for every command that is still waiting for answers, or has changes that are not confirmed kept
// by one more fallback. It returns after which time to do so again; 0 when there is nobody left.
func (b *batch) hedge() (again time.Duration) {
	b.mu.Lock()
	var questions []*question
	more := false
	if b.asking {
		b.suspect()
		for i := range b.ops {
			if o := &b.ops[i]; o.asks() && o.tally.State() == quorum.Open {
				before := o.next
				questions = b.askNext(o, questions)
				more = more || o.canAsk()
				if o.next > before {
					b.c.Stats.Hedges.Add(1)
				}
			}
		}
	}
	hintings := b.replaceLate()
	later := b.open > 0 && b.arrival > 0 && time.Until(b.lateAt) > 0
	b.mu.Unlock()
	b.send(questions)
	b.hint(hintings)
	switch {
	case later:
		return min(max(b.settings.HedgeDelay, time.Until(b.lateAt)), b.settings.longestPatience())
	case more || len(hintings) > 0:
		return b.settings.HedgeDelay
	}
	return 0
}

// suspect has the nodes looked at that have not answered. mu is held.
func (b *batch) suspect() {
	for _, q := range b.questions.all[:b.questions.used] {
		if !q.answered {
			b.c.Peers.Suspect(string(q.peer), b.patience(q.peer))
		}
	}
}
