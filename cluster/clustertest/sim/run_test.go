package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kindredkv/kindred/cluster/antientropy"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// simulate runs a plan and returns what it broke.
func (w *world) simulate() []violation {
	w.safety()
	w.calm()
	f, differing := w.converge()
	h := w.witness.history(w.recorded)
	broken := w.broken
	switch {
	case differing != "":
		broken = append(broken, violation{"cluster", fmt.Sprintf("after %s without faults: %s", convergeLimit, differing)})
	default:
		broken = append(broken, w.checkFinal(h, f)...)
	}
	if !w.plan.destroys() {
		broken = append(broken, checkMonotonic(h)...)
		if w.plan.r+w.plan.w > replicas && !w.plan.loose && (w.plan.strict || !standsIn) {
			broken = append(broken, checkReads(h)...)
		}
	}
	if len(broken) == 0 {
		f, broken = w.reap(f)
	}
	w.tell(h, f, broken)
	return broken
}

// checkFinal checks what the replicas have come to.
func (w *world) checkFinal(h *history, f final) []violation {
	var queues []violation
	w.queues, queues = checkQueues(h, f, classOf(jobs))
	return slices.Concat(
		checkPromise(h, f), checkCounters(h, f, classOf(counter)), checkSums(h, f, classOf(counter, resets)), queues, w.checkTrees(),
	)
}

// reap waits until tombstones are forgotten, and checks that all else is as it was.
func (w *world) reap(before final) (final, []violation) {
	for start := time.Now(); w.tombstones() > 0; time.Sleep(500 * time.Millisecond) {
		if time.Since(start) > convergeLimit {
			w.wrong("after %s without faults %d tombstones are still there: %s", convergeLimit, w.tombstones(), w.heldBack())
			break
		}
	}
	f, differing := w.converge()
	if differing != "" {
		w.wrong("after tombstones were forgotten: %s", differing)
		return before, w.broken
	}
	return f, append(w.broken, w.checkFinal(w.witness.history(w.recorded), f)...)
}

func (w *world) tombstones() (n int64) {
	for _, m := range w.members {
		if r := m.running(); r != nil {
			n += r.node.RepairStatus().Tombstones
		}
	}
	return n
}

// heldBack tells, for each node, how many tombstones it has and why it holds how many back.
func (w *world) heldBack() string {
	var b strings.Builder
	for i, m := range w.members {
		r := m.running()
		if r == nil {
			continue
		}
		s := r.node.RepairStatus()
		fmt.Fprintf(&b, "node %d has %d", i, s.Tombstones)
		for _, reason := range antientropy.Reasons() {
			if n := s.Held[reason]; n > 0 {
				fmt.Fprintf(&b, ", %s %d", reason, n)
			}
		}
		b.WriteString("; ")
	}
	return b.String()
}

func classOf(of ...string) func(string) bool {
	return func(key string) bool {
		for _, class := range of {
			if key[:1] == class {
				return true
			}
		}
		return false
	}
}

// safety lets clients work while faults strike.
func (w *world) safety() {
	for _, e := range w.plan.events {
		w.striking.Go(func() {
			time.Sleep(time.Until(w.began.Add(e.at)))
			w.log("begins: %s", e.fault.text(e))
			e.fault.run(w, e)
		})
	}
	var clients sync.WaitGroup
	for i := range w.plan.clients {
		c := &client{
			w: w, number: i, rng: rand.New(rand.NewPCG(w.plan.seed, uint64(100+i))), tokens: map[string]string{}, delivered: map[string]string{},
		}
		c.node = c.rng.IntN(len(w.members))
		clients.Go(c.work)
	}
	clients.Wait()
}

// calm ends the faults: everything is mended, and every node runs.
func (w *world) calm() {
	w.striking.Wait()
	w.c.Net.HealAll()
	for i := range w.members {
		for j := range w.members {
			w.c.Net.SetDelay(w.host(i), w.host(j), 0)
		}
		w.c.SetClock(i, 0)
		w.members[i].hold(func(m *member) {
			if m.running() == nil && !m.gone {
				w.start(m)
			}
		})
	}
	w.log("the faults are over")
}

// convergeLimit is how long, without faults, the replicas may take to become equal.
const convergeLimit = 2 * time.Minute

// converge waits until the replicas of every key are equal, and returns what they hold; or what is still different after
// convergeLimit.
func (w *world) converge() (f final, differing string) {
	for start := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		if differing = w.unsettled(); differing == "" {
			if f, differing = w.compare(); differing == "" {
				return f, ""
			}
		}
		if time.Since(start) > convergeLimit {
			return nil, differing
		}
	}
}

// unsettled says why the cluster is not yet whole.
func (w *world) unsettled() string {
	if away := w.part(); away != "" {
		return away
	}
	version := uint64(0)
	stay := w.staying()
	for _, m := range stay {
		i, r := m.index, m.running()
		if r == nil {
			return fmt.Sprintf("node %d does not run", i)
		}
		s := r.node.Status()
		if version == 0 {
			version = s.RingVersion
		}
		if s.RingVersion != version || len(s.Nodes) != len(stay) {
			return fmt.Sprintf("node %d knows another ring", i)
		}
		for _, other := range s.Nodes {
			if !other.Alive {
				return fmt.Sprintf("node %d has no connection to %s", i, other.Host)
			}
			if other.State != ring.Member.String() {
				return fmt.Sprintf("%s is %s", other.Host, other.State)
			}
		}
		if n := r.store.HintStats().Keys; n > 0 {
			return fmt.Sprintf("node %d has %d hints that were not delivered", i, n)
		}
		if slot, ok := leftover(r); ok {
			return fmt.Sprintf("node %d has a copy of slot %d that it has not handed over", i, slot)
		}
	}
	return ""
}

// leftover is a slot that a node holds something of and is no primary of.
func leftover(r *run) (object.Slot, bool) {
	table, self := r.node.Ring(), ring.NodeID(r.node.ID())
	for slot := range object.Slot(object.Slots) {
		if r.store.Tree(slot) != (merkle.Tree{}) && !slices.Contains(table.Primaries(slot), self) {
			return slot, true
		}
	}
	return 0, false
}

// compare compares the replicas of every key.
func (w *world) compare() (f final, differing string) {
	f = final{}
	for _, key := range w.keys() {
		k := object.Key{Name: key}
		for n, m := range w.primaries(k.Slot()) {
			r := m.running()
			if r == nil {
				return nil, fmt.Sprintf("node %d does not run", m.index)
			}
			o, err := r.store.Whole(k)
			switch {
			case err != nil:
				return nil, fmt.Sprintf("node %d: %s: %v", m.index, key, err)
			case o == nil:
				o = &object.Object{}
			}
			if n == 0 {
				f[key] = o
			} else if !bytes.Equal(object.Append(nil, f[key]), object.Append(nil, o)) {
				return nil, fmt.Sprintf("%s differs on node %d\n%s\n%s", key, m.index, showObject(f[key]), showObject(o))
			}
			if !o.Tombstone() && o.Expired(time.Now().UnixMilli()) {
				return nil, fmt.Sprintf("%s has expired and is still there", key)
			}
		}
	}
	return f, ""
}

func showObject(o *object.Object) string { return fmt.Sprintf("    %+v", *o) }

func (w *world) primaries(slot object.Slot) (out []*member) {
	node := 0
	r := w.running(&node)
	if r == nil {
		return nil
	}
	for _, id := range r.node.Ring().Primaries(slot) {
		for i, n := range w.c.Nodes {
			if n.ID == id {
				out = append(out, w.members[i])
			}
		}
	}
	return out
}

// checkTrees checks that every node's trees are those of its data, and that those of a slot's replicas are equal.
func (w *world) checkTrees() (out []violation) {
	var all engine.SlotSet
	for slot := range object.Slot(object.Slots) {
		all.Add(slot)
	}
	for _, m := range w.staying() {
		i, r := m.index, m.running()
		if r == nil {
			return append(out, violation{"cluster", fmt.Sprintf("node %d does not run", i)})
		}
		want := map[object.Slot]*merkle.Tree{}
		err := r.store.Scan(&all, engine.Place{}, func(p engine.Place, key object.Key, o *object.Object) bool {
			if want[p.Slot] == nil {
				want[p.Slot] = &merkle.Tree{}
			}
			want[p.Slot].Replace(p.At.Bucket(), 0, merkle.Leaf(key, o.Context.Digest()))
			return true
		})
		if err != nil {
			return append(out, violation{"cluster", fmt.Sprintf("node %d: %v", i, err)})
		}
		if n := r.node.RepairStatus().Mended; n > 0 {
			out = append(out, violation{"cluster", fmt.Sprintf("node %d: %d trees were wrong and have been mended", i, n)})
		}
		for slot := range object.Slot(object.Slots) {
			have, tree := r.store.Tree(slot), want[slot]
			if tree == nil {
				tree = &merkle.Tree{}
			}
			if have != *tree {
				out = append(out, violation{"cluster", fmt.Sprintf("node %d: the tree of slot %d is not that of its data", i, slot)})
			}
		}
	}
	return append(out, w.checkEqualTrees()...)
}

func (w *world) checkEqualTrees() (out []violation) {
	for _, key := range w.keys() {
		slot := object.SlotOf(key)
		replicas := w.primaries(slot)
		first := replicas[0].running().store.Tree(slot)
		for _, m := range replicas[1:] {
			if tree := m.running().store.Tree(slot); tree.Root() != first.Root() {
				out = append(out, violation{key, fmt.Sprintf("nodes %d and %d have different trees of slot %d", replicas[0].index, m.index, slot)})
			}
		}
	}
	return out
}

// tell prints what was broken, with the story of the first keys concerned.
func (w *world) tell(h *history, f final, broken []violation) {
	count := map[outcome]int{}
	for _, o := range h.ops {
		count[o.outcome]++
	}
	var repaired, reaped uint64
	for _, m := range w.members {
		if r := m.running(); r != nil {
			s := r.node.RepairStatus()
			repaired, reaped = repaired+s.Pulled+s.Pushed, reaped+s.Reaped
		}
	}
	fmt.Printf("  %d commands: %d acknowledged, %d indeterminate, %d refused; %d keys repaired, %d tombstones forgotten; %d violations\n",
		len(h.ops), count[acknowledged], count[indeterminate], count[refused], repaired, reaped, len(broken))
	if w.queues.pushed > 0 {
		fmt.Printf("  %s\n", w.queues)
	}
	told := map[string]bool{}
	for i, v := range broken {
		if i == 20 {
			fmt.Printf("  … and %d more\n", len(broken)-i)
			break
		}
		fmt.Printf("  BROKEN %s\n", v)
		if len(told) < 2 && !told[v.key] && h.changes[v.key] != nil {
			told[v.key] = true
			defer fmt.Printf("  the story of %s:\n%s", v.key, h.story(v.key, f.of(v.key)))
		}
	}
}
