package engine

import (
	"errors"
	"sync"

	"github.com/kindredkv/kindred/engine/cache"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// View runs bodies that only read, on the caller's goroutine, beside the appliers. It sees what has been committed, and
// all bodies at one reading of the clock. A view of several keys is no snapshot: for that, Do it.
type View struct {
	store *Store
	tx    Tx
	ahead ahead
	rooms rooms[object.Room]
}

// View runs one body in a view, however many rows it walks over.
func (s *Store) View(body Body) error {
	v := s.OpenView()
	defer v.Close()
	v.tx.patience = boundlessPatience
	return v.Run(body)
}

// OpenView returns a view, to be closed after use.
func (s *Store) OpenView() *View {
	v := s.views.Get().(*View)
	v.tx.reset(v, s.options.Now().UnixMilli())
	v.tx.write = false
	v.tx.patience = patience
	return v
}

// Run runs a body.
func (v *View) Run(body Body) error {
	v.tx.failed, v.tx.walked = nil, 0
	if err := runBody(body, &v.tx); err != nil {
		v.store.options.Logger.Error("a view failed", "error", err)
		return err
	}
	return v.tx.failed
}

// Close gives the view back.
func (v *View) Close() {
	v.ahead.clear()
	v.rooms.clear()
	v.store.views.Put(v)
}

// load makes the view a source for its Tx. It never mints, for a view edits nothing.
func (v *View) load(key object.Key) (*object.Object, error) {
	if v.tx.alone != nil {
		return v.tx.alone.load(key)
	}
	r, err := v.record(key)
	if err != nil {
		return nil, err
	}
	o, err := v.store.decodeIn(r, v.rooms.next())
	if err != nil || o == nil || o.Kept == nil {
		return o, err // without a value of a method, which is an allocation
	}
	return v.store.attach(key, o, r, &v.tx), nil
}

// whole is the key's object with all its cells, as of one moment.
func (v *View) whole(key object.Key) (*object.Object, error) { return v.store.Whole(key) }

func (v *View) record(key object.Key) (cache.Record, error) {
	if r := v.ahead.take(key); r != nil {
		return r, nil
	}
	return v.store.load(key)
}

// Expect names a key that the view is to look up with others: see Look.
func (v *View) Expect(key object.Key) { v.ahead.add(v.store.cache, key) }

// Expected is how many keys have been named so far.
func (v *View) Expected() int { return len(v.ahead.found) }

// Look looks up all the keys that have been named, together. Bodies that then read them, in the same order, find what was
// found here, however much later. A key that could not be read fails the body that reads it.
func (v *View) Look() {
	v.ahead.look()
	for i := range v.ahead.found {
		if f := &v.ahead.found[i]; f.record == nil {
			f.record, _ = v.store.load(f.key)
		}
	}
}

// Digest is that of the i-th key that was looked up.
func (v *View) Digest(i int) causal.Digest {
	if r := v.ahead.found[i].record; r != nil {
		return r.Digest()
	}
	return 0
}

// Object is what the i-th key was found to hold, the empty object for nothing. Its cells in rows are not to be read.
func (v *View) Object(i int) (*object.Object, error) {
	r := v.ahead.found[i].record
	if r == nil {
		return nil, errNotRead
	}
	o, err := v.store.decode(r)
	if o == nil && err == nil {
		o = &object.Object{}
	}
	return o, err
}

// errNotRead says that a key could not be read when it was looked up.
var errNotRead = errors.New("the key could not be read")

// Read runs the bodies of tasks that only read, at the present time. It is Store.Read for whoever has a view.
func (v *View) Read(tasks []*Task, done func()) bool {
	v.tx.now = v.store.options.Now().UnixMilli()
	return v.run(tasks, done)
}

func (v *View) mint(base *object.Object) (causal.Dot, error) { return v.store.mint(base) }
func (v *View) observe(t causal.Time) error                  { return v.store.observe(t) }
func (v *View) settle(o *object.Object) *object.Object       { return v.store.settle(o) }
func (v *View) hintRoom() int64                              { return 0 }

func (v *View) hint(key object.Key) (*Hint, error) {
	row, err := v.store.readHint(key)
	if row == nil || err != nil {
		return nil, err
	}
	return decodeHint(row, v.store.epoch)
}

// Read is Do for tasks that only read: they run in a view, and see the clock at one time. While the store is held, a few
// wait for others to be looked up with; many are enough by themselves, and do better at once, while what was received is
// still near the processor.
func (s *Store) Read(tasks []*Task, done func()) bool {
	r := read{tasks, done}
	if len(tasks) < worthGathering && s.held.Load() > 0 && s.waiting.add(r, s) {
		return false
	}
	v := s.OpenView()
	defer v.Close()
	if len(tasks) > 1 {
		v.expect([]read{r})
	}
	return v.run(tasks, done)
}

// run runs the bodies of tasks. It returns false when some walk far: they run again elsewhere, and done is called after that.
func (v *View) run(tasks []*Task, done func()) bool {
	var long []*Task
	for _, t := range tasks {
		if t.Err = v.Run(t.Body); t.Err == errLong {
			long = append(long, t)
		}
	}
	if len(long) > 0 {
		v.store.runLong(long, done)
	}
	return len(long) == 0
}

// read is the tasks of one Read.
type read struct {
	tasks []*Task
	done  func()
}

// waitingReads are those that came while the store was held.
type waitingReads struct {
	mu    sync.Mutex // guards both below
	queue []read
	spare []read
}

// add queues a read, unless the store is no longer held. As for a shard, that is looked at under the lock.
func (w *waitingReads) add(r read, s *Store) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.held.Load() == 0 {
		return false
	}
	w.queue = append(w.queue, r)
	return true
}

func (w *waitingReads) take() []read {
	w.mu.Lock()
	defer w.mu.Unlock()
	reads := w.queue
	w.queue, w.spare = w.spare[:0], nil
	return reads
}

func (w *waitingReads) giveBack(reads []read) {
	clear(reads)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spare = reads[:0]
}

// releaseReads runs the reads that wait, after it has looked up all their keys.
func (s *Store) releaseReads() {
	reads := s.waiting.take()
	if len(reads) > 0 {
		v := s.OpenView()
		v.expect(reads)
		for _, r := range reads {
			if v.run(r.tasks, r.done) {
				r.done()
			}
		}
		v.Close()
	}
	s.waiting.giveBack(reads)
}

// expect looks up the keys of tasks that the view is about to run. What they find may be as old as this call.
func (v *View) expect(reads []read) {
	a := &v.ahead
	a.clear()
	for _, r := range reads {
		for _, t := range r.tasks {
			if body, ok := t.Body.(Keyed); ok {
				for key := range body.Keys {
					a.add(v.store.cache, key)
				}
			}
		}
	}
	a.look()
}
