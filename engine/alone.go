package engine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/engine/rank"
)

// alone is what a body has that runs by itself, on a goroutine of its own, and may take as long as it likes: it sees each object as of
// one moment, so it may walk over one twice and find the same; and it may have its task end before it does, so that what it
// found first is on its way while it looks for more.
type alone struct {
	store   *Store
	tx      *Tx
	moments map[object.Key]*moment
	// answered ends the task. It is nil when that has been done.
	answered func()
}

// Alone reports whether the body runs by itself.
func (tx *Tx) Alone() bool { return tx.alone != nil }

// Answered ends the task, without an error, while its body goes on. The task must not be touched from then on.
func (tx *Tx) Answered() {
	if answered := tx.alone.answered; answered != nil {
		tx.alone.answered = nil
		go answered()
	}
}

// Wait calls a function that waits, for somebody to take what the body has found. Others may run meanwhile. stop is closed
// when the store is.
func (tx *Tx) Wait(wait func(stop <-chan struct{})) {
	s := tx.alone.store
	<-s.long
	wait(s.stop)
	s.long <- struct{}{}
}

// Abandon ends the walks of the body: nobody wants what it would find.
func (tx *Tx) Abandon() { tx.fail(errAbandoned) }

// Failed is why not all could be read.
func (tx *Tx) Failed() error { return tx.failed }

var errAbandoned = errors.New("abandoned")

// runAlone runs the body of a task that was stopped. done is called when the task has ended, which may be before the body does.
func (s *Store) runAlone(t *Task, done func()) {
	s.long <- struct{}{}
	v := s.OpenView()
	v.tx.patience = boundlessPatience
	a := &alone{store: s, tx: &v.tx, moments: map[object.Key]*moment{}, answered: done}
	v.tx.alone = a
	err := v.Run(t.Body)
	a.close()
	v.tx.alone = nil
	v.Close()
	<-s.long
	if a.answered != nil {
		t.Err = err
		done()
	}
}

func (a *alone) load(key object.Key) (*object.Object, error) {
	m := a.moments[key]
	if m == nil {
		m = &moment{}
		a.moments[key] = m
		if err := m.open(a, key); err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
	}
	return m.object, nil
}

func (a *alone) close() {
	for _, m := range a.moments {
		if err := m.close(); err != nil {
			a.tx.fail(fmt.Errorf("read: %w", err))
		}
	}
}

// moment is an object as of one moment.
type moment struct {
	key    object.Key
	object *object.Object
	iter   *pebble.Iterator // over all rows; nil when none is needed
	points *pebble.Iterator // for single rows, once somebody asks for one
	widths map[object.Kind]*rank.Widths
}

// open reads the object. Counts for ranks are replaced under the lock, so those found are of the same moment as the iterator.
func (m *moment) open(a *alone, key object.Key) (err error) {
	m.key = key
	held := &a.store.shard(key.Slot()).ranks
	held.mu.RLock()
	defer held.mu.RUnlock()
	if m.iter, err = a.store.db.NewIter(nil); err != nil {
		return err
	}
	row := appendRowKey(nil, key)
	if !m.iter.SeekGE(row) || !bytes.Equal(m.iter.Key(), row) {
		return m.iter.Error()
	}
	value, err := m.iter.ValueAndErr()
	if err != nil {
		return err
	}
	if m.object, err = decodeRow(bytes.Clone(value), a.store.epoch, nil); err != nil || m.object.Kept == nil {
		return err
	}
	at := m.object.Kept.Generation
	for _, k := range []object.Kind{object.List, object.ZSet} {
		if w := held.find(rankKey{at, k}); w != nil {
			if m.widths == nil {
				m.widths = map[object.Kind]*rank.Widths{}
			}
			m.widths[k] = w
		}
	}
	m.object.Kept.Rows = momentRows{sameMoment{m.iter, generation{key.Slot(), at}, a.tx.fail}, m, a.tx}
	return nil
}

func (m *moment) close() (err error) {
	for _, iter := range []*pebble.Iterator{m.iter, m.points} {
		if iter != nil {
			err = errors.Join(err, iter.Close())
		}
	}
	return err
}

// momentRows are the cells of an object as of one moment.
type momentRows struct {
	sameMoment
	*moment
	tx *Tx
}

// Versions reads a cell.
func (r momentRows) Versions(name object.CellName) []causal.Version {
	if r.points == nil {
		points, err := r.iter.Clone(pebble.CloneOptions{IterOptions: &pebble.IterOptions{UseL6Filters: true}})
		if err != nil {
			r.fail(fmt.Errorf("read cell: %w", err))
			return nil
		}
		r.points = points
	}
	versions, err := pointCell(r.points, r.generation, name)
	if err != nil {
		r.fail(err)
	}
	return versions
}

// Each visits the cells, until the body is to end.
func (r momentRows) Each(from object.CellName, visit func(*object.Cell) bool) {
	r.sameMoment.Each(from, func(c *object.Cell) bool { return r.tx.failed == nil && visit(c) })
}

// Back visits the cells in falling order, until the body is to end.
func (r momentRows) Back(before object.CellName, visit func(*object.Cell) bool) {
	r.sameMoment.Back(before, func(c *object.Cell) bool { return r.tx.failed == nil && visit(c) })
}

// Ranks are counts of this moment.
func (r momentRows) Ranks(k object.Kind) (*rank.Widths, object.Rows, func()) {
	w := r.widths[k]
	if w == nil {
		if w = r.made(k); w == nil {
			w = countRows(r, k)
		}
		if r.widths == nil {
			r.widths = map[object.Kind]*rank.Widths{}
		}
		r.widths[k] = w
	}
	return w, r, func() {}
}

// made has counts made for all who come, and returns them if the object has not changed meanwhile, nil if it has.
func (r momentRows) made(k object.Kind) *rank.Widths {
	a := r.tx.alone
	_, _, done := storedRows{a.store, r.generation, r.fail}.Ranks(k)
	done()
	now := &moment{}
	err := now.open(a, r.key)
	if err = errors.Join(err, now.close()); err != nil {
		r.fail(fmt.Errorf("read cells: %w", err))
		return nil
	}
	if now.object == nil || !now.object.Context.Equal(r.object.Context) {
		return nil
	}
	return now.widths[k]
}
