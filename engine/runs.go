package engine

import (
	"slices"

	"github.com/tidwall/btree"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// A run is a part of an object's rows that the applier has in memory: all that are in the store from one name to another, without a
// gap. Who takes elements from an end one by one, as those do who use a list as a queue, finds the next ones there and not
// behind a seek for each. Runs are made by walks that go on where the last one was, and follow each commit.
type run struct {
	low, high object.CellName // names from low on, below high
	rows      btree.Map[object.CellName, []causal.Version]
	bytes     int
	back      bool // the last walk was downwards
	draws     int  // random elements that are still to be drawn from it
	most      int  // rows from which on it is cut to a half
	mostBytes int
	idle      int // commits that changed the object since a walk came through
}

const (
	// runAhead is how many rows are read when a run is made, and runBytes how many bytes at most.
	runAhead = 64
	runBytes = 64 << 10
	// runGrowth is how many times longer a run gets before it is cut to a half.
	runGrowth = 4
	// runIdle is how many commits a run follows without being used.
	runIdle = 16
	// runsBytes bounds the runs of a shard.
	runsBytes = 4 << 20
	// runsOfOne bounds the runs of one object: two ends, of elements and of their order.
	runsOfOne = 4
	// rowCost is what a row costs besides its bytes.
	rowCost = 128
	// runAfter is the number of walks after each other that lets a run be made.
	runAfter = 3
)

// covers reports whether a walk upwards from a name can begin in the run.
func (r *run) covers(name object.CellName) bool { return r.low <= name && name < r.high }

// coversBelow reports whether a walk downwards from below a name can.
func (r *run) coversBelow(name object.CellName) bool { return r.low < name && name <= r.high }

func (r *run) set(name object.CellName, versions []causal.Version) {
	before, had := r.rows.Set(name, versions)
	if had {
		r.bytes -= rowSize(name, before)
	}
	r.bytes += rowSize(name, versions)
}

func (r *run) remove(name object.CellName) {
	if before, had := r.rows.Delete(name); had {
		r.bytes -= rowSize(name, before)
	}
}

func rowSize(name object.CellName, versions []causal.Version) int {
	return rowCost + (&object.Cell{Name: name, Versions: versions}).Size()
}

// cut makes the run shorter, at the end that the last walk came to last.
func (r *run) cut() {
	defer func() { r.draws = min(r.draws, r.rows.Len()/drawsOf) }()
	for r.rows.Len() > r.most/2 || r.bytes > r.mostBytes && r.rows.Len() > 1 {
		if r.back {
			name, versions, _ := r.rows.PopMin()
			r.low, r.bytes = name+"\x00", r.bytes-rowSize(name, versions)
		} else {
			name, versions, _ := r.rows.PopMax()
			r.high, r.bytes = name, r.bytes-rowSize(name, versions)
		}
	}
}

// nearRows are the runs of one object, and the trail of its last walks.
type nearRows struct {
	runs        []*run // no two cover a name
	first, last object.CellName
	walks       int
	round       int   // rows at the beginning that are to be drawn from next
	used        int64 // the tick of the shard when rows were last read
}

// follows notes a walk that began at a name, and reports whether so many have come one after the other that the next is likely to
// as well.
func (n *nearRows) follows(at object.CellName) bool {
	if n.walks > 0 && min(n.first, n.last) <= at && at <= max(n.first, n.last)+"\x00" {
		n.walks++
	} else {
		n.walks = 1
	}
	n.first, n.last = at, at
	return n.walks >= runAfter
}

// shardRuns are the runs of a shard's objects. They belong to the applier.
type shardRuns struct {
	of    map[causal.Time]*nearRows // by generation
	bytes int
	made  int // how many there have been
	tick  int64
}

// runsFor bounds the objects of which anything is noted.
const runsFor = 1024

// noted is what is known of an object that rows are read of.
func (s *shardRuns) noted(g generation) *nearRows {
	n := s.of[g.at]
	if n == nil {
		if len(s.of) >= runsFor {
			s.forgetOne()
		}
		if s.of == nil {
			s.of = map[causal.Time]*nearRows{}
		}
		n = &nearRows{}
		s.of[g.at] = n
	}
	s.tick++
	n.used = s.tick
	return n
}

// forgetOne gives up the runs of an object, of some that one whose rows have not been read for longest.
func (s *shardRuns) forgetOne() {
	var oldest causal.Time
	looked, least := 0, int64(0)
	for at, n := range s.of {
		if looked == 0 || n.used < least {
			oldest, least = at, n.used
		}
		if looked++; looked == mayGo {
			break
		}
	}
	s.forget(oldest)
}

func (s *shardRuns) forget(at causal.Time) {
	if n := s.of[at]; n != nil {
		for _, r := range n.runs {
			s.bytes -= r.bytes
		}
		delete(s.of, at)
	}
}

// keep adds a run, in place of those that it meets.
func (s *shardRuns) keep(n *nearRows, r *run) {
	s.made++
	kept := n.runs[:0]
	for _, other := range n.runs {
		if other.high <= r.low || r.high <= other.low {
			kept = append(kept, other)
		} else {
			s.bytes -= other.bytes
		}
	}
	if n.runs = append(kept, r); len(n.runs) > runsOfOne {
		s.bytes -= n.runs[0].bytes
		n.runs = n.runs[1:]
	}
	s.bytes += r.bytes
}

// upwards visits the rows of an object from a name on, those of the store.
func (sh *shard) upwards(g generation, from object.CellName, visit func(*object.Cell) bool) {
	sh.walkNear(g, from, false, visit)
}

// downwards visits the rows below a name, in falling order.
func (sh *shard) downwards(g generation, before object.CellName, visit func(*object.Cell) bool) {
	sh.walkNear(g, before, true, visit)
}

func (sh *shard) walkNear(g generation, at object.CellName, back bool, visit func(*object.Cell) bool) {
	n := sh.runs.noted(g)
	for r := sh.runAt(n, g, at, back); r != nil; r = sh.runAt(n, g, at, back) {
		next, last := r.high, endOf(r.low)
		if back {
			next, last = r.low, startOf(r.low)
		}
		if !r.each(at, back, visit) || next == last {
			return
		}
		at = next
	}
	walk := walkFunc(walkCells)
	if back {
		walk = walkBack
	}
	sh.walkRows(g.walkAt(at), walk, n.trail(visit))
}

// each visits the rows of the run from a name on, or those below it in falling order, and reports whether visit wants more.
func (r *run) each(at object.CellName, back bool, visit func(*object.Cell) bool) (more bool) {
	more = true
	var cell object.Cell
	step := func(name object.CellName, versions []causal.Version) bool {
		if back && name == at {
			return true
		}
		cell = object.Cell{Name: name, Versions: versions}
		more = visit(&cell)
		return more
	}
	if back {
		r.rows.Descend(at, step)
	} else {
		r.rows.Ascend(at, step)
	}
	return more
}

// startOf and endOf bound the names that a walk from one can come to.
func startOf(name object.CellName) object.CellName {
	if name.Local() {
		return object.LocalBegin
	}
	return ""
}

func endOf(name object.CellName) object.CellName {
	if name.Local() {
		return object.LocalEnd
	}
	return object.CellsEnd
}

// runAt is the run that a walk can begin in, nil when there is none and it is not worth while to make one.
func (sh *shard) runAt(n *nearRows, g generation, at object.CellName, back bool) *run {
	for _, r := range n.runs {
		if r.covers(at) && !back || back && r.coversBelow(at) {
			r.idle, r.back = 0, back
			return r
		}
	}
	if !n.follows(at) {
		return nil
	}
	return sh.makeRun(n, g, at, back)
}

// makeRun reads a run for walks, nil when there are no rows or large ones.
func (sh *shard) makeRun(n *nearRows, g generation, at object.CellName, back bool) *run {
	r := &run{low: at, high: endOf(at), back: back, most: runGrowth * runAhead, mostBytes: runBytes}
	if back {
		r.low, r.high = startOf(at), at
	}
	return sh.fill(n, g, r, runAhead)
}

// fill reads the first rows of a run, or the last of one that is used downwards, and makes it no longer than that.
func (sh *shard) fill(n *nearRows, g generation, r *run, rows int) *run {
	at, walk := r.low, walkFunc(walkCells)
	if r.back {
		at, walk = r.high, walkBack
	}
	sh.walkRows(g.walkAt(at), walk, func(c *object.Cell) bool {
		switch more := r.bytes + rowSize(c.Name, c.Versions); {
		case c.Name < r.low || c.Name >= r.high:
		case r.rows.Len() < rows && more <= r.mostBytes:
			kept := c.Clone()
			r.set(kept.Name, kept.Versions)
			return true
		case r.back:
			r.low = c.Name + "\x00"
		default:
			r.high = c.Name
		}
		return false
	})
	if r.rows.Len() == 0 {
		return nil
	}
	sh.runs.keep(n, r)
	return r
}

// give gives a run up.
func (s *shardRuns) give(n *nearRows, r *run) {
	if i := slices.Index(n.runs, r); i >= 0 {
		n.runs = slices.Delete(n.runs, i, i+1)
		s.bytes -= r.bytes
	}
}

// trail is visit that notes what it comes to.
func (n *nearRows) trail(visit func(*object.Cell) bool) func(*object.Cell) bool {
	rows := 0
	return func(c *object.Cell) bool {
		if rows++; rows <= trailRows {
			n.last = c.Name
		}
		return visit(c)
	}
}

// trailRows is how far a walk is noted: one that takes the element at an end away finds that and the next.
const trailRows = 2

// stored looks a row up that a run tells of.
func (s *shardRuns) stored(g generation, name object.CellName) (versions []causal.Version, known bool) {
	if n := s.of[g.at]; n != nil {
		for _, r := range n.runs {
			if r.covers(name) {
				versions, _ = r.rows.Get(name)
				return versions, true
			}
		}
	}
	return nil, false
}

// follow brings the runs up to date with what a batch has committed.
func (s *shardRuns) follow(p *pendingKey) {
	for _, g := range p.dropped {
		s.forget(g.at)
	}
	if p.rows == nil || p.rows.changes.Len() == 0 || p.rows.fresh {
		return
	}
	n := s.of[p.rows.at]
	if n == nil || len(n.runs) == 0 {
		return
	}
	kept := n.runs[:0]
	for _, r := range n.runs {
		s.bytes -= r.bytes
		if r.idle++; r.idle > runIdle {
			continue
		}
		r.take(p)
		kept = append(kept, r)
		s.bytes += r.bytes
	}
	clear(n.runs[len(kept):])
	n.runs = kept
	for s.bytes > runsBytes && len(s.of) > 0 {
		s.forgetOne()
	}
}

// take brings the run up to date with what a batch has changed.
func (r *run) take(p *pendingKey) {
	r.widen(p.before.Kept)
	p.rows.changes.Ascend(r.low, func(name object.CellName, versions []causal.Version) bool {
		switch {
		case name >= r.high:
			return false
		case len(versions) == 0:
			r.remove(name)
		default:
			r.set(name, slices.Clone(versions)) // they live as long as the batch
		}
		return true
	})
	if r.rows.Len() > r.most || r.bytes/2 > r.mostBytes {
		r.cut()
	}
}

// widen lets the run go beyond an end of the elements where there is nothing more, for it to have what is added there.
func (r *run) widen(before *object.Kept) {
	if len(r.low) == 0 {
		return
	}
	prefix := r.low[:1]
	if r.low.Local() {
		if len(r.low) < 2 {
			return
		}
		prefix = r.low[:2]
	}
	c := before.Known(object.Kind(prefix[len(prefix)-1]))
	if c == nil || c.Low == "" || r.low.Local() == c.Named() {
		return
	}
	if r.low <= prefix+object.CellName(c.Low) {
		r.low = min(r.low, prefix+"\x00")
	}
	if above := prefix[:len(prefix)-1] + object.CellName([]byte{prefix[len(prefix)-1] + 1}); r.high >= prefix+object.CellName(c.High) {
		r.high = max(r.high, above)
	}
}
