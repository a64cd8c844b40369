package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
)

// parting is a node that ceases to be part of the cluster: it leaves, or dies for good and is removed or replaced. Who dies is one
// of the nodes that may be destroyed.
type parting struct {
	node  int
	kind  cluster.ChangeKind
	by    int // who takes its place; 0 for nobody
	at    time.Duration
	lasts time.Duration // from its death until somebody says that it is gone
}

func (d *parting) dies() bool { return d.kind != cluster.ChangeLeave }

// drawPartings has some nodes part. N stay at least.
func (p *plan) drawPartings(rng *rand.Rand) {
	for _, kind := range []cluster.ChangeKind{cluster.ChangeLeave, cluster.ChangeLeave, cluster.ChangeRemove, cluster.ChangeReplace} {
		d := parting{kind: kind, node: rng.IntN(p.nodes), at: upTo(rng, p.safety*3/4), lasts: upTo(rng, 4*time.Second)}
		drawn := rng.IntN(5) == 0
		if d.dies() && len(p.destructible) > 0 {
			d.node = pick(rng, p.destructible...)
		}
		switch {
		case !drawn || d.dies() && len(p.destructible) == 0 || d.node >= p.nodes || p.parts(d.node) != nil:
			continue
		case p.nodes-len(p.partings) <= replicas:
			return
		case kind == cluster.ChangeReplace:
			d.by = p.all()
		}
		p.partings = append(p.partings, d)
	}
}

// parts is how a node parts, nil for one that stays.
func (p *plan) parts(node int) *parting {
	for i := range p.partings {
		if p.partings[i].node == node {
			return &p.partings[i]
		}
	}
	return nil
}

func (d *parting) fault() *fault {
	does := map[cluster.ChangeKind]string{
		cluster.ChangeLeave: "leaves", cluster.ChangeRemove: "dies and is removed", cluster.ChangeReplace: fmt.Sprintf("dies, and node %d takes its place", d.by),
	}
	return &fault{
		destroys: d.dies(),
		text:     describe("node %d %s", func(e event) []any { return []any{e.nodes[0], does[d.kind]} }),
		run:      func(w *world, e event) { w.begin(d) },
	}
}

// begin has a node part: it dies, if it does, and in the end somebody is told.
func (w *world) begin(d *parting) {
	if d.by > 0 {
		w.members[d.by].hold(func(m *member) { w.start(m) })
	}
	if d.dies() {
		w.members[d.node].hold(func(m *member) {
			w.kill(m, 0)
			m.gone = true
		})
		time.Sleep(d.lasts)
	}
	for w.now() < w.plan.safety && !w.commit(d) {
		time.Sleep(200 * time.Millisecond)
	}
}

// change is what is asked for.
func (w *world) change(d *parting) cluster.RingChange {
	c := cluster.RingChange{Kind: d.kind, Node: string(w.c.Nodes[d.node].ID)}
	if d.by > 0 {
		c.By = string(w.c.Nodes[d.by].ID)
	}
	return c
}

// commit asks some node for the change. It reports whether the node has taken it.
func (w *world) commit(d *parting) bool {
	for _, i := range rand.New(rand.NewPCG(w.plan.seed, uint64(w.now()))).Perm(len(w.members)) {
		if r := w.members[i].running(); r != nil && w.plan.parts(i) == nil {
			err := r.node.RingCommit(w.change(d))
			w.log("node %d is told of the parting of node %d: %v", i, d.node, err)
			return err == nil
		}
	}
	return false
}

// staying are the nodes that are there at the end.
func (w *world) staying() (out []*member) {
	for i, m := range w.members {
		if w.plan.parts(i) == nil {
			out = append(out, m)
		}
	}
	return out
}

// part insists on partings that faults have kept from coming about, of two that were asked for at once one is lost, and says which
// have not. Who has left, and holds nothing any more, is stopped.
func (w *world) part() (open string) {
	r := w.staying()[0].running()
	if r == nil {
		return "a node does not run"
	}
	states := map[string]string{}
	for _, n := range r.node.Status().Nodes {
		states[n.ID] = n.State
	}
	for i := range w.plan.partings {
		d := &w.plan.partings[i]
		state, known := states[string(w.c.Nodes[d.node].ID)]
		if d.by > 0 && !known && states[string(w.c.Nodes[d.by].ID)] == ring.Joining.String() {
			_ = r.node.RingCommit(cluster.RingChange{Kind: cluster.ChangeJoin, Node: string(w.c.Nodes[d.by].ID)}) // it may be under way
		}
		if state == ring.Member.String() {
			w.commit(d)
		}
		switch {
		case known:
			open = fmt.Sprintf("node %d has yet to part, it is %s", d.node, state)
		case !w.left(w.members[d.node]):
			open = fmt.Sprintf("node %d holds something, and has left", d.node)
		}
	}
	return open
}

// left stops a node that has left.
func (w *world) left(m *member) (left bool) {
	m.hold(func(m *member) {
		if r := m.running(); r != nil {
			all := &engine.SlotSet{}
			for i := range all {
				all[i] = math.MaxUint64
			}
			if r.store.Count(all, 0) > 0 {
				return
			}
			w.stop(m)
			m.gone = true
		}
		left = true
	})
	return left
}
