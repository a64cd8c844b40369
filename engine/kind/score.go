package kind

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/kindredkv/kindred/engine/causal"
)

// The first byte of a version of a member says whether it is a score that was set or one that was counted on. The score that
// it shows alone follows, then what it takes to join it with others:
//
//	'=' score (8), settled totals
//	'+' score (8), base: 0, or 1, dot (24) and score (8); number of settled totals (uvarint), settled totals, running totals
const (
	scoreSet     = '='
	scoreCounted = '+'
	scoreEnd     = 1 + 8
)

// standing is a member of a sorted set taken apart: the score that was set last, and what each actor has counted since. Of
// concurrent standings the newest base holds; of the totals of one actor, the latest; what any has settled is settled.
type standing struct {
	hasBase bool
	base    float64
	baseDot causal.Dot
	settled totals // what the scores that were set have seen of running totals
	running totals
}

// standingOf joins the versions of a member.
func standingOf(versions []causal.Version) standing {
	var s standing
	for i := range versions {
		if one, ok := readStanding(&versions[i]); ok {
			s = s.join(one)
		}
	}
	return s
}

func (s standing) join(o standing) standing {
	if o.hasBase && (!s.hasBase || s.baseDot.Compare(o.baseDot) < 0) {
		s.hasBase, s.base, s.baseDot = true, o.base, o.baseDot
	}
	s.settled, s.running = s.settled.join(o.settled), s.running.join(o.running)
	return s
}

// score is the base and all that is not settled. The sum is exact, and rounded once.
func (s *standing) score() float64 {
	if math.IsInf(s.base, 0) {
		return s.base
	}
	sum := s.sum()
	return sum.float64()
}

func (s *standing) sum() dyadic {
	sum := dyadicOf(s.base)
	for _, t := range s.running {
		switch i, ok := s.settled.find(t); {
		case !ok:
			sum = sum.plus(t.sum)
		case s.settled[i].at < t.at:
			sum = sum.plus(t.sum.minus(s.settled[i].sum))
		}
	}
	return sum
}

// set is the standing after a score was set over this one: its totals are settled. own is the epoch in which the actor of the
// dot goes on counting, 0 when it has to begin one.
func (s *standing) set(score float64, dot causal.Dot, own causal.Time) standing {
	settled := s.settled.join(s.running)
	if own != 0 {
		settled = settled.join(totals{s.ownTotal(dot, own)})
	}
	return standing{hasBase: true, base: score, baseDot: dot, settled: settled.latest(maxSettled)}
}

// count is the standing after the score became another by an increment. own is as with set.
func (s *standing) count(score float64, dot causal.Dot, own causal.Time) standing {
	if own == 0 {
		own = dot.Time
	}
	total := s.ownTotal(dot, own)
	total.sum = total.sum.plus(dyadicOf(score).minus(s.sum()))
	out := *s
	out.running = s.unsettled().join(totals{total})
	return out
}

// ownTotal is what the actor of a dot has counted in an epoch, as of the dot.
func (s *standing) ownTotal(dot causal.Dot, epoch causal.Time) total {
	own := total{actor: dot.Actor, epoch: epoch, at: dot.Time}
	seen := s.settled.join(s.running)
	if i, ok := seen.find(own); ok {
		own.sum = seen[i].sum
	}
	return own
}

// ownEpoch is the epoch in which an actor goes on counting: the one in which its own version has a total as of itself. When
// there is none, others have written over it, or it was removed, and what the actor counted after they saw it may come back.
func ownEpoch(versions []causal.Version, actor causal.Actor) causal.Time {
	for i := range versions {
		v := &versions[i]
		if v.Dot.Actor != actor {
			continue
		}
		s, _ := readStanding(v)
		for _, list := range []totals{s.running, s.settled} {
			for _, t := range list {
				if t.actor == actor && t.at == v.Dot.Time {
					return t.epoch
				}
			}
		}
	}
	return 0
}

// unsettled are the running totals of which something counts.
func (s *standing) unsettled() (out totals) {
	for _, t := range s.running {
		if i, ok := s.settled.find(t); !ok || s.settled[i].at < t.at {
			out = append(out, t)
		}
	}
	return out
}

// payload is the version that says s, which shows score.
func (s *standing) payload(score float64) []byte {
	if len(s.running) == 0 {
		b := appendScore(append(make([]byte, 0, scoreEnd), scoreSet), score)
		return s.settled.append(b)
	}
	b := appendScore(append(make([]byte, 0, 64), scoreCounted), score)
	if s.hasBase {
		b = appendScore(appendDot(append(b, 1), s.baseDot), s.base)
	} else {
		b = append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(s.settled)))
	return s.running.append(s.settled.append(b))
}

func appendScore(b []byte, score float64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(score))
}

func scoreAt(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }

const dotSize = 24

func appendDot(b []byte, d causal.Dot) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(d.Node))
	b = binary.BigEndian.AppendUint64(b, uint64(d.Birth))
	return binary.BigEndian.AppendUint64(b, uint64(d.Time))
}

func dotAt(b []byte) causal.Dot {
	return causal.Dot{
		Actor: causal.Actor{Node: causal.Node(binary.BigEndian.Uint64(b)), Birth: causal.Time(binary.BigEndian.Uint64(b[8:]))},
		Time:  causal.Time(binary.BigEndian.Uint64(b[16:])),
	}
}

// readStanding reads a version. It reports false of one that is no standing.
func readStanding(v *causal.Version) (s standing, ok bool) {
	b := v.Payload
	if len(b) < scoreEnd {
		return s, false
	}
	kind, score, b := b[0], scoreAt(b[1:]), b[scoreEnd:]
	if kind == scoreSet {
		s.hasBase, s.base, s.baseDot = true, score, v.Dot
		s.settled, _, ok = readTotals(b, math.MaxInt)
		return s, ok
	}
	if kind != scoreCounted || len(b) == 0 {
		return s, false
	}
	s.hasBase, b = b[0] == 1, b[1:]
	if s.hasBase {
		if len(b) < dotSize+8 {
			return s, false
		}
		s.baseDot, s.base, b = dotAt(b), scoreAt(b[dotSize:]), b[dotSize+8:]
	}
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)) {
		return s, false
	}
	if s.settled, b, ok = readTotals(b[size:], int(n)); ok {
		s.running, _, ok = readTotals(b, math.MaxInt)
	}
	return s, ok
}

// total is what one actor has counted for a member in one epoch, as of one of its writes.
type total struct {
	actor causal.Actor
	epoch causal.Time
	at    causal.Time
	sum   dyadic
}

// totals are in the order of actor and epoch, one for each.
type totals []total

func (t total) compare(o total) int {
	if c := t.actor.Compare(o.actor); c != 0 {
		return c
	}
	return cmp.Compare(t.epoch, o.epoch)
}

func (t totals) find(o total) (int, bool) { return slices.BinarySearchFunc(t, o, total.compare) }

// join has the later of two totals of the same actor and epoch. Neither is changed.
func (t totals) join(o totals) totals {
	if len(t) == 0 {
		return o
	}
	if len(o) == 0 {
		return t
	}
	out := slices.Clone(t)
	for _, more := range o {
		i, ok := out.find(more)
		switch {
		case !ok:
			out = slices.Insert(out, i, more)
		case out[i].at < more.at:
			out[i] = more
		}
	}
	return out
}

// latest drops the oldest totals beyond n.
func (t totals) latest(n int) totals {
	if len(t) <= n {
		return t
	}
	out := slices.Clone(t)
	slices.SortFunc(out, func(a, b total) int { return cmp.Or(cmp.Compare(b.at, a.at), a.compare(b)) })
	out = out[:n]
	slices.SortFunc(out, total.compare)
	return out
}

const totalSize = 8 + 8 + 8 + 8

// append gives each total: node, birth, epoch, time of the write (8 bytes each), length of the sum (uvarint), sum.
func (t totals) append(b []byte) []byte {
	var sum []byte
	for _, one := range t {
		b = binary.BigEndian.AppendUint64(b, uint64(one.actor.Node))
		b = binary.BigEndian.AppendUint64(b, uint64(one.actor.Birth))
		b = binary.BigEndian.AppendUint64(b, uint64(one.epoch))
		b = binary.BigEndian.AppendUint64(b, uint64(one.at))
		sum = appendDyadic(sum[:0], one.sum)
		b = binary.AppendUvarint(b, uint64(len(sum)))
		b = append(b, sum...)
	}
	return b
}

// readTotals reads at most n totals, up to the end of b. It reports false when b is something else.
func readTotals(b []byte, n int) (t totals, rest []byte, ok bool) {
	for ; n > 0 && len(b) > 0; n-- {
		if len(b) < totalSize {
			return nil, nil, false
		}
		var one total
		one.actor.Node = causal.Node(binary.BigEndian.Uint64(b))
		one.actor.Birth = causal.Time(binary.BigEndian.Uint64(b[8:]))
		one.epoch = causal.Time(binary.BigEndian.Uint64(b[16:]))
		one.at = causal.Time(binary.BigEndian.Uint64(b[24:]))
		b = b[totalSize:]
		size, m := binary.Uvarint(b)
		if m <= 0 || size > uint64(len(b)-m) {
			return nil, nil, false
		}
		end := m + int(size)
		if one.sum, ok = decodeDyadic(b[m:end]); !ok || len(t) > 0 && t[len(t)-1].compare(one) >= 0 {
			return nil, nil, false
		}
		t, b = append(t, one), b[end:]
	}
	return t, b, true
}
