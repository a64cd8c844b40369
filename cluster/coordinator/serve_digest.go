package coordinator

import (
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// digestQuery is one key that a coordinator compares.
type digestQuery struct {
	engine.Task
	key    object.Key
	theirs causal.Digest
	own    []byte // the encoding of what this store holds, when that is something else
	seen   bool   // own is a context: the object is large
}

// Run notes what this store holds.
func (d *digestQuery) Run(tx *engine.Tx) {
	o := tx.Raw(d.key)
	switch {
	case o == nil && d.theirs == 0, o != nil && o.Context.Digest() == d.theirs:
	case o == nil:
		d.own = object.Append(nil, &object.Object{})
	default:
		d.note(o)
	}
}

func (d *digestQuery) note(o *object.Object) {
	if o.Kept != nil || o.Size() > largeObject {
		d.own, d.seen = causal.AppendContext(nil, o.Context), true
		return
	}
	d.own = object.Append(nil, o)
}

func (d *digestQuery) appendReply(b []byte) []byte {
	switch {
	case d.own == nil:
		return append(b, digestSame)
	case d.seen:
		return appendBytes(append(b, digestSeen), d.own)
	default:
		return appendBytes(append(b, digestDiffer), d.own)
	}
}

// digest takes the keys of a request apart.
func (w *served) digest(request *transport.Request) error {
	r := reader{b: request.Payload}
	from := len(w.queries)
	for len(r.b) > 0 {
		w.queries = append(w.queries, digestQuery{key: r.key(), theirs: causal.Digest(r.uint64())})
	}
	if r.failed || len(w.queries) == from {
		w.queries = w.queries[:from]
		return ErrMalformed
	}
	w.requests = append(w.requests, servedRequest{request, from, len(w.queries)})
	return nil
}

// compare answers digests from a view.
func (w *served) compare() {
	if len(w.queries) == 0 {
		return
	}
	view := w.c.Store.OpenView()
	defer view.Close()
	for i := range w.queries {
		view.Expect(w.queries[i].key)
	}
	view.Look()
	for _, r := range w.requests {
		w.reply = w.reply[:0]
		status := StatusOK
		for j := r.from; j < r.to; j++ {
			if q := &w.queries[j]; view.Digest(j) != q.theirs {
				o, err := view.Object(j)
				if err != nil {
					status = StatusRefused // what is held is not known
				} else {
					q.note(o)
				}
			}
			w.reply = w.queries[j].appendReply(w.reply)
		}
		w.c.respond(r.request, status, w.reply)
		w.sent()
	}
}

// wholesAtOnce is how many whole objects are read for others at a time. Each may take as much memory as a message can hold.
const wholesAtOnce = 2

// serveFetch answers with what this store holds of the keys of a request, beyond what the asker has seen. Reading it may take long, so it is
// done by a goroutine of its own.
func (c *Coordinator) serveFetch(request *transport.Request) error {
	type item struct {
		key  object.Key
		seen causal.Context
	}
	r := reader{b: request.Payload}
	var items []item
	for len(r.b) > 0 {
		i := item{key: r.key()}
		var err error
		if i.seen, err = decodeContext(r.bytes()); err != nil || r.failed {
			return ErrMalformed
		}
		items = append(items, i)
	}
	if len(items) == 0 {
		return ErrMalformed
	}
	go func() {
		var reply []byte
		for _, i := range items {
			var err error
			if reply, err = c.appendFetched(reply, i.key, i.seen); err != nil {
				c.Logger.Warn("a coordinator cannot be given an object", "error", err)
				request.Respond(StatusRefused)
				return
			}
		}
		c.respond(request, StatusOK, reply)
	}()
	return nil
}

// appendFetched appends the answer about one key. Who has seen nothing gets an object.
func (c *Coordinator) appendFetched(b []byte, key object.Key, seen causal.Context) ([]byte, error) {
	own, err := c.Store.Get(key)
	if err != nil {
		return nil, err
	}
	if own == nil || seen.CoversAll(own.Context) {
		if len(seen) == 0 {
			return appendBytes(append(b, digestDiffer), object.Append(nil, &object.Object{})), nil
		}
		return append(b, digestSame), nil
	}
	if len(seen) > 0 {
		if deltas, ok := c.Store.DeltasSince(key, seen, deltasBytes); ok {
			size := 0
			for _, d := range deltas {
				size += len(d)
			}
			c.Stats.CaughtUp.Add(uint64(len(deltas)))
			return appendBytes(append(b, digestDeltas), appendDeltas(nil, deltas, size >= deltasBytes)), nil
		}
	}
	c.wholes <- struct{}{}
	defer func() { <-c.wholes }()
	encoding, err := c.Store.WholeEncoding(key)
	if err != nil {
		return nil, err
	}
	if own.Kept != nil {
		c.Stats.Refills.Add(1)
	}
	return appendBytes(append(b, digestDiffer), encoding), nil
}
