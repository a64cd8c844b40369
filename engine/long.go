package engine

import (
	"errors"
	"math"
	"sync/atomic"
)

// A command that reads all of a large collection takes long, and views run on the event loops of clients, where others wait
// meanwhile. So a body that walks over more rows than patience is stopped, and begins again on a goroutine of its own.

// patience is how many rows a body may walk over on the goroutine of its caller, some milliseconds.
const patience = 4096

// boundlessPatience lets a body walk over any number of rows.
const boundlessPatience = math.MaxInt

// longAtOnce bounds the long reads that run at the same time, those that wait for their client aside.
const longAtOnce = 4

// errLong ends a body that has walked too far.
var errLong = errors.New("many rows")

// step makes a Tx a rowReader.
func (tx *Tx) step() bool {
	tx.walked++
	if tx.walked > tx.patience {
		tx.fail(errLong)
	}
	return tx.walked <= tx.patience
}

func (tx *Tx) mayRepeat() bool { return tx.patience < boundlessPatience }

func (tx *Tx) mayWalk() bool {
	if tx.patience < boundlessPatience {
		tx.fail(errLong)
		return false
	}
	return true
}

// runLong runs the bodies of tasks that were stopped, each by itself.
func (s *Store) runLong(tasks []*Task, done func()) {
	var left atomic.Int32
	left.Store(int32(len(tasks)))
	for _, t := range tasks {
		t.Err = nil
		s.running.Go(func() {
			s.runAlone(t, func() {
				if left.Add(-1) == 0 {
					done()
				}
			})
		})
	}
}

// patientReader reads outside of tasks.
type patientReader struct{ store *Store }

func (r patientReader) fail(err error) { r.store.fatal(err) }
func (patientReader) step() bool       { return true }
func (patientReader) mayWalk() bool    { return true }
func (patientReader) mayRepeat() bool  { return false }
