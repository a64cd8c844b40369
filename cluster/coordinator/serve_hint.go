package coordinator

import (
	"fmt"
	"slices"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// keeping is one change that this node is to keep for owners.
type keeping struct {
	engine.Task
	key     object.Key
	owners  []engine.Owner
	object  *object.Object
	primary bool // this node is a primary of the slot itself: what it gets is its own
	full    bool
}

// Run keeps the change.
func (k *keeping) Run(tx *engine.Tx) {
	if k.primary {
		tx.Merge(k.key, k.object)
		return
	}
	k.full = !tx.KeepHint(k.key, k.owners, k.object)
}

func (k *keeping) status() byte {
	switch {
	case k.Err != nil:
		return replicaRefuse
	case k.full:
		return replicaFull
	default:
		return replicaHas
	}
}

// serveHint keeps the changes of a request as hints.
func (c *Coordinator) serveHint(request *transport.Request) error {
	all, err := decodeHints(request.Payload)
	if err != nil {
		return err
	}
	table := c.Ring()
	tasks := make([]*engine.Task, len(all))
	for i, k := range all {
		k.Slot, k.Body = k.key.Slot(), k
		k.primary = slices.Contains(table.Primaries(k.Slot), c.Self)
		tasks[i] = &k.Task
	}
	respond := func() {
		reply := make([]byte, len(all))
		for i, k := range all {
			if reply[i] = k.status(); reply[i] == replicaFull {
				c.Stats.HintsDropped.Add(1)
			}
		}
		c.respond(request, StatusOK, reply)
	}
	if c.Store.Do(tasks, respond) {
		respond()
	}
	return nil
}

// A hint request is a list of changes: key, owners, and the whole object.
func (m *message) hint(key object.Key, owners []ring.NodeID, encoding []byte) {
	m.b = append(appendKey(m.b, key), byte(len(owners)))
	for _, id := range owners {
		m.b = appendBytes(m.b, []byte(id))
	}
	m.bytes(encoding)
}

func decodeHints(b []byte) (all []*keeping, err error) {
	r := reader{b: b}
	for len(r.b) > 0 {
		k, err := r.keeping()
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	if len(all) == 0 {
		return nil, ErrMalformed
	}
	return all, nil
}

// keeping reads one change to be kept.
func (r *reader) keeping() (*keeping, error) {
	k := &keeping{key: r.key()}
	n := int(r.byte())
	if r.failed || n == 0 {
		return nil, ErrMalformed
	}
	for range n {
		id, err := ring.ParseNodeID(string(r.bytes()))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		k.owners = append(k.owners, engine.Owner(id))
	}
	encoding := r.bytes()
	if r.failed {
		return nil, ErrMalformed
	}
	var err error
	if k.object, err = object.Decode(encoding); err == nil && len(k.object.Context) == 0 {
		err = fmt.Errorf("%w: a hint of nothing", ErrMalformed)
	}
	return k, err
}

// serveHintDigest compares the hints that this node keeps with what the coordinator holds. The reply is that of a digest
// request, with nothing for an object where there is no hint. The work is the applier's, so that hints which came before are
// seen.
func (c *Coordinator) serveHintDigest(request *transport.Request) error {
	all, err := decodeHintQueries(request.Payload)
	if err != nil {
		return err
	}
	tasks := make([]*engine.Task, len(all))
	for i, q := range all {
		q.Slot, q.Body = q.key.Slot(), q
		tasks[i] = &q.Task
	}
	respond := func() {
		var reply []byte
		for _, q := range all {
			if q.same {
				reply = append(reply, digestSame)
			} else {
				reply = appendBytes(append(reply, digestDiffer), q.hint)
			}
		}
		c.respond(request, StatusOK, reply)
	}
	if c.Store.Do(tasks, respond) {
		respond()
	}
	return nil
}

func decodeHintQueries(b []byte) (all []*hintQuery, err error) {
	r := reader{b: b}
	for len(r.b) > 0 {
		all = append(all, &hintQuery{key: r.key(), theirs: r.uint64()})
	}
	if r.failed || len(all) == 0 {
		return nil, ErrMalformed
	}
	return all, nil
}

// hintQuery is one key that a coordinator asks a fallback for.
type hintQuery struct {
	engine.Task
	key    object.Key
	theirs uint64
	same   bool
	hint   []byte // the encoding of what this node keeps, when that is something else; empty for nothing
}

// Run notes what this node keeps.
func (q *hintQuery) Run(tx *engine.Tx) {
	h := tx.Hint(q.key)
	switch {
	case h == nil:
	case uint64(h.Object.Context.Digest()) == q.theirs:
		q.same = true
	default:
		q.hint = object.Append(nil, h.Object)
	}
}
