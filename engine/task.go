package engine

import (
	"sync/atomic"

	"github.com/kindredkv/kindred/engine/object"
)

// Body is what a task does. It runs in the applier of the task's slot and must not wait for anything. The objects that it
// reads through tx are valid until Run returns: what is to be kept of one must be copied.
type Body interface {
	Run(tx *Tx)
}

// Task is one unit of work on the keys of one slot.
type Task struct {
	Slot object.Slot
	Body Body
	// StandsFor are owners that the task stands in for: it reads and edits the hints of its keys in place of the objects, and
	// what it changes is owed to them. nil: it does not.
	StandsFor []Owner
	// Large says that the task writes megabytes: it is run on a goroutine of its own, so that its submitter does not wait.
	Large bool

	// Changes are the objects that the task made or merged, one for each key that is different now.
	Changes []Change
	// Err is why nothing was changed: the store failed, or the body panicked.
	Err error

	group *group
	room  [1]Change // for Changes
}

// group is the tasks of one Do.
type group struct {
	left atomic.Int32
	done func()
}

func (t *Task) finish() {
	if g := t.group; g.left.Add(-1) == 0 && g.done != nil {
		g.done()
	}
}

// refuse finishes tasks that will not run.
func refuse(tasks []*Task) {
	for _, t := range tasks {
		t.Err, t.Changes = ErrClosed, nil
		t.finish()
	}
}
