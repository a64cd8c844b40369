package engine

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// readRuns are runs for those who read beside the appliers: what is walked over again and again is found in memory, and not behind
// an iterator over all levels of the store. A run that they see never changes; the applier puts another in its place.
//
//  1. A walk at a place where the last ones were keeps what it comes to, and offers it to the applier.
//  2. The applier takes the offer, unless the object has been written since.
//  3. Before a commit that changes rows of the object, its runs are hidden. After it, when the hot cache has the new header, they are
//     shown again, with the changes.
//
// So runs that can be seen are as of the last commit of their object, and never older than a header that was read before. A walk
// that leaves them goes on in the store only if they are what is shown still, and so of the same moment; else its body begins again.
type readRuns struct {
	mu    sync.RWMutex // guards of, which the applier alone changes
	of    map[causal.Time]*readNear
	bytes atomic.Int64
	// trails are where the last walks were, by generation and direction. Those that meet take turns.
	trails [64]readTrail
}

// readNear are the runs of one object.
type readNear struct {
	shown atomic.Pointer[[]*run] // nil while a commit is under way, and when they have been given up
	used  atomic.Bool            // since the applier last looked
	runs  []*run                 // of the applier
	bytes int64
	idle  int // commits that changed the object since a walk came through
}

const (
	// readRunRows and readRunBytes bound a run for readers.
	readRunRows  = patience
	readRunBytes = 512 << 10
	// readRunsPart is the part of the hot cache that is given to them, up to readRunsMost bytes.
	readRunsPart = 16
	readRunsMost = 64 << 20
	// readRunAfter is the number of walks at one place after which the next makes a run.
	readRunAfter = 2
	// mayGo is how many objects are looked at for one whose runs have not been used.
	mayGo = 8
)

// readTrail is where the last walks over the rows of an object were.
type readTrail struct {
	mu         sync.Mutex // guards the rest
	generation causal.Time
	back       bool
	low, high  object.CellName
	walks      int
}

func (s *readRuns) trail(at causal.Time, back bool) *readTrail {
	i := uint64(at) * 0x9e3779b97f4a7c15 >> 59 << 1
	if back {
		i++
	}
	return &s.trails[i]
}

// worn reports whether so many walks were at one place that the next is likely to be there.
func (t *readTrail) worn(at causal.Time, back bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.generation == at && t.back == back && t.walks >= readRunAfter
}

// note takes note of a walk between two names.
func (t *readTrail) note(at causal.Time, back bool, low, high object.CellName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.generation == at && t.back == back && low <= t.high && t.low <= high {
		t.walks++
	} else {
		t.walks = 1
	}
	t.generation, t.back = at, back
	t.low, t.high = object.CellName(strings.Clone(string(low))), object.CellName(strings.Clone(string(high)))
}

// find are the runs of an object, nil when there are none.
func (s *readRuns) find(g generation) *readNear {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.of[g.at]
}

// keep shows a run, in place of those that it meets.
func (s *readRuns) keep(g generation, r *run, most int64) {
	n := s.of[g.at]
	if n == nil {
		n = &readNear{}
		s.mu.Lock()
		if s.of == nil {
			s.of = map[causal.Time]*readNear{}
		}
		s.of[g.at] = n
		s.mu.Unlock()
	}
	var runs []*run
	for _, other := range n.runs {
		if other.high <= r.low || r.high <= other.low {
			runs = append(runs, other)
		}
	}
	if runs = append(runs, r); len(runs) > runsOfOne {
		runs = runs[1:]
	}
	n.used.Store(true)
	s.show(n, runs)
	s.shrink(most)
}

func (s *readRuns) show(n *readNear, runs []*run) {
	bytes := int64(0)
	for _, r := range runs {
		bytes += int64(r.bytes)
	}
	s.bytes.Add(bytes - n.bytes)
	n.runs, n.bytes = runs, bytes
	n.shown.Store(&runs)
}

// forget gives up the runs of an object.
func (s *readRuns) forget(at causal.Time) {
	if n := s.of[at]; n != nil {
		n.shown.Store(nil)
		s.bytes.Add(-n.bytes)
		s.mu.Lock()
		delete(s.of, at)
		s.mu.Unlock()
	}
}

// shrink gives up runs until they are no more bytes, those first that have not been used for a while.
func (s *readRuns) shrink(most int64) {
	for s.bytes.Load() > most && len(s.of) > 0 {
		looked := 0
		var goes causal.Time
		for at, n := range s.of {
			goes = at
			if looked++; !n.used.Swap(false) || looked == mayGo {
				break
			}
		}
		s.forget(goes)
	}
}

// hide hides the runs that a batch is about to change.
func (s *readRuns) hide(order []*pendingKey) {
	if len(s.of) == 0 {
		return
	}
	for _, p := range order {
		for _, g := range p.dropped {
			s.forget(g.at)
		}
		if p.rows != nil && p.rows.changes.Len() > 0 {
			if n := s.of[p.rows.at]; n != nil {
				n.shown.Store(nil)
			}
		}
	}
}

// follow shows the runs of a key again that a batch has hidden, as it has left them.
func (s *readRuns) follow(p *pendingKey, most int64) {
	if len(s.of) == 0 || p.rows == nil || p.rows.changes.Len() == 0 {
		return
	}
	n := s.of[p.rows.at]
	if n == nil {
		return
	}
	if n.idle++; n.used.Swap(false) {
		n.idle = 0
	}
	if n.idle > runIdle || p.rows.changes.Len() > readRunRows {
		s.forget(p.rows.at)
		return
	}
	runs := make([]*run, len(n.runs))
	for i, r := range n.runs {
		next := *r
		next.rows = *r.rows.Copy()
		next.take(p)
		runs[i] = &next
	}
	s.show(n, runs)
	s.shrink(most)
}

// clear gives up all runs.
func (s *readRuns) clear() {
	for at := range s.of {
		s.forget(at)
	}
}

// runOffer is a run that a reader has read, with the last batch that had been committed before.
type runOffer struct {
	key  object.Key
	of   generation
	run  *run
	seen uint64
}

const maxRunOffers = 16

// offerRun has the applier take a run, on a goroutine of its own as for offerFill.
func (sh *shard) offerRun(o runOffer) {
	o.key.Name = strings.Clone(o.key.Name)
	sh.mu.Lock()
	if len(sh.runOffers) < maxRunOffers {
		sh.runOffers = append(sh.runOffers, o)
	}
	start := !sh.draining && !sh.dead
	if start {
		sh.draining = true
	}
	sh.mu.Unlock()
	if start {
		go sh.drain(-1)
	}
}

func (sh *shard) takeRuns(offers []runOffer) {
	for _, o := range offers {
		if sh.lastWrite[writeClass(o.key)] <= o.seen {
			sh.reading.keep(o.of, o.run, sh.store.readRunBytes())
		}
	}
}

// readRunBytes bounds the runs for readers of one shard.
func (s *Store) readRunBytes() int64 { return s.runBytes.Load() / int64(len(s.shards)) }

// caughtRun is what a walk comes to.
type caughtRun struct {
	run
	full bool
}

// catch begins a run at a name.
func catch(at object.CellName, back bool) *caughtRun {
	c := &caughtRun{run: run{low: at, high: endOf(at), back: back, most: readRunRows, mostBytes: readRunBytes}}
	if back {
		c.low, c.high = startOf(at), at
	}
	return c
}

// add adds what the walk has come to.
func (c *caughtRun) add(cell *object.Cell) {
	if c.full {
		return
	}
	c.full = c.rows.Len() == readRunRows || c.bytes+rowSize(cell.Name, cell.Versions) > readRunBytes
	if !c.full {
		kept := cell.Clone()
		c.set(kept.Name, kept.Versions)
		return
	}
	c.endBefore(cell.Name)
}

// endBefore ends the run before a row that is not in it.
func (c *caughtRun) endBefore(name object.CellName) {
	if c.back {
		c.low = object.CellName(strings.Clone(string(name))) + "\x00"
	} else {
		c.high = object.CellName(strings.Clone(string(name)))
	}
}

// endAt ends the run at its last row.
func (c *caughtRun) endAt(name object.CellName) {
	if c.back {
		c.low = object.CellName(strings.Clone(string(name)))
	} else {
		c.high = object.CellName(strings.Clone(string(name))) + "\x00"
	}
}

// walk walks over runs as far as they go, and returns where that is and whether visit wants more.
func (n *readNear) walk(shown *[]*run, at object.CellName, back bool, visit func(*object.Cell) bool) (next object.CellName, more bool) {
	for {
		r := runOf(shown, at, back)
		if r == nil {
			return at, true
		}
		if !n.used.Load() {
			n.used.Store(true)
		}
		next, last := r.high, endOf(r.low)
		if back {
			next, last = r.low, startOf(r.low)
		}
		if !r.each(at, back, visit) || next == last {
			return next, false
		}
		at = next
	}
}

// runOf is the run in which a walk can begin, nil when there is none.
func runOf(shown *[]*run, at object.CellName, back bool) *run {
	if shown == nil {
		return nil
	}
	for _, r := range *shown {
		if r.covers(at) && !back || back && r.coversBelow(at) {
			return r
		}
	}
	return nil
}
