package kind

import (
	"fmt"
	"maps"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/object"
)

// scoreWorld is a world whose replicas hold a sorted set, and whose writes go to one of its members.
type scoreWorld struct {
	*world
	scores map[*op]*scoreOp
}

// scoreOp is a write of the member's score as the oracle sees it: it sets the score, or adds to it.
type scoreOp struct {
	sets   bool
	number float64
	// history are the writes that the member's score was made of when this one was added to them, this one included.
	history opSet
}

var theMember = []byte("member")

func newScoreWorld(t *rapid.T) scoreWorld { return scoreWorld{newWorld(t), map[*op]*scoreOp{}} }

// history are the writes that the member's score is made of at r: all that those were based on that nothing has replaced.
func (w scoreWorld) history(r *replica) opSet {
	dead, history := opSet{}, opSet{}
	for i := range r.knows {
		maps.Copy(dead, w.ops[i].kills)
	}
	for i := range r.knows {
		if s := w.scores[w.ops[i]]; s != nil && !dead[i] {
			maps.Copy(history, s.history)
		}
	}
	return history
}

// shows is the score that a replica must show: the newest that was set, and the increments that no score that was set has seen.
func (w scoreWorld) shows(r *replica) (float64, bool) {
	history := w.history(r)
	var base *op
	settled := opSet{}
	for i := range history {
		if s := w.scores[w.ops[i]]; s.sets {
			maps.Copy(settled, s.history)
			if base == nil || base.dot.Compare(w.ops[i].dot) < 0 {
				base = w.ops[i]
			}
		}
	}
	sum := 0.0
	if base != nil {
		sum = w.scores[base].number
	}
	for i := range history {
		if s := w.scores[w.ops[i]]; !s.sets && !settled[i] {
			sum += s.number
		}
	}
	return sum, len(history) > 0
}

func (w scoreWorld) score(r *replica, sets bool, number float64) {
	history := w.history(r)
	w.write(r, func(e *object.Edit, o *op) error {
		if sets {
			SetScore(e, theMember, number)
		} else {
			AddToScore(e, theMember, number)
		}
		o.kills = maps.Clone(r.knows)
		history[len(w.ops)] = true
		w.scores[o] = &scoreOp{sets, number, history}
		return nil
	})
}

func (w scoreWorld) remove(r *replica) {
	w.write(r, func(e *object.Edit, o *op) error {
		if !RemoveScored(e, theMember) {
			return fmt.Errorf("nothing to remove")
		}
		o.kills = maps.Clone(r.knows)
		return nil
	})
}

func (w scoreWorld) step() {
	r := w.replica("at")
	number := float64(w.int("number", -100, 100)) / 4
	switch w.int("step", 0, 12) {
	case 0, 1:
		w.score(r, true, number)
	case 2, 3, 4:
		w.score(r, false, number)
	case 5:
		w.remove(r)
	case 6:
		w.write(r, func(e *object.Edit, _ *op) error {
			SetScore(e, fmt.Append(nil, w.int("other", 0, 3)), number)
			return nil
		})
	case 7:
		r.birth = 0
	case 8:
		if to := w.replica("hand over to"); to != r {
			w.join(to, r)
			*r = replica{node: r.node, knows: opSet{}}
		}
	case 9:
		w.join(r, w.replica("from"))
	default:
		w.deliver(r)
	}
	for _, r := range w.replicas {
		w.check(r)
	}
}

func (w scoreWorld) check(r *replica) {
	got, there := Score(r.object, theMember)
	want, exists := w.shows(r)
	if there != exists || got != want {
		w.t.Fatalf("node %d shows %v (%v), want %v (%v)", r.node, got, there, want, exists)
	}
	if there {
		spot := ScoreSpot(got, string(theMember))
		if at, ok := SpotAt(r.object, object.ZSet, RankOf(r.object, object.ZSet, spot)); !ok || at != spot {
			w.t.Fatalf("node %d has the member at %q, want %q", r.node, at, spot)
		}
	}
}

func TestScoresConverge(t *testing.T) { converging(t, 20, 60, newScoreWorld) }

// settle brings all replicas together, after which they must be equal.
func (w scoreWorld) settle() { w.settleAll(w.check) }

// Whatever is counted, one node counts as Redis does.
func TestCountingIsAddingFloats(t *testing.T) {
	float := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-10, 10), rapid.SampledFrom([]float64{
		0, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), 0.1, 1e300, 1e-300, 0x1p-1022,
	}))
	rapid.Check(t, func(t *rapid.T) {
		w := newScoreWorld(t)
		r := w.replicas[0]
		want := 0.0
		for range w.int("steps", 1, 30) {
			x := float.Draw(t, "number")
			sets := w.int("set", 0, 5) == 0
			if sum := want + x; sets {
				want = x
			} else if want = sum; math.IsNaN(sum) {
				return
			}
			w.score(r, sets, x)
			if got, _ := Score(r.object, theMember); got != want {
				t.Fatalf("shows %v, want %v", got, want)
			}
			c := r.object.Cell(elementName(object.ZSet, theMember))
			if s := standingOf(c.Versions); s.score() != want {
				t.Fatalf("comes to %v, want %v", s.score(), want)
			}
		}
	})
}
