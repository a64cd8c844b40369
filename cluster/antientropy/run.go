package antientropy

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// run is a run of repair that somebody asked for. The Repairer's lock guards what changes.
type run struct {
	full  bool
	slots engine.SlotSet

	state RunState
	took  bool // the loop is at it
}

// RunState is how far a run of repair has come.
type RunState struct {
	// Full says that all slots are compared and their trees verified, not only those that a fault has touched.
	Full bool
	// First and Last bound the slots.
	First, Last object.Slot
	// Started is when it was asked for, Finished when it ended; zero while it is under way.
	Started, Finished time.Time
	// Peers is the number of peers to compare with, PeersDone of how many that is done, PeersFailed of those with which it
	// could not be.
	Peers, PeersDone, PeersFailed int
	// Slots is the number of trees to verify, SlotsDone of how many that is done.
	Slots, SlotsDone int
}

// Start begins a run over some slots: full compares all of them with every peer and verifies their trees; otherwise only
// those are compared that a fault has touched. It does not wait for the end. There is one run at a time.
func (r *Repairer) Start(full bool, first, last object.Slot) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run != nil && r.run.state.Finished.IsZero() {
		return ErrRunning
	}
	next := &run{full: full, state: RunState{Full: full, First: first, Last: last, Started: r.o.Now()}}
	for slot := first; slot <= last; slot++ {
		next.slots.Add(slot)
	}
	r.run = next
	r.notify()
	return nil
}

// LastRun is the run asked for last, and false when none has been.
func (r *Repairer) LastRun() (RunState, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run == nil {
		return RunState{}, false
	}
	return r.run.state, true
}

// Paused reports whether repair is paused, by command or by its rate.
func (r *Repairer) Paused() bool { return r.rate() <= 0 }

// startedRun is the run that waits to be worked on.
func (r *Repairer) startedRun() *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run == nil || r.run.took {
		return nil
	}
	r.run.took = true
	return r.run
}

// work does a run.
func (r *Repairer) work(ctx context.Context, w *run) {
	jobs := r.jobsOf(w)
	var own []object.Slot
	if w.full {
		own = r.replicated(&w.slots)
	}
	r.progress(func() { w.state.Peers, w.state.Slots = len(jobs), len(own) })
	for _, j := range jobs {
		err := errPeerGone
		if r.o.Peers.Up(string(j.peer)) {
			err = r.do(ctx, j)
		}
		r.progress(func() {
			if err == nil {
				w.state.PeersDone++
			} else {
				w.state.PeersFailed++
			}
		})
	}
	for _, slot := range own {
		if r.verify(ctx, slot) != nil {
			continue // the log has it
		}
		r.progress(func() { w.state.SlotsDone++ })
	}
	r.progress(func() { w.state.Finished = r.o.Now() })
}

func (r *Repairer) progress(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// jobsOf are the exchanges of a run, by peer.
func (r *Repairer) jobsOf(w *run) []*job {
	shared := r.shared.with(r.o.Ring())
	r.mu.Lock()
	defer r.mu.Unlock()
	var jobs []*job
	for _, id := range slices.Sorted(maps.Keys(shared)) {
		slots, any := intersect(shared[id], &w.slots)
		if !w.full {
			slots = r.peer(id).take(slots)
			any = !isEmpty(slots)
		}
		if any {
			jobs = append(jobs, &job{peer: id, slots: slots, whole: *slots == *shared[id], thorough: true})
		}
	}
	return jobs
}

// replicated are the slots of a set that this node is to hold.
func (r *Repairer) replicated(set *engine.SlotSet) []object.Slot {
	table := r.o.Ring()
	var out []object.Slot
	for slot := range object.Slot(object.Slots) {
		if set.Has(slot) && slices.Contains(table.Primaries(slot), r.o.Self) {
			out = append(out, slot)
		}
	}
	return out
}
