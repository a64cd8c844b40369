package engine

import (
	"github.com/kindredkv/kindred/engine/backlog"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// Tx is the view that one task has of the keys of one slot. What it edits becomes visible to others, all at once, when
// the task's batch is committed. It is valid only during the task's Run.
type Tx struct {
	source source
	now    int64
	write  bool
	failed error
	// walked counts the rows of large collections that the body has walked over, and patience bounds them.
	walked, patience int
	alone            *alone // nil in most bodies
	edits            []keyEdit
	merged           []merged
	applied          []backlog.Entry // the deltas in merged
	hints            []keyHint
	spare            []*object.Edit // for reuse
}

// source is where a Tx finds objects: the applier's uncommitted batch over the store, or the store alone.
type source interface {
	load(key object.Key) (*object.Object, error)
	whole(key object.Key) (*object.Object, error)
	mint(base *object.Object) (causal.Dot, error)
	observe(t causal.Time) error
	settle(o *object.Object) *object.Object
	hint(key object.Key) (*Hint, error)
	hintRoom() int64 // bytes
}

type keyEdit struct {
	key  object.Key
	edit *object.Edit
}

type merged struct {
	key    object.Key
	object *object.Object
}

// ReadOnly reports whether the task edits nothing. Strings of what it reads outlive it then.
func (tx *Tx) ReadOnly() bool { return !tx.write }

// StandsIn reports whether the transaction runs on what this store keeps for others: Task.StandsFor.
func (tx *Tx) StandsIn() bool {
	_, ok := tx.source.(*standIn)
	return ok
}

// Now is the Unix millisecond that the task runs at: one reading for the whole task, by which keys expire.
func (tx *Tx) Now() int64 { return tx.now }

// Object is what a client sees of the key: nil when it does not exist, was removed, or has expired. Edits that this
// task made before are included.
func (tx *Tx) Object(key object.Key) *object.Object { return tx.Shown(tx.Raw(key)) }

// Shown is what a client sees of an object that Raw gave. Who needs both reads once: in a view the key may change between
// two reads.
func (tx *Tx) Shown(o *object.Object) *object.Object {
	if o == nil || o.Tombstone() || o.Expired(tx.now) {
		return nil
	}
	if o = kind.Shown(o, tx.now); o.Tombstone() {
		return nil
	}
	return o
}

// Expired reports whether the key's deadline has passed and nobody has removed it yet.
func (tx *Tx) Expired(key object.Key) bool {
	o := tx.Raw(key)
	return o != nil && o.Expired(tx.now)
}

// Raw is what this store knows of the key, tombstones and expired objects included; nil when it knows nothing.
func (tx *Tx) Raw(key object.Key) *object.Object {
	if e := tx.find(key); e != nil {
		return e.Object()
	}
	for i := range tx.merged {
		if tx.merged[i].key == key {
			return known(tx.merged[i].object)
		}
	}
	o, err := tx.source.load(key)
	if err != nil {
		tx.fail(err)
		return nil
	}
	return known(o)
}

// Whole is Object with all cells, as of one moment. An object that is too large for that fails the task with ErrTooLarge.
func (tx *Tx) Whole(key object.Key) *object.Object {
	o := tx.Object(key)
	if o == nil || o.Kept == nil {
		return o
	}
	if tx.find(key) == nil {
		var err error
		if o, err = tx.source.whole(key); err != nil {
			tx.fail(err)
			return nil
		}
	}
	return tx.Shown(o.Whole())
}

// Encoding is that of what this store knows of the key, which must be something. An object that is too large for a message
// fails the task with ErrTooLarge.
func (tx *Tx) Encoding(key object.Key) []byte {
	o := tx.Raw(key)
	if o.Kept != nil {
		var err error
		if o, err = tx.source.whole(key); err != nil {
			tx.fail(err)
			return nil
		}
	}
	return object.Append(nil, o)
}

// known is nil for the empty object, which stands for a key that was forgotten.
func known(o *object.Object) *object.Object {
	if o != nil && len(o.Context) == 0 {
		return nil
	}
	return o
}

// Edit begins the change of a key, or goes on with the one that this task began: a task makes at most one dot a key. A
// key that has expired begins empty, and so does one whose fields all have. Every call must be followed by at least one change.
func (tx *Tx) Edit(key object.Key) *object.Edit {
	if !tx.write {
		panic("engine: edit in a read-only task")
	}
	if e := tx.find(key); e != nil {
		return e
	}
	base := tx.Raw(key)
	dot, err := tx.source.mint(base)
	if err != nil {
		tx.fail(err)
	}
	e := tx.newEdit()
	e.Reset(base, dot)
	if base != nil && !base.Tombstone() && tx.Shown(base) == nil {
		kind.Clear(e)
	}
	tx.edits = append(tx.edits, keyEdit{key, e})
	return e
}

// Edited is the change of a key that the task has begun, nil when it has begun none.
func (tx *Tx) Edited(key object.Key) *object.Edit { return tx.find(key) }

// newEdit takes an edit from those of earlier tasks.
func (tx *Tx) newEdit() *object.Edit {
	if n := len(tx.spare); n > 0 {
		e := tx.spare[n-1]
		tx.spare = tx.spare[:n-1]
		return e
	}
	return &object.Edit{}
}

// reset makes tx that of another task.
func (tx *Tx) reset(source source, now int64) {
	for i := range tx.edits {
		if len(tx.spare) < maxSpareEdits {
			tx.spare = append(tx.spare, tx.edits[i].edit)
		}
	}
	clear(tx.edits)
	clear(tx.merged)
	clear(tx.hints)
	clear(tx.applied)
	tx.applied = tx.applied[:0]
	tx.edits, tx.merged, tx.hints = tx.edits[:0], tx.merged[:0], tx.hints[:0]
	tx.source, tx.now, tx.write, tx.failed = source, now, true, nil
}

const maxSpareEdits = 16

// Observe moves the store's clock past a context that a client has brought along, so that what the task writes after it
// is newer. It fails with causal.ErrDrift when the context covers times that cannot have been yet.
func (tx *Tx) Observe(c causal.Context) error { return tx.source.observe(c.Newest()) }

func (tx *Tx) find(key object.Key) *object.Edit {
	for i := range tx.edits {
		if tx.edits[i].key == key {
			return tx.edits[i].edit
		}
	}
	return nil
}

// fail records the first error of the store. The task's edits are dropped and its submitter gets the error.
func (tx *Tx) fail(err error) {
	if tx.failed == nil {
		tx.failed = err
	}
}
