package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"github.com/kindredkv/kindred/cluster/clustertest"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
	"github.com/kindredkv/kindred/engine"
)

// fault is one kind of fault.
type fault struct {
	// stops says that it takes a node down, so that nothing else may be done to the node meanwhile.
	stops bool
	// destroys says that a store may lose what it has acknowledged.
	destroys bool
	weight   int
	victims  func(p *plan, rng *rand.Rand) []int
	text     func(e event) string
	run      func(w *world, e event)
}

// faultsOf are the faults that a plan may have, each as often as it weighs.
func faultsOf(p *plan, rng *rand.Rand) []*fault {
	var out []*fault
	for _, f := range allFaults {
		if f.destroys && len(p.destructible) == 0 || rng.IntN(3) == 0 { // a third of the kinds rests, so that others pile up
			continue
		}
		for range f.weight {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		out = append(out, allFaults[0])
	}
	return out
}

func anyNode(p *plan, rng *rand.Rand) []int { return []int{rng.IntN(p.all())} }

func someNodes(p *plan, rng *rand.Rand) []int {
	out := rng.Perm(p.all())[:1+rng.IntN(p.all()-1)]
	slices.Sort(out)
	return out
}

func twoNodes(p *plan, rng *rand.Rand) []int { return rng.Perm(p.all())[:2] }

func victim(p *plan, rng *rand.Rand) []int {
	if len(p.destructible) == 0 {
		return nil
	}
	return []int{p.destructible[rng.IntN(len(p.destructible))]}
}

// crashable nodes lose nothing acknowledged when they crash, or are allowed to.
func crashable(p *plan, rng *rand.Rand) []int {
	if p.sync == engine.SyncAlways {
		return anyNode(p, rng)
	}
	return victim(p, rng)
}

func describe(format string, what func(e event) []any) func(event) string {
	return func(e event) string { return fmt.Sprintf(format, what(e)...) }
}

func nodeFor(format string) func(event) string {
	return describe(format, func(e event) []any { return []any{e.nodes[0], e.lasts} })
}

func nodesFor(format string) func(event) string {
	return describe(format, func(e event) []any { return []any{e.nodes, e.lasts} })
}

// joinFault lets a node join. It is no fault, but strikes among them.
var joinFault = &fault{
	text: describe("node %d joins", func(e event) []any { return []any{e.nodes[0]} }),
	run: func(w *world, e event) {
		w.members[e.nodes[0]].hold(func(m *member) { w.start(m) })
	},
}

// Faults that plans of broken rules have, too.
var forgetsHalf = &fault{
	weight: 3, destroys: true, victims: victim, text: nodeFor("node %d forgets half of its keys, again and again for %s"),
	run: func(w *world, e event) {
		rng := rand.New(rand.NewPCG(e.seed, 0))
		for end := time.Now().Add(e.lasts); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			w.forget(w.members[e.nodes[0]], rng)
		}
	},
}

var cutByResets = &fault{
	weight: 2, victims: someNodes, text: nodesFor("nodes %v are cut off the others by resets, for %s"),
	run: func(w *world, e event) { w.cut(e, memnet.Reset, true, true) },
}

var repairPaused = &fault{
	weight: 2, victims: someNodes, text: nodesFor("the repair of nodes %v is paused for %s"), run: pauseRepair,
}

var stopsInOrder = &fault{
	weight: 2, stops: true, victims: anyNode, text: nodeFor("node %d stops in good order for %s"),
	run: func(w *world, e event) {
		w.members[e.nodes[0]].hold(func(m *member) {
			if w.stop(m) {
				time.Sleep(e.lasts)
				w.start(m)
			}
		})
	},
}

var allFaults = []*fault{
	{
		weight: 6, stops: true, victims: crashable,
		text: describe("node %d crashes and keeps %d %% of what it had not synced, for %s",
			func(e event) []any { return []any{e.nodes[0], e.percent, e.lasts} }),
		run: func(w *world, e event) { w.down(e, e.percent, func(*member) {}) },
	},
	stopsInOrder,
	{
		weight: 3, stops: true, destroys: true, victims: victim, text: nodeFor("node %d loses its disk, and is away for %s"),
		run: func(w *world, e event) { w.down(e, 0, func(m *member) { w.c.Wipe(m.index) }) },
	},
	{
		weight: 3, stops: true, destroys: true, victims: victim,
		text: nodeFor("what node %d sends is held back, and it loses its disk %s later"),
		run: func(w *world, e event) {
			go w.cut(e, memnet.Silent, true, false)
			time.Sleep(e.lasts)
			w.down(event{nodes: e.nodes, lasts: 300 * time.Millisecond}, 0, func(m *member) { w.c.Wipe(m.index) })
		},
	},
	{
		weight: 3, stops: true, destroys: true, victims: victim,
		text: describe("node %d's disk is copied, and %s later it is put back to that",
			func(e event) []any { return []any{e.nodes[0], e.lasts} }),
		run: rollBack,
	},
	{
		weight: 2, stops: true, destroys: true, victims: victim,
		text: describe("node %d stops in good order and its disk is copied; it goes on, and %s later it is put back to that",
			func(e event) []any { return []any{e.nodes[0], e.lasts} }),
		run: rollBackClean,
	},
	forgetsHalf,
	{
		weight: 2, stops: true, destroys: true, victims: victim, text: nodeFor("bits flip on node %d's disk, which crashes and is away for %s"),
		run: func(w *world, e event) {
			rng := rand.New(rand.NewPCG(e.seed, 0))
			w.down(e, 100, func(m *member) {
				m.damaged.Store(true)
				for range 1 + rng.IntN(3) {
					w.log("a bit flips: node %d %s", m.index, w.c.FlipBit(m.index, rng))
				}
			})
		},
	},
	{
		weight: 2, stops: true, victims: crashable, text: nodeFor("node %d's disk fails, and is mended after %s"),
		run: func(w *world, e event) { w.failDisk(e, syscall.EIO) },
	},
	{
		weight: 2, stops: true, victims: crashable, text: nodeFor("node %d's disk is full for %s"),
		run: func(w *world, e event) { w.failDisk(e, syscall.ENOSPC) },
	},
	{
		weight: 3, victims: someNodes, text: nodesFor("nodes %v are cut off the others, silently, for %s"),
		run: func(w *world, e event) { w.cut(e, memnet.Silent, true, true) },
	},
	cutByResets,
	{
		weight: 2, victims: someNodes, text: nodesFor("what nodes %v send to the others is held back for %s"),
		run: func(w *world, e event) { w.cut(e, memnet.Silent, true, false) },
	},
	{
		weight: 2, victims: twoNodes, text: nodesFor("the way from the first to the second of %v is cut for %s"),
		run: func(w *world, e event) {
			from, to := w.host(e.nodes[0]), w.host(e.nodes[1])
			w.c.Net.Cut(from, to, memnet.Silent)
			time.Sleep(e.lasts)
			w.c.Net.Heal(from, to)
		},
	},
	{
		weight: 2, victims: anyNode, text: nodeFor("all but node %d, the bridge, are in two halves for %s"), run: bridge,
	},
	{
		weight: 2, victims: someNodes, text: nodesFor("the links of nodes %v flap for %s"),
		run: func(w *world, e event) {
			for end := time.Now().Add(e.lasts); time.Now().Before(end); time.Sleep(70 * time.Millisecond) {
				part := e
				part.lasts = 50 * time.Millisecond
				w.cut(part, memnet.Mode(e.seed%2), true, true)
			}
		},
	},
	{
		weight: 2, victims: someNodes, text: nodesFor("the links of nodes %v stop one by one and come back in another order, within %s"), run: swizzle,
	},
	{
		weight: 2, victims: someNodes,
		text: describe("what nodes %v send takes %s, for %s", func(e event) []any { return []any{e.nodes, e.delay, e.lasts} }),
		run:  slow,
	},
	{
		weight: 2, victims: someNodes,
		text: describe("links of nodes %v delay by up to %s, ever anew, for %s", func(e event) []any { return []any{e.nodes, e.delay, e.lasts} }),
		run:  reorder,
	},
	{
		weight: 2, victims: someNodes, text: nodesFor("links of nodes %v are reset again and again, for %s"), run: lossy,
	},
	repairPaused,
	{
		weight: 2, victims: anyNode,
		text: describe("node %d's clock jumps to %s beside the true time", func(e event) []any { return []any{e.nodes[0], skew(e)} }),
		run:  func(w *world, e event) { w.c.SetClock(e.nodes[0], skew(e)) },
	},
}

// skew is within the drift that is allowed: clocks of two nodes differ by at most 5 s, and readings of a store that has
// crashed, or whose clock has jumped back, are ahead of its own by no more than that.
func skew(e event) time.Duration {
	return time.Duration(e.seed%5001)*time.Millisecond - 2500*time.Millisecond
}

// pauseRepair keeps nodes from repairing and reaping. Those that start meanwhile do both.
func pauseRepair(w *world, e event) {
	pause := func(paused bool) {
		for _, i := range e.nodes {
			if r := w.members[i].running(); r != nil {
				r.node.RepairPause(paused)
			}
		}
	}
	pause(true)
	time.Sleep(e.lasts)
	pause(false)
}

func rollBack(w *world, e event) {
	m := w.members[e.nodes[0]]
	var image clustertest.Image
	copied := false
	m.hold(func(m *member) {
		if m.running() != nil {
			image, copied = w.c.Image(m.index), true
		}
	})
	time.Sleep(e.lasts)
	if copied {
		w.putBack(e, image)
	}
}

// rollBackClean puts back a backup: a copy of the disk of a store that was closed in good order.
func rollBackClean(w *world, e event) {
	m := w.members[e.nodes[0]]
	var image clustertest.Image
	copied := false
	m.hold(func(m *member) {
		if w.stop(m) {
			image, copied = w.c.Image(m.index), true
			w.start(m)
		}
	})
	time.Sleep(e.lasts)
	if copied {
		w.putBack(e, image)
	}
}

// putBack gives a node the copy of its disk. The others may notice, and have it set aside.
func (w *world) putBack(e event, image clustertest.Image) {
	w.down(event{nodes: e.nodes, lasts: 200 * time.Millisecond}, 0, func(m *member) {
		m.damaged.Store(true)
		w.c.Restore(m.index, image)
	})
}

func (w *world) host(node int) string { return w.c.Nodes[node].Host }

// links calls visit with every link from one of the nodes to one of the others.
func (w *world) links(nodes []int, visit func(from, to string)) {
	for i := range w.c.Nodes {
		if slices.Contains(nodes, i) {
			continue
		}
		for _, j := range nodes {
			visit(w.host(j), w.host(i))
		}
	}
}

func (w *world) cut(e event, mode memnet.Mode, out, in bool) {
	w.links(e.nodes, func(from, to string) {
		if out {
			w.c.Net.Cut(from, to, mode)
		}
		if in {
			w.c.Net.Cut(to, from, mode)
		}
	})
	time.Sleep(e.lasts)
	w.links(e.nodes, w.c.Net.HealBoth)
}

func bridge(w *world, e event) {
	rng := rand.New(rand.NewPCG(e.seed, 0))
	var halves [2][]string
	for n, i := range rng.Perm(len(w.c.Nodes)) {
		if i != e.nodes[0] {
			halves[n%2] = append(halves[n%2], w.host(i))
		}
	}
	w.c.Net.Partition(memnet.Silent, halves[0], halves[1])
	time.Sleep(e.lasts)
	for _, a := range halves[0] {
		for _, b := range halves[1] {
			w.c.Net.HealBoth(a, b)
		}
	}
}

func swizzle(w *world, e event) {
	rng := rand.New(rand.NewPCG(e.seed, 0))
	pause := e.lasts / time.Duration(2*len(e.nodes))
	for _, i := range rng.Perm(len(e.nodes)) {
		w.links(e.nodes[i:i+1], func(from, to string) { w.c.Net.CutBoth(from, to, memnet.Silent) })
		time.Sleep(pause)
	}
	for _, i := range rng.Perm(len(e.nodes)) {
		w.links(e.nodes[i:i+1], w.c.Net.HealBoth)
		time.Sleep(pause)
	}
}

func slow(w *world, e event) {
	set := func(d time.Duration) {
		w.links(e.nodes, func(from, to string) { w.c.Net.SetDelay(from, to, d) })
	}
	set(e.delay)
	time.Sleep(e.lasts)
	set(0)
}

// reorder lets messages on different links overtake each other.
func reorder(w *world, e event) {
	rng := rand.New(rand.NewPCG(e.seed, 0))
	for end := time.Now().Add(e.lasts); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		w.links(e.nodes, func(from, to string) {
			w.c.Net.SetDelay(from, to, upTo(rng, e.delay))
			w.c.Net.SetDelay(to, from, upTo(rng, e.delay))
		})
	}
	w.links(e.nodes, func(from, to string) {
		w.c.Net.SetDelay(from, to, 0)
		w.c.Net.SetDelay(to, from, 0)
	})
}

// lossy breaks connections, as a network that loses too much does.
func lossy(w *world, e event) {
	rng := rand.New(rand.NewPCG(e.seed, 0))
	for end := time.Now().Add(e.lasts); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		w.links(e.nodes, func(from, to string) {
			if rng.IntN(20) == 0 {
				w.c.Net.Cut(from, to, memnet.Reset)
				w.c.Net.Heal(from, to)
			}
		})
	}
}
