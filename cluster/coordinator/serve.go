package coordinator

import (
	"bytes"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// ServeBatch serves requests of another coordinator, in the order they arrived: a digest sees every change that came
// before it. It does not wait; requests are answered when their work is done.
func (c *Coordinator) ServeBatch(from string, batch []*transport.Request) {
	work := &served{merging: c.mergingOf(from)}
	for _, request := range batch {
		if request.Delay > c.Settings().Timeout {
			request.Respond(StatusRefused)
			continue
		}
		var err error
		switch request.Kind {
		case KindReplicate:
			err = work.replicate(request)
		case KindDigest:
			err = c.digests(work, request)
		case KindRun:
			err = c.serveRun(request)
		default:
			err = fmt.Errorf("%w: kind %d", ErrMalformed, request.Kind)
		}
		if err != nil {
			c.Logger.Warn("a peer's request was refused", "peer", from, "kind", request.Kind, "error", err)
			request.Respond(StatusRefused)
		}
	}
	work.submit(c.Store)
}

func (c *Coordinator) mergingOf(peer string) *atomic.Int64 {
	if n, ok := c.merging.Load(peer); ok {
		return n.(*atomic.Int64)
	}
	n, _ := c.merging.LoadOrStore(peer, new(atomic.Int64))
	return n.(*atomic.Int64)
}

// served is the work of one ServeBatch that goes through the appliers.
type served struct {
	merging  *atomic.Int64
	tasks    []*engine.Task
	requests []servedRequest
}

// servedRequest is a request with its share of the tasks' results.
type servedRequest struct {
	request *transport.Request
	changes []incoming
	digests []digestQuery
}

func (w *served) submit(store *engine.Store) {
	if len(w.tasks) == 0 {
		return
	}
	w.merging.Add(1)
	if store.Do(w.tasks, w.done) {
		w.done()
	}
}

func (w *served) done() {
	w.merging.Add(-1)
	for i := range w.requests {
		r := &w.requests[i]
		if r.changes != nil {
			r.request.Respond(StatusOK, statuses(r.changes))
		} else {
			r.request.Respond(StatusOK, appendDigestReplies(nil, r.digests))
		}
	}
}

// incoming is one change that another coordinator made, on its way into this store.
type incoming struct {
	engine.Task
	key    object.Key
	object *object.Object
	delta  *object.Delta
	gap    bool
}

// Run merges the change.
func (i *incoming) Run(tx *engine.Tx) {
	if i.delta != nil {
		i.gap = !tx.Apply(i.key, i.delta)
		return
	}
	tx.Merge(i.key, i.object)
}

func statuses(changes []incoming) []byte {
	out := make([]byte, len(changes))
	for i := range changes {
		switch {
		case changes[i].Err != nil:
			out[i] = replicaRefuse
		case changes[i].gap:
			out[i] = replicaGap
		}
	}
	return out
}

// replicate takes the changes of a request apart. The copy keeps a small value from holding on to the buffer of the
// whole message for as long as it stays in the hot cache.
func (w *served) replicate(request *transport.Request) error {
	r := reader{b: request.Payload}
	changes := make([]incoming, 0, 1+len(request.Payload)/128)
	for len(r.b) > 0 {
		in := incoming{key: r.key()}
		form, body := r.byte(), bytes.Clone(r.bytes())
		if r.failed {
			return ErrMalformed
		}
		var err error
		switch form {
		case formObject:
			in.object, err = object.Decode(body)
		case formDelta:
			in.delta, err = object.DecodeDelta(body)
		default:
			err = fmt.Errorf("%w: form %d", ErrMalformed, form)
		}
		if err != nil {
			return err
		}
		changes = append(changes, in)
	}
	for i := range changes {
		in := &changes[i]
		in.Slot, in.Body = in.key.Slot(), in
		w.tasks = append(w.tasks, &in.Task)
	}
	if len(changes) == 0 {
		return ErrMalformed
	}
	w.requests = append(w.requests, servedRequest{request: request, changes: changes})
	return nil
}

// digestQuery is one key that a coordinator compares.
type digestQuery struct {
	engine.Task
	key    object.Key
	theirs causal.Digest
	own    *object.Object
}

// Run notes what this store holds.
func (d *digestQuery) Run(tx *engine.Tx) { d.own = tx.Raw(d.key) }

// digests answers at once, unless changes of the same peer are still on their way into the store.
func (c *Coordinator) digests(w *served, request *transport.Request) error {
	r := reader{b: request.Payload}
	queries := make([]digestQuery, 0, 1+len(request.Payload)/24)
	for len(r.b) > 0 {
		queries = append(queries, digestQuery{key: r.key(), theirs: causal.Digest(r.uint64())})
	}
	if r.failed || len(queries) == 0 {
		return ErrMalformed
	}
	if len(w.tasks) == 0 && w.merging.Load() == 0 {
		view := c.Store.OpenView()
		defer view.Close()
		for i := range queries {
			if err := view.Run(&queries[i]); err != nil {
				return err
			}
		}
		request.Respond(StatusOK, appendDigestReplies(nil, queries))
		return nil
	}
	for i := range queries {
		q := &queries[i]
		q.Slot, q.Body = q.key.Slot(), q
		w.tasks = append(w.tasks, &q.Task)
	}
	w.requests = append(w.requests, servedRequest{request: request, digests: queries})
	return nil
}

func appendDigestReplies(b []byte, queries []digestQuery) []byte {
	b = slices.Grow(b, len(queries))
	for i := range queries {
		q := &queries[i]
		if digestOf(q.own) == q.theirs {
			b = append(b, digestSame)
			continue
		}
		own := q.own
		if own == nil {
			own = &object.Object{}
		}
		b = append(b, digestDiffer)
		b = appendBytes(b, object.Append(nil, own))
	}
	return b
}

func digestOf(o *object.Object) causal.Digest {
	if o == nil {
		return 0
	}
	return o.Context.Digest()
}

// serveRun coordinates commands that another node received. They are not sent on: of two nodes that disagree about
// the coordinator, the one asked runs the command, provided that it holds a replica.
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
		if slices.Contains(table.Primaries(command.Slot), c.Self) {
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
			out = appendOutcome(out, command)
		}
		request.Respond(StatusOK, out)
	}
	if c.Execute(mine, respond) {
		respond()
	}
	return nil
}

// AppendRun encodes commands as the payload of a KindRun request.
func AppendRun(b []byte, commands []*Command) []byte {
	for _, command := range commands {
		b = appendCommand(b, command)
	}
	return b
}

// DecodeOutcomes reads the reply to a KindRun request into its commands.
func DecodeOutcomes(payload []byte, commands []*Command) error {
	r := reader{b: payload}
	for _, command := range commands {
		r.outcome(command)
	}
	return r.err()
}
