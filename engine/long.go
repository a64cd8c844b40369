package engine

import (
	"errors"
	"math"
)

// A command that reads all of a large collection takes long, and views run on the event loops of clients, where others wait
// meanwhile. So a body that walks over more rows than patience is stopped, and begins again on a goroutine of its own.

// patience is how many rows a body may walk over on the goroutine of its caller, some milliseconds.
const patience = 4096

// longAtOnce bounds the long reads that run at the same time: each holds a reply in the making.
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

func (tx *Tx) mayWalk() bool {
	if tx.patience < math.MaxInt {
		tx.fail(errLong)
		return false
	}
	return true
}

// runLong runs the bodies of tasks that were stopped.
func (s *Store) runLong(tasks []*Task, done func()) {
	s.long <- struct{}{}
	v := s.OpenView()
	v.tx.patience = math.MaxInt
	for _, t := range tasks {
		t.Err = v.Run(t.Body)
	}
	v.Close()
	<-s.long
	done()
}

// patientReader reads outside of tasks.
type patientReader struct{ store *Store }

func (r patientReader) fail(err error) { r.store.fatal(err) }
func (patientReader) step() bool       { return true }
func (patientReader) mayWalk() bool    { return true }
