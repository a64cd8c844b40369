package coordinator

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// ServeBatch serves requests of another coordinator, in the order they arrived: a digest sees every change that came
// before it. It does not wait; requests are answered when their work is done.
func (c *Coordinator) ServeBatch(from string, batch []*transport.Request) {
	work := c.works.Get().(*served)
	work.merging = c.mergingOf(from)
	timeout := c.Settings().Timeout
	c.Hold()
	for _, request := range batch {
		if request.Delay > timeout {
			request.Respond(StatusRefused)
			continue
		}
		if c.otherRing(request) {
			c.refuse(request)
			continue
		}
		var err error
		switch request.Kind {
		case KindReplicate:
			err = work.replicate(request)
		case KindDigest:
			if c.Lacks() {
				request.Respond(StatusRefused)
				continue
			}
			err = work.digest(request)
		case KindFetch:
			if c.Lacks() {
				request.Respond(StatusRefused)
				continue
			}
			err = c.serveFetch(request)
		case KindRun:
			err = c.serveRun(request)
		case KindHint:
			err = c.serveHint(request)
		case KindPage:
			err = c.servePage(request)
		case KindHintDigest:
			err = c.serveHintDigest(request)
		default:
			err = fmt.Errorf("%w: kind %d", ErrMalformed, request.Kind)
		}
		if err != nil {
			c.Logger.Warn("a peer's request was refused", "peer", from, "kind", request.Kind, "error", err)
			request.Respond(StatusRefused)
		}
	}
	work.submit()
	c.Release()
}

func (c *Coordinator) mergingOf(peer string) *atomic.Int64 {
	if n, ok := c.merging.Load(peer); ok {
		return n.(*atomic.Int64)
	}
	n, _ := c.merging.LoadOrStore(peer, new(atomic.Int64))
	return n.(*atomic.Int64)
}

// served is the work of one ServeBatch: changes, and digests to compare. It is used again when all is answered.
type served struct {
	c        *Coordinator
	merging  *atomic.Int64
	finish   func() // w.done, made once
	changes  []incoming
	queries  []digestQuery
	requests []servedRequest
	tasks    []*engine.Task
	reply    []byte
}

// servedRequest is a request with its share of the changes or of the queries.
type servedRequest struct {
	request  *transport.Request
	from, to int
}

func (r *servedRequest) brings() bool { return r.request.Kind == KindReplicate }

// submit starts the work. Without changes, among those before it or from the same peer and not yet in the store, digests
// are compared at once.
func (w *served) submit() {
	if len(w.changes) == 0 && w.merging.Load() == 0 {
		w.compare()
		w.recycle()
		return
	}
	for i := range w.requests {
		r := &w.requests[i]
		for j := r.from; j < r.to; j++ {
			if r.brings() {
				in := &w.changes[j]
				in.Slot, in.Body = in.key.Slot(), in
				w.tasks = append(w.tasks, &in.Task)
			} else {
				q := &w.queries[j]
				q.Slot, q.Body = q.key.Slot(), q
				w.tasks = append(w.tasks, &q.Task)
			}
		}
	}
	w.merging.Add(1)
	if w.c.Store.Do(w.tasks, w.finish) {
		w.done()
	}
}

func (w *served) done() {
	w.merging.Add(-1)
	for i := range w.requests {
		r := &w.requests[i]
		w.reply = w.reply[:0]
		status := StatusOK
		for j := r.from; j < r.to; j++ {
			if r.brings() {
				w.reply = append(w.reply, w.changes[j].status())
				continue
			}
			if w.queries[j].Err != nil {
				status = StatusRefused // what is held is not known, or too large for a message
			}
			w.reply = w.queries[j].appendReply(w.reply)
		}
		w.c.respond(r.request, status, w.reply)
		w.sent()
	}
	w.recycle()
}

// sent ends the use of the reply. A long one belongs to the transport.
func (w *served) sent() {
	if len(w.reply) > transport.Short {
		w.reply = nil
	}
}

// keptServed is how many changes and how many bytes of a reply are kept for reuse.
const keptServed = 1024

func (w *served) recycle() {
	if cap(w.changes)+cap(w.queries) > 2*keptServed || cap(w.reply) > keptParcel {
		return
	}
	clear(w.changes)
	clear(w.queries)
	clear(w.requests)
	clear(w.tasks)
	w.changes, w.queries, w.requests, w.tasks = w.changes[:0], w.queries[:0], w.requests[:0], w.tasks[:0]
	w.merging = nil
	w.c.works.Put(w)
}

// incoming is one change that another coordinator made, on its way into this store.
type incoming struct {
	engine.Task
	key     object.Key
	object  *object.Object
	delta   *object.Delta
	encoded []byte // delta's
	gap     bool
}

// Run merges the change.
func (i *incoming) Run(tx *engine.Tx) {
	if i.delta != nil {
		i.gap = !tx.Apply(i.key, i.delta, i.encoded)
		return
	}
	tx.Merge(i.key, i.object)
}

// Keys is the key of the change.
func (i *incoming) Keys(yield func(object.Key) bool) { yield(i.key) }

func (i *incoming) status() byte {
	switch {
	case i.Err != nil:
		return replicaRefuse
	case i.gap:
		return replicaGap
	default:
		return replicaHas
	}
}

// replicate takes the changes of a request apart.
func (w *served) replicate(request *transport.Request) error {
	r := reader{b: request.Payload}
	from := len(w.changes)
	for len(r.b) > 0 {
		in := incoming{key: r.key()}
		if err := r.change(&in); err != nil {
			w.changes = w.changes[:from]
			return err
		}
		w.changes = append(w.changes, in)
	}
	if len(w.changes) == from {
		return ErrMalformed
	}
	w.requests = append(w.requests, servedRequest{request, from, len(w.changes)})
	return nil
}

// change reads what a change brings.
func (r *reader) change(in *incoming) (err error) {
	form, body := r.byte(), r.bytes()
	in.Large = len(body) >= largeWrite
	switch {
	case r.failed:
		return ErrMalformed
	case form == formObject:
		in.object, err = object.Decode(body)
	case form == formDelta:
		in.encoded = body
		in.delta, err = object.DecodeDelta(body)
	default:
		err = fmt.Errorf("%w: form %d", ErrMalformed, form)
	}
	return err
}

// serveRun coordinates commands that another node received. They are not sent on: of two nodes that disagree about
// the coordinator, the one asked runs the command, provided that it holds a replica, or is asked to stand in.
func (c *Coordinator) serveRun(request *transport.Request) error {
	r := reader{b: request.Payload}
	var commands, mine []*Command
	table := c.Ring()
	for len(r.b) > 0 {
		command := r.command()
		if r.failed {
			return ErrMalformed
		}
		commands = append(commands, command)
		if !c.Lacks() && (command.Mode&StandIn != 0 || slices.Contains(table.Primaries(command.Slot), c.Self)) {
			mine = append(mine, command)
		} else {
			command.Err = ErrNotReplica
		}
	}
	if len(commands) == 0 {
		return ErrMalformed
	}
	respond := func() {
		var out []byte
		for _, command := range commands {
			out = appendOutcome(out, command, c.kept.add)
		}
		request.Respond(StatusOK, out)
	}
	if c.Execute(mine, respond) {
		respond()
	}
	return nil
}

// RunParts encodes commands as the payload of a KindRun request, in parts.
func RunParts(commands []*Command) [][]byte {
	var m message
	for _, command := range commands {
		m.command(command)
	}
	return m.parts(nil)
}

// DecodeOutcomes reads the reply to a KindRun request into its commands. What is left of their replies is fetched from the peer.
func DecodeOutcomes(payload []byte, commands []*Command, peers Caller, peer string) error {
	r := reader{b: payload}
	far := func(id uint64) Rest { return newFarRest(peers, peer, id) }
	for _, command := range commands {
		r.outcome(command, far)
	}
	return r.err()
}
