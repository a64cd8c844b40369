package kind

import (
	"encoding/binary"
	"math"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// A member of a sorted set is a cell. Each version says the member's whole standing: what it was set to, what was counted on
// top of that, and by whom. So a write supersedes all that its node holds, an increment too, and one that outlives a removal
// on another node brings the whole score with it.

// Score is the score of a member of a sorted set; false when it is not there. A nil object is a key that does not exist.
func Score(o *object.Object, member []byte) (float64, bool) {
	if o == nil {
		return 0, false
	}
	c := o.Cell(elementName(object.ZSet, member))
	if c == nil {
		return 0, false
	}
	return scoreOf(c.Versions), true
}

// ScoreIn is Score as an edit has left it so far.
func ScoreIn(e *object.Edit, member []byte) (float64, bool) {
	c := e.Cell(elementName(object.ZSet, member))
	if c == nil {
		return 0, false
	}
	return scoreOf(c.Versions), true
}

// Score is the score of an element that is a member of a sorted set.
func (el *Element) Score() float64 { return scoreOf(el.cell.Versions) }

func (el *Element) spot() Spot { return ScoreSpot(el.Score(), el.Name) }

// scoreOf is the score that the versions of a member show.
func scoreOf(versions []causal.Version) float64 {
	if len(versions) == 1 {
		if b := versions[0].Payload; len(b) >= scoreEnd {
			return scoreAt(b[1:])
		}
		return 0
	}
	s := standingOf(versions)
	return s.score()
}

func isScoreSet(v *causal.Version) bool { return len(v.Payload) > 0 && v.Payload[0] == scoreSet }

// SetScore gives a member a score, over all that the node holds of it, and reports whether the member is new. The score must
// be a number; -0 is 0.
func SetScore(e *object.Edit, member []byte, score float64) bool {
	name := elementName(object.ZSet, member)
	s, own, there := standingIn(e, name)
	score += 0
	s = s.set(score, e.Dot(), own)
	e.Put(name, s.payload(score))
	return !there
}

// AddToScore adds to the score of a member, 0 when it is not there, and returns what it shows then and whether it is new. The
// sum must be a number. An infinity is set rather than counted, and so is a score that too many have counted.
func AddToScore(e *object.Edit, member []byte, delta float64) (score float64, added bool) {
	name := elementName(object.ZSet, member)
	s, own, there := standingIn(e, name)
	score = s.score() + delta
	next := s.count(score, e.Dot(), own)
	if math.IsInf(score, 0) || max(len(next.running), len(next.settled)) > maxSettled {
		next = s.set(score, e.Dot(), own)
	}
	e.Put(name, next.payload(score))
	return score, !there
}

// standingIn is the standing of a member before it is written, and the epoch in which the writer goes on counting.
func standingIn(e *object.Edit, name object.CellName) (s standing, own causal.Time, there bool) {
	c := e.Cell(name)
	if c == nil {
		return s, 0, false
	}
	return standingOf(c.Versions), ownEpoch(c.Versions, e.Dot().Actor), true
}

// HasScored reports whether a sorted set has a member.
func HasScored(o *object.Object, member []byte) bool { return has(o, object.ZSet, member) }

// RemoveScored removes a member from a sorted set and reports whether it was there.
func RemoveScored(e *object.Edit, member []byte) bool {
	name := elementName(object.ZSet, member)
	if e.Cell(name) == nil {
		return false
	}
	e.Remove(name)
	return true
}

// A spot of a sorted set is 8 bytes of the score, then the member.
const spotScoreSize = 8

// scoreKey is a score as a number whose order is that of the scores. -0 is 0.
func scoreKey(score float64) uint64 {
	bits := math.Float64bits(score + 0)
	if bits>>63 != 0 {
		return ^bits
	}
	return bits | 1<<63
}

// ScoreSpot is where the member of a score stands. An empty member is below all others of the score.
func ScoreSpot(score float64, member string) Spot {
	b := make([]byte, 0, spotScoreSize+len(member))
	b = binary.BigEndian.AppendUint64(b, scoreKey(score))
	return Spot(text(append(b, member...)))
}

// Score is the score at a spot of a sorted set.
func (s Spot) Score() float64 {
	key := binary.BigEndian.Uint64([]byte(s[:spotScoreSize]))
	if key>>63 == 0 {
		return math.Float64frombits(^key)
	}
	return math.Float64frombits(key &^ (1 << 63))
}

// Member is the member at a spot of a sorted set.
func (s Spot) Member() string { return string(s[spotScoreSize:]) }
