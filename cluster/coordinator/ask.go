package coordinator

import (
	"bytes"
	"errors"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// question is a digest request to one replica: the keys of some of the batch's commands.
type question struct {
	b        *batch
	peer     ring.NodeID
	ring     uint64 // the version that it goes by
	standIn  bool   // peer is a fallback, and asked for its hints
	payload  []byte
	items    []questionItem
	answered bool
}

type questionItem struct {
	op     *op
	key    object.Key
	answer *object.Object // what the replica holds; nil for the same as here
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

// merge is an object that a replica answered with, on its way into this node's store.
type merge struct {
	engine.Task
	op     *op // the command that depends on it
	key    object.Key
	theirs *object.Object
	peer   ring.NodeID // who may be behind; empty for a fallback
}

// Run joins the replica's object into ours.
func (m *merge) Run(tx *engine.Tx) { tx.Merge(m.key, m.theirs) }

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
		q := find(questions, peer, version, standIn)
		if q == nil {
			q = b.questions.next()
			q.b, q.peer, q.ring, q.standIn = b, peer, version, standIn
			questions = append(questions, q)
		}
		i := 0
		for key := range o.command.Keys {
			q.payload = appendDigestItem(q.payload, key, b.digest(o, i, key))
			q.items = append(q.items, questionItem{op: o, key: key})
			i++
		}
		return questions
	}
	return questions
}

func find(questions []*question, peer ring.NodeID, version uint64, standIn bool) *question {
	for _, q := range questions {
		if q.peer == peer && q.ring == version && q.standIn == standIn {
			return q
		}
	}
	return nil
}

func (b *batch) send(questions []*question) {
	b.refs.Add(int32(len(questions)))
	for _, q := range questions {
		kind := KindDigest
		if q.standIn {
			kind = KindHintDigest
		}
		b.c.outbox.post(q.peer, kind, q.ring, &message{b: q.payload}, len(q.items), q)
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

// received takes a replica's answer, or its absence, for all the keys of the question.
func (q *question) received(r *reader, err error) {
	b := q.b
	if err == nil {
		err = q.decode(r)
	}
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
	for i := range q.items {
		item := &q.items[i]
		o := item.op
		none = none || item.none
		if err == nil && item.answer != nil {
			q.take(item)
		}
		if i+1 < len(q.items) && q.items[i+1].op == o {
			continue // the command's answer is complete with its last key
		}
		counts := err == nil && !none
		none = false
		if !o.asks() || o.tally.State() != quorum.Open || o.table.Version() != q.ring ||
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
	return questions, last
}

// take has what a replica answered merged before the command runs.
func (q *question) take(item *questionItem) {
	m := &merge{op: item.op, key: item.key, theirs: item.answer, peer: q.peer}
	m.Slot, m.Body = item.op.Slot, m
	if q.standIn {
		m.peer = "" // it holds what its owners are owed, whatever else there is
	}
	if item.op.StandsFor != nil {
		item.op.overlay = append(item.op.overlay, m)
		return
	}
	q.b.merges = append(q.b.merges, m)
}

// decode reads the object that the replica holds of each key, where that is not what we hold.
func (q *question) decode(r *reader) (err error) {
	for i := range q.items {
		if r.byte() == digestSame {
			continue
		}
		encoding := r.bytes()
		if q.standIn && len(encoding) == 0 {
			q.items[i].none = true
			continue
		}
		o, fault := object.Decode(bytes.Clone(encoding))
		if fault != nil {
			err = fault
			continue
		}
		q.items[i].answer = o
	}
	return err
}

// repair sends what was merged to the replicas whose answers showed that they lack some of it. Nobody waits for it.
func (b *batch) repair() {
	for _, m := range b.merges {
		if m.Err != nil || m.peer == "" {
			continue
		}
		own, err := b.c.Store.Get(m.key)
		if err != nil || own == nil || m.theirs.Context.CoversAll(own.Context) {
			continue
		}
		b.c.Stats.ReadRepairs.Add(1)
		encoding, err := b.c.Store.WholeEncoding(m.key)
		if err != nil {
			continue
		}
		var repair message
		repair.object(m.key, encoding)
		b.c.outbox.post(m.peer, KindReplicate, m.op.table.Version(), &repair, 1, nobody{1})
	}
}
