package coordinator

import (
	"bytes"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// question is a digest request to one replica: the keys of some of the batch's commands.
type question struct {
	b       *batch
	peer    ring.NodeID
	payload []byte
	items   []questionItem
}

type questionItem struct {
	op  *op
	key object.Key
}

// merge is an object that a replica answered with, on its way into this node's store.
type merge struct {
	engine.Task
	op     *op // the command that depends on it
	key    object.Key
	theirs *object.Object
	peer   ring.NodeID
}

// Run joins the replica's object into ours.
func (m *merge) Run(tx *engine.Tx) { tx.Merge(m.key, m.theirs) }

// ask consults R−1 other replicas for every command that depends on what its keys hold.
func (b *batch) ask() {
	b.mu.Lock()
	var questions []*question
	for i := range b.ops {
		o := &b.ops[i]
		if !o.asks() {
			continue
		}
		o.tally = quorum.NewTally(int(o.choice.R)-1, 0)
		for range int(o.choice.R) - 1 {
			questions = b.askNext(o, questions)
		}
		if o.tally.State() == quorum.Open {
			b.open++
		} else {
			o.missed()
		}
	}
	waiting := b.open > 0
	b.asking = waiting
	b.mu.Unlock()
	if !waiting {
		b.run()
		return
	}
	b.send(questions)
	if delay := b.settings.HedgeDelay; delay > 0 {
		time.AfterFunc(delay, b.hedge)
	}
}

// askNext adds the next replica that can be reached to those that are asked for a command's keys.
func (b *batch) askNext(o *op, questions []*question) []*question {
	for ; o.next < len(o.primaries); o.next++ {
		peer := o.primaries[o.next]
		if peer == b.c.Self || !b.c.Peers.Up(string(peer)) {
			continue
		}
		o.next++
		o.tally.Asked()
		q := find(questions, peer)
		if q == nil {
			q = &question{b: b, peer: peer}
			questions = append(questions, q)
		}
		for key := range o.command.Keys {
			own, _ := b.c.Store.Get(key) // a failure shows again when the command runs
			q.payload = appendDigestItem(q.payload, key, digestOf(own))
			q.items = append(q.items, questionItem{o, key})
		}
		return questions
	}
	return questions
}

func find(questions []*question, peer ring.NodeID) *question {
	for _, q := range questions {
		if q.peer == peer {
			return q
		}
	}
	return nil
}

func (b *batch) send(questions []*question) {
	for _, q := range questions {
		b.c.Peers.Call(string(q.peer), KindDigest, q.payload, b.settings.Timeout, q.answered)
	}
}

// hedge asks one more replica for every command that is still waiting, and again after the same while as long as
// there are any to ask.
func (b *batch) hedge() {
	b.mu.Lock()
	var questions []*question
	more := false
	if b.asking {
		for i := range b.ops {
			if o := &b.ops[i]; o.asks() && o.tally.State() == quorum.Open {
				before := len(questions)
				questions = b.askNext(o, questions)
				more = more || o.next < len(o.primaries)
				if len(questions) > before {
					b.c.Stats.Hedges.Add(1)
				}
			}
		}
	}
	b.mu.Unlock()
	b.send(questions)
	if more {
		time.AfterFunc(b.settings.HedgeDelay, b.hedge)
	}
}

// answered takes a replica's answer, or its absence, for all the keys of the question.
func (q *question) answered(reply transport.Reply) {
	b := q.b
	answers, err := q.decode(reply)
	b.mu.Lock()
	if !b.asking {
		b.mu.Unlock()
		return
	}
	var questions []*question
	last := false
	for i, item := range q.items {
		o := item.op
		if err == nil && answers[i] != nil {
			m := &merge{op: o, key: item.key, theirs: answers[i], peer: q.peer}
			m.Slot, m.Body = o.Slot, m
			b.merges = append(b.merges, m)
		}
		if i+1 < len(q.items) && q.items[i+1].op == o {
			continue // the command's answer is complete with its last key
		}
		if !o.asks() || o.tally.State() != quorum.Open {
			continue
		}
		state := quorum.Open
		if err == nil {
			state = o.tally.Yes()
		} else {
			questions = b.askNext(o, questions)
			state = o.tally.No()
		}
		if state == quorum.Missed {
			o.missed()
		}
		if state != quorum.Open && b.decided() {
			last = true
		}
	}
	b.asking = !last
	b.mu.Unlock()
	b.send(questions)
	if last {
		b.run()
	}
}

// decode returns the object that the replica holds of each key, nil where it holds what we do.
func (q *question) decode(reply transport.Reply) ([]*object.Object, error) {
	if reply.Err != nil {
		return nil, reply.Err
	}
	if reply.Status != StatusOK {
		return nil, ErrMalformed
	}
	r := reader{b: reply.Payload}
	out := make([]*object.Object, len(q.items))
	for i := range out {
		if r.byte() == digestSame {
			continue
		}
		o, err := object.Decode(bytes.Clone(r.bytes()))
		if err != nil {
			return nil, err
		}
		out[i] = o
	}
	return out, r.err()
}

// repair sends what was merged to the replicas whose answers showed that they lack some of it. Nobody waits for it.
func (b *batch) repair() {
	for _, m := range b.merges {
		if m.Err != nil {
			continue
		}
		own, err := b.c.Store.Get(m.key)
		if err != nil || own == nil || m.theirs.Context.CoversAll(own.Context) {
			continue
		}
		b.c.Stats.ReadRepairs.Add(1)
		payload := appendReplicateItem(nil, m.key, own, nil)
		b.c.Peers.Call(string(m.peer), KindReplicate, payload, b.settings.Timeout, func(transport.Reply) {})
	}
}
