package engine

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/backlog"
	"github.com/kindredkv/kindred/engine/cache"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// shard is one applier: it alone changes the keys of its slots.
//
// There is no goroutine of its own behind it. Whoever submits to an idle shard becomes its drainer and runs the queue
// until it is empty, the tasks of others included; whoever submits to a busy one leaves the tasks there. A lone
// writer thus pays for no hand-over, and many writers share batches. After drainRounds the rest of the queue
// moves to a goroutine, so that no submitter works for the others for long, and so does a queue with a large task.
type shard struct {
	store *Store

	mu        sync.Mutex // guards the eight below
	queue     []*Task
	spare     []*Task // an empty queue for the next swap
	fills     []fill
	runOffers []runOffer
	controls  []func()
	draining  bool
	heavy     bool // a task of queue is Large
	dead      bool // the store failed while this shard was at work; nothing runs any more

	committed atomic.Uint64 // the last batch that readers can see

	// The rest belongs to the drainer.
	tx        Tx
	cache     *cache.Writer
	summaries summaries
	batch     *pebble.Batch
	rooms     rooms[object.Room]
	keptRooms rooms[object.KeptRoom]
	hints     shardHints
	pending   map[object.Key]*pendingKey
	order     []*pendingKey
	free      []*pendingKey
	changes   []change
	woken     []object.Key         // watched keys that the batch has changed
	lastWrite [writeClasses]uint64 // the last batch that wrote a key of each class
	key, row  []byte               // reused, as is cellKey
	cellKey   []byte
	seen      seenMaps
	points    *pebble.Iterator // for rows of cells, by name
	rows      *pebble.Iterator // for walks over them
	runs      shardRuns
	deltas    []backlog.Entry // of the batch, for backlog
	backlog   *backlog.Log
	reading   readRuns
	ranks     shardRanks
	sink      byte
}

const (
	drainRounds = 8
	maxBatch    = 1024 // tasks in one batch
)

func newShard(s *Store, index int) *shard {
	n := s.options.Shards
	// The slots of shard i are those with slot·n/Slots = i.
	first, end := (index*object.Slots+n-1)/n, ((index+1)*object.Slots+n-1)/n
	return &shard{
		store:     s,
		cache:     s.cache.NewWriter(),
		pending:   map[object.Key]*pendingKey{},
		backlog:   backlog.New(0),
		summaries: summaries{shard: index, first: first, end: end, turn: first, turnWorth: turnWorth},
	}
}

// submit queues tasks and, if nobody else does, runs them.
func (sh *shard) submit(tasks ...*Task) {
	sh.mu.Lock()
	if sh.dead {
		sh.mu.Unlock()
		refuse(tasks)
		return
	}
	sh.queue = append(sh.queue, tasks...)
	for _, t := range tasks {
		sh.heavy = sh.heavy || t.Large
	}
	if sh.draining || sh.store.held.Load() > 0 {
		sh.mu.Unlock()
		return
	}
	sh.draining = true
	sh.mu.Unlock()
	sh.drain(drainRounds)
}

// release runs what was queued while the store was held, unless somebody else is at it.
func (sh *shard) release() {
	sh.mu.Lock()
	idle := len(sh.queue) == 0 || sh.draining || sh.dead
	if !idle {
		sh.draining = true
	}
	sh.mu.Unlock()
	if !idle {
		sh.drain(drainRounds)
	}
}

// drain runs queued tasks, batch by batch, until none are left or the rounds are used up.
func (sh *shard) drain(rounds int) {
	returned := false
	defer func() {
		if !returned {
			sh.die()
		}
	}()
	for ; ; rounds-- {
		sh.mu.Lock()
		if len(sh.queue)+len(sh.controls)+len(sh.fills)+len(sh.runOffers) == 0 {
			sh.draining = false
			sh.mu.Unlock()
			returned = true
			return
		}
		if rounds == 0 || rounds > 0 && sh.heavy {
			sh.mu.Unlock()
			returned = true
			go sh.drain(-1)
			return
		}
		tasks, fills, offers, controls := sh.queue, sh.fills, sh.runOffers, sh.controls
		sh.queue, sh.spare = sh.spare[:0], nil
		sh.fills, sh.runOffers, sh.controls, sh.heavy = nil, nil, nil, false
		sh.mu.Unlock()

		sh.takeFills(fills)
		sh.takeRuns(offers)
		for rest := tasks; len(rest) > 0; {
			n := min(len(rest), maxBatch)
			sh.runBatch(rest[:n])
			rest = rest[n:]
		}
		for _, f := range controls {
			f()
		}
		clear(tasks)
		sh.mu.Lock()
		sh.spare = tasks[:0]
		sh.mu.Unlock()
	}
}

// runBatch runs tasks one after the other, commits what they changed at once, and only then lets anybody see it.
func (sh *shard) runBatch(tasks []*Task) {
	unfinished := tasks
	defer func() {
		sh.closeRows()
		refuse(unfinished)
	}()
	now := sh.store.options.Now().UnixMilli()
	if len(tasks) >= worthGathering {
		sh.expect(tasks)
	}
	for _, t := range tasks {
		sh.runTask(t, now)
	}
	err := sh.commit()
	if err != nil {
		sh.store.fatal(fmt.Errorf("write: %w", err))
	}
	for _, t := range tasks {
		if err != nil && t.Err == nil {
			t.Err, t.Changes = err, nil
		}
		for i := range t.Changes {
			t.Changes[i].settle()
		}
	}
	sh.forget()
	sh.closeRows()
	if len(sh.woken) > 0 {
		sh.tellWatcher()
	}
	for _, t := range tasks {
		unfinished = unfinished[1:]
		t.finish()
	}
}

// die ends the shard: storage failed in a way that does not return to the caller, and the drainer is going down.
func (sh *shard) die() {
	sh.mu.Lock()
	sh.dead = true
	tasks, controls := sh.queue, sh.controls
	sh.queue, sh.controls, sh.fills, sh.runOffers = nil, nil, nil, nil
	sh.mu.Unlock()
	refuse(tasks)
	for _, f := range controls {
		f()
	}
}

func (sh *shard) runTask(t *Task, now int64) {
	tx := &sh.tx
	tx.reset(sh, now)
	if t.StandsFor != nil {
		tx.source = (*standIn)(sh)
	}
	t.Changes = t.room[:0]
	t.Err = runBody(t.Body, tx)
	if t.Err == nil {
		t.Err = tx.failed
	} else {
		sh.store.options.Logger.Error("a task failed", "error", t.Err)
	}
	if t.Err != nil {
		return
	}
	if len(tx.hints) > 0 || t.StandsFor != nil {
		if sh.takeHints(t); t.StandsFor != nil {
			return
		}
	}
	for i := range tx.edits {
		e := &tx.edits[i]
		var o *object.Object
		var room *object.KeptRoom
		if e.edit.InRows() {
			room = sh.keptRooms.next()
			o = e.edit.ResultInRows(room)
		} else {
			o = e.edit.ResultIn(sh.rooms.next())
		}
		o = sh.settle(o)
		c := Change{Key: e.key, edited: true}
		if o.Kept != nil || len(o.Cells) > sh.store.options.WholeCells {
			c.Delta = e.edit.AppendDelta(nil, o)
			if o.Kept != nil && sh.store.backlogBytes.Load() > 0 {
				sh.deltas = append(sh.deltas, backlog.Entry{Key: e.key, Dot: e.edit.Dot(), Delta: c.Delta})
			}
		}
		c.pending = sh.put(e.key, o, room)
		t.Changes = append(t.Changes, c)
	}
	for _, m := range tx.merged {
		t.Changes = append(t.Changes, Change{Key: m.key, pending: sh.put(m.key, m.object, nil)})
	}
	if sh.store.backlogBytes.Load() > 0 {
		sh.deltas = append(sh.deltas, tx.applied...)
	}
}

// ErrPanic says that a task's body panicked. It is a fault of this software; the task changed nothing.
var ErrPanic = errors.New("internal error")

func runBody(body Body, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, p, debug.Stack())
		}
	}()
	body.Run(tx)
	return nil
}

// load returns the object as the tasks before left it. It is the Tx's source within the applier.
func (sh *shard) load(key object.Key) (*object.Object, error) {
	p, err := sh.find(key)
	if err != nil {
		return nil, err
	}
	return p.object, nil
}

// put stages the key's new object. The key has been loaded before. room is where the object lives when its cells are in rows, nil
// when it lives elsewhere.
func (sh *shard) put(key object.Key, o *object.Object, room *object.KeptRoom) *pendingKey {
	p := sh.pending[key]
	p.object, p.changed = sh.keep(p, o, room), true
	return p
}

// mint makes the dot of a change to base. It is the Tx's source within the applier.
func (sh *shard) mint(base *object.Object) (causal.Dot, error) { return sh.store.mint(base) }

// commit writes the batch, then publishes it to readers.
func (sh *shard) commit() error {
	sh.changes = sh.changes[:0]
	for _, p := range sh.order {
		if p.changed {
			p.digest = p.object.Context.Digest()
			sh.changes = append(sh.changes, changeOf(p))
		}
	}
	var err error
	if len(sh.changes)+len(sh.hints.changed) > 0 {
		seq := sh.store.sequence.Add(1)
		mutant.Reach(mutant.BeforeCommit, uint64(sh.store.node))
		sh.reading.hide(sh.order)
		if err = sh.withRanks(func() error { return sh.write(seq) }); err == nil {
			mutant.Reach(mutant.AfterCommit, uint64(sh.store.node))
			sh.summaries.publish(seq, sh.changes)
			if len(sh.hints.changed) > 0 {
				sh.publishHints(seq)
			}
			sh.committed.Store(seq)
			sh.logDeltas()
			sh.store.written()
			if sh.store.watched.count.Load() > 0 {
				sh.noteWatched()
			}
			if sh.store.inMemory() {
				sh.weigh()
			}
		}
	}
	if len(sh.changes) == 0 {
		err = sh.withRanks(func() error { return err })
	}
	if err == nil {
		sh.fillCache()
		sh.drop()
	}
	return err
}

// drop has the generations dropped that the batch has cleared.
func (sh *shard) drop() {
	for _, p := range sh.order {
		if len(p.dropped) > 0 {
			notify(sh.store.drops)
			return
		}
	}
}

// forget ends the batch: its keys, and the objects that were decoded or made for it.
func (sh *shard) forget() {
	clear(sh.pending)
	for _, p := range sh.order {
		if p.rows != nil {
			sh.seen.give(p.rows.seen)
		}
		*p = pendingKey{}
		if len(sh.free) < maxBatch {
			sh.free = append(sh.free, p)
		}
	}
	sh.order = sh.order[:0]
	clear(sh.deltas)
	sh.deltas = sh.deltas[:0]
	sh.rooms.clear()
	sh.keptRooms.clear()
	sh.forgetHints()
}

func (sh *shard) write(seq uint64) error {
	b, err := sh.emptyBatch()
	if err != nil {
		return err
	}
	for _, p := range sh.order {
		if !p.changed {
			continue
		}
		sh.key = appendRowKey(sh.key[:0], p.key)
		sh.lastWrite[writeClass(p.key)] = seq
		if err := sh.stageDue(b, p); err != nil {
			return err
		}
		if err := p.stageCells(b); err != nil {
			return err
		}
		if known(p.object) == nil {
			p.record = absent(p.key)
			if err := b.Delete(sh.key, nil); err != nil {
				return err
			}
			continue
		}
		if p.record.Digest() == 0 {
			sh.store.present.added(p.key)
		}
		if size := largeRow(p.object); size > 0 {
			p.record = cache.MakeRecord(p.key, p.digest, size, func(b []byte) []byte { return appendRow(b, sh.store.epoch, p.object) })
		} else {
			sh.row = appendRow(sh.row[:0], sh.store.epoch, p.object)
			p.record = cache.NewRecord(p.key, p.digest, sh.row)
			if cap(sh.row) > maxKeptBatch {
				sh.row = nil
			}
		}
		if err := setRow(b, sh.key, p.record.Row()); err != nil {
			return err
		}
	}
	if err := sh.writeHints(b); err != nil {
		return err
	}
	if len(sh.changes) > 0 {
		if err := sh.summaries.stage(b, seq, sh.changes); err != nil {
			return err
		}
	}
	if err := sh.store.apply(b); err != nil {
		return err
	}
	if b.Len() > maxKeptBatch {
		err := b.Close()
		sh.batch = nil
		return err
	}
	b.Reset()
	return nil
}

// maxKeptBatch is the size above which the buffer of a batch, or of a row, is given back rather than kept for the next.
const maxKeptBatch = 1 << 20

// fillCache gives the hot cache what the batch changed, and what it had to read from the store.
func (sh *shard) fillCache() {
	for _, p := range sh.order {
		if p.changed || p.loaded {
			sh.cache.Put(p.key, p.entry, p.record)
		}
		if p.rows != nil {
			p.rows.fillCells(sh.committed.Load())
		}
		sh.runs.follow(p)
		sh.reading.follow(p, sh.store.readRunBytes())
	}
	if sh.cache.Unsettled() {
		sh.store.unsettled()
	}
}
