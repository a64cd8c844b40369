//go:build mutants

package sim

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/mutant"
)

// crashVariable names the point at which nodes of a simulation crash.
const crashVariable = "KINDRED_CRASH_POINT"

// mutantsTried bounds how many seeds a mutant gets to be caught, and pointsTried how many a point gets to be hit. The mutants
// that are hardest to catch are caught by one seed in ten of those that can.
const mutantsTried, pointsTried = 200, 4

// crashAtPoints crashes nodes at the point that the environment names, about one reach in so many.
func (w *world) crashAtPoints() {
	point := mutant.Point(os.Getenv(crashVariable))
	if point == "" {
		return
	}
	var mu sync.Mutex // guards rng
	rng := rand.New(rand.NewPCG(w.plan.seed, 2))
	oneIn := 300
	if point == mutant.AmidHandoff || point == mutant.AfterForget {
		oneIn = 2
	}
	mutant.OnReach(func(p mutant.Point, store uint64) {
		if p != point || w.now() > w.plan.safety {
			return
		}
		mu.Lock()
		strikes, percent := rng.IntN(oneIn) == 0, pick(rng, 0, 50, 100)
		if point == mutant.AfterForget {
			percent = 0 // it must not need what it had not synced
		}
		mu.Unlock()
		if m := w.byStore(store); strikes && m != nil && (w.plan.sync == engine.SyncAlways || w.plan.mayBeDestroyed(m.index)) {
			w.crashHere(m, percent, p)
		}
	})
}

// mayBeDestroyed reports whether the plan may destroy a node's store.
func (p *plan) mayBeDestroyed(node int) bool { return slices.Contains(p.destructible, node) }

func (w *world) byStore(store uint64) *member {
	for _, m := range w.members {
		if r := m.running(); r != nil && uint64(r.store.Node()) == store {
			return m
		}
	}
	return nil
}

// crashHere crashes a node on the goroutine that reached the point, which goes on as part of a dead process. Nothing is done
// where something else is done to the node.
func (w *world) crashHere(m *member, percent int, p mutant.Point) {
	select {
	case m.held <- struct{}{}:
	default:
		return
	}
	r := m.running()
	if r == nil {
		<-m.held
		return
	}
	m.current.Store(nil)
	close(r.died)
	w.c.Sever(m.index, percent)
	fmt.Printf("  %9s node %d crashes at %s\n", w.now(), m.index, p)
	w.striking.Go(func() {
		_ = r.node.Close()
		time.Sleep(300 * time.Millisecond)
		w.start(m)
		<-m.held
	})
}

// shapeVariable names the rule for which a plan is made another.
const shapeVariable = "KINDRED_SHAPE"

// shape makes the plan of a seed one that can show that a rule is broken.
func shape(p *plan) {
	if m := mutations[os.Getenv(shapeVariable)]; m.shape != nil {
		m.shape(p)
	}
}

// TestMutants breaks each rule by turns: the simulation must notice within so many seeds, and not notice where the rule is kept.
func TestMutants(t *testing.T) {
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed, tried := uint64(1), 0; tried < mutantsTried; seed++ {
				if !m.promising(drawPlan(seed, shortRun)) {
					continue
				}
				tried++
				out, err := runSeed(seed, true, "KINDRED_MUTANT="+name, shapeVariable+"="+name, crashVariable+"="+string(m.point))
				if err == nil {
					continue
				}
				if !strings.Contains(string(out), "BROKEN") {
					t.Fatalf("seed %d ended otherwise: %v\n%s", seed, err, out)
				}
				_, what, _ := strings.Cut(string(out), "BROKEN")
				what, _, _ = strings.Cut(what, "\n")
				t.Logf("caught by seed %d:%s", seed, what)
				if out, err := runSeed(seed, true, shapeVariable+"="+name, crashVariable+"="+string(m.point)); err != nil {
					t.Errorf("seed %d fails with the rule kept: %v\n%s", seed, err, out)
				}
				return
			}
			t.Errorf("not caught by %d seeds", mutantsTried)
		})
	}
}

// TestCrashPoints crashes nodes at each point: the promise holds, and each point is hit.
func TestCrashPoints(t *testing.T) {
	for _, point := range []mutant.Point{
		mutant.BeforeCommit, mutant.AfterCommit, mutant.BeforeAcknowledgement, mutant.AfterAcknowledgement, mutant.AmidHandoff,
		mutant.AfterForget,
	} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			hits := 0
			for seed := uint64(1); seed <= pointsTried || hits == 0 && seed <= mutantsTried; seed++ {
				out, err := runSeed(seed, true, crashVariable+"="+string(point))
				if err != nil {
					t.Errorf("seed %d: %v\n%s", seed, err, out)
				}
				hits += strings.Count(string(out), "crashes at "+string(point))
			}
			if hits == 0 {
				t.Error("the point was never reached")
			}
			t.Logf("%d crashes", hits)
		})
	}
}
