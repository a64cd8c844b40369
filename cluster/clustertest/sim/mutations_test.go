//go:build mutants

package sim

import (
	"math/rand/v2"
	"time"

	"github.com/kindredkv/kindred/cluster/transport/memnet"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/mutant"
)

// mutation is a rule to break. Only some plans can show that it is broken; some need a crash at a point, or faults that one
// would wait for too long if they were drawn.
type mutation struct {
	promising func(*plan) bool
	point     mutant.Point
	shape     func(*plan)
}

func anyPlan(*plan) bool { return true }

func (p *plan) sloppy() bool { return !p.strict }

// changesRing reports whether the ring changes.
func (p *plan) changesRing() bool { return p.joins+len(p.partings) > 0 }

// reapsOften reports whether tombstones are likely to go while faults strike, and their keys to be written again.
func (p *plan) reapsOften() bool {
	return !p.changesRing() && p.reapPause < time.Second && p.timeout < time.Second && len(p.classes) == len(plain) && p.inline == 0
}

var mutations = map[string]mutation{
	"acknowledges-early":          {promising: (*plan).destroys},
	"reuses-forgotten-births":     {promising: (*plan).destroys},
	"keeps-births-after-crash":    {promising: (*plan).destroys},
	"applies-over-gaps":           {promising: anyPlan},
	"trees-miss-merges":           {promising: anyPlan},
	"last-arrival-wins":           {promising: anyPlan},
	"skips-hints-of-earlier-runs": {promising: (*plan).sloppy},
	"drops-hints-unconfirmed":     {promising: anyPlan, shape: (*plan).losesDeliveries},
	"drops-uncovered":             {promising: anyPlan, shape: (*plan).joinsWithoutOne},
	"reaps-what-differs":          {promising: (*plan).reapsOften},
	"reaps-early":                 {promising: (*plan).reapsOften},
	"reaps-unsynced":              {promising: anyPlan, point: mutant.AfterForget, shape: (*plan).forgetsOften},
}

// losesDeliveries makes hints the only copies there are, and has them lost on their way: with W=1 one node after the other is
// alone, and each link that it gets back is slow, and breaks when hints have been sent.
func (p *plan) losesDeliveries() {
	p.r, p.w, p.strict, p.sync, p.joins, p.nodes, p.destructible, p.events = 1, 1, false, engine.SyncAlways, 0, 5, nil, nil
	p.partings, p.loose = nil, false
	for i := range p.nodes {
		p.events = append(p.events, event{
			at: time.Duration(i) * 600 * time.Millisecond, lasts: 400 * time.Millisecond, nodes: []int{i}, delay: 50 * time.Millisecond,
			fault: aloneThenBreaking,
		})
	}
}

var aloneThenBreaking = &fault{
	text: nodeFor("node %d is cut off by resets for %s, and then its links are slow and break when they are up"),
	run: func(w *world, e event) {
		w.cut(e, memnet.Reset, true, true)
		self := w.host(e.nodes[0])
		for _, n := range w.c.Nodes {
			w.c.Net.SetDelay(self, n.Host, e.delay)
		}
		for end := time.Now().Add(2 * e.lasts); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			for _, n := range w.members[e.nodes[0]].running().node.Status().Nodes {
				if n.Alive && n.Host != self {
					w.c.Net.CutBoth(self, n.Host, memnet.Reset)
				}
			}
		}
		for _, n := range w.c.Nodes {
			w.c.Net.SetDelay(self, n.Host, 0)
		}
		w.links(e.nodes, w.c.Net.HealBoth)
	},
}

// joinsWithoutOne leaves the only copy of some writes at a node that is no primary any more when it is back. Without repair one
// primary misses writes of the two others; then one of these is away, the other forgets, and a node joins that takes
// slots of the one that is away. W is 2, so it may be filled without one primary.
func (p *plan) joinsWithoutOne() {
	p.r, p.w, p.strict, p.sync, p.joins, p.nodes, p.keys = 2, 2, true, engine.SyncAlways, 2, 5, 20
	p.timeout, p.safety, p.inline = 500*time.Millisecond, 6*time.Second, 0
	nodes := rand.New(rand.NewPCG(p.seed, 3)).Perm(p.nodes)
	away, misses, forgets := nodes[0], nodes[1], nodes[2]
	p.destructible = []int{forgets}
	at := func(tenths int, f *fault, lasts int, nodes ...int) {
		p.events = append(p.events, event{
			at: time.Duration(tenths) * 100 * time.Millisecond, lasts: time.Duration(lasts) * 100 * time.Millisecond,
			fault: f, nodes: nodes, seed: p.seed,
		})
	}
	p.events, p.partings, p.loose = nil, nil, false
	at(0, repairPaused, 60, nodes...)
	at(5, cutByResets, 10, misses)
	at(15, cutByResets, 45, away)
	at(15, forgetsHalf, 2, forgets)
	at(17, joinFault, 0, p.nodes)
	at(17, joinFault, 0, p.nodes+1)
}

// forgetsOften has tombstones go while one store syncs only now and then, by stopping in good order. It has then synced values whose
// removal it has not, and crashes when it has forgotten that. There are many keys, so that few are written again before the end.
func (p *plan) forgetsOften() {
	p.r, p.w, p.strict, p.sync, p.joins, p.nodes, p.partings, p.loose = 2, 2, true, engine.SyncNever, 0, 5, nil, false
	p.keys, p.hot, p.inline, p.classes, p.reapPause = 60, false, 0, plain, 50*time.Millisecond
	p.timeout, p.hedge, p.think, p.safety = 200*time.Millisecond, 5*time.Millisecond, 60*time.Millisecond, 8*time.Second
	forgets := int(p.seed) % p.nodes
	p.destructible, p.events = []int{forgets}, nil
	for _, at := range []time.Duration{2 * time.Second, 5 * time.Second} {
		p.events = append(p.events, event{at: at, lasts: 50 * time.Millisecond, fault: stopsInOrder, nodes: []int{forgets}})
	}
}
