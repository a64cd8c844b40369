package antientropy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster/pace"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// Tombstones are reaped by the first primary of their slot, for all nodes:
//
//  1. Every node of the cluster is asked. All primaries must hold the same tombstone and have it on disk; the others must
//     hold it too, or nothing; none may have hints of the slot.
//  2. It waits until no message from before can arrive any more. Nobody who answered makes older ones.
//  3. It asks again, and nothing may have changed.
//  4. Every node forgets it, if it is still the one; this node last, and only when all others have.
//
// A node that cannot be reached in any step stops it. Where step 4 came only half way the tombstone returns from those
// that still hold it, and is reaped later.
const (
	// reapPause is the mean pause between two ways through the slots, if nothing else is said.
	reapPause = 5 * time.Second
	// lateFactor is how many times as long as the oldest message step 2 waits: once for messages, once for what holds up
	// the processes at either end.
	lateFactor = 2
	// forgetTries and forgetPause are how often, and after what pause, a node is told to forget.
	forgetTries = 3
	forgetPause = time.Second
	// rowCost is about what looking at a row costs, in bytes of the rate.
	rowCost = 64
)

// reapLoop reaps for ever.
func (r *Repairer) reapLoop(ctx context.Context) {
	for pace.Sleep(ctx, r.jittered(r.o.ReapPause)) == nil && r.pace.Wait(ctx) == nil {
		if err := r.reapAll(ctx); err != nil && ctx.Err() == nil {
			r.o.Logger.Debug("reaping broke off", "error", err)
		}
	}
}

// reaping is one way through the tombstones of the slots that this node is the first primary of.
type reaping struct {
	r     *Repairer
	table *ring.Table
	nodes []ring.NodeID // all others
	from  engine.Place
	held  [reasons]int64
}

// reapAll goes through all tombstones once. What was held back is shown until the next time.
func (r *Repairer) reapAll(ctx context.Context) error {
	w := &reaping{r: r, table: r.o.Ring()}
	for _, n := range w.table.Nodes() {
		if n.ID != r.o.Self {
			w.nodes = append(w.nodes, n.ID)
		}
	}
	slots := w.slots()
	err := w.through(ctx, slots)
	r.mu.Lock()
	r.held = w.held
	r.mu.Unlock()
	return err
}

// slots are those with tombstones that this node is the first primary of.
func (w *reaping) slots() *engine.SlotSet {
	set := &engine.SlotSet{}
	for slot := range object.Slot(object.Slots) {
		primaries := w.table.Primaries(slot)
		if len(primaries) > 0 && primaries[0] == w.r.o.Self && w.r.o.Store.TombstonesOf(slot) > 0 {
			set.Add(slot)
		}
	}
	return set
}

func (w *reaping) through(ctx context.Context, slots *engine.SlotSet) error {
	if reason, ok := w.hindered(); ok {
		w.held[reason] += w.r.o.Store.Tombstones(slots)
		return nil
	}
	for more := true; more; {
		if err := w.r.pace.Wait(ctx); err != nil {
			return err
		}
		var items []item
		var err error
		if items, more, err = w.gather(slots); err == nil && len(items) > 0 {
			err = w.reap(ctx, items)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hindered reports why nothing can be reaped at present.
func (w *reaping) hindered() (Reason, bool) {
	if w.table.Changing() || w.r.o.Ring() != w.table {
		return HeldChanging, true
	}
	for _, id := range w.nodes {
		if !w.r.o.Peers.Up(string(id)) {
			return HeldAway, true
		}
	}
	return 0, false
}

// gather takes the next tombstones that are not too young.
func (w *reaping) gather(slots *engine.SlotSet) (items []item, more bool, err error) {
	young := w.r.o.Now().Add(-lateFactor * w.r.o.Settings().Oldest).UnixMilli()
	rows, names := 0, 0
	err = w.r.o.Store.Scan(slots, w.from, func(p engine.Place, key object.Key, o *object.Object) bool {
		if (len(items) >= tombstonesAtOnce/2 || names >= tombstonesBytes) && p != w.from {
			w.from, more = p, true
			return false
		}
		w.from = p
		rows++
		switch {
		case !o.Tombstone():
		case w.r.o.Without&RuleLate == 0 && o.Context.Newest().Milliseconds() > young:
			w.held[HeldYoung]++
		case len(items) < tombstonesAtOnce:
			items = append(items, item{key, o.Context.Digest()})
			names += len(key.Name)
		}
		return true
	})
	w.r.pace.Spend(rows * rowCost)
	return items, more, err
}

// reap takes some tombstones through the four steps.
func (w *reaping) reap(ctx context.Context, items []item) error {
	returned := w.r.returned.Load()
	before, err := w.ask(ctx, items)
	if err != nil {
		return w.holdAll(items, err)
	}
	agreed, indices := w.agreed(items, before)
	if len(agreed) == 0 {
		return nil
	}
	if w.r.o.Without&RuleLate == 0 {
		if err := pace.Sleep(ctx, lateFactor*oldestOf(before)); err != nil {
			return err
		}
		after, err := w.ask(ctx, agreed)
		if err != nil {
			return w.holdAll(agreed, err)
		}
		var last []item
		for i := range agreed {
			held, ok := verdict(after, i, w.r.o.Without)
			switch {
			case !ok:
				w.held[held]++
			case !steady(before, after, indices[i], i):
				w.held[HeldDiffers]++
			default:
				last = append(last, agreed[i])
			}
		}
		agreed = last
	}
	if reason, ok := w.hindered(); ok || w.r.returned.Load() != returned {
		w.held[reason] += int64(len(agreed)) // a node that came back was away
		return nil
	}
	return w.forget(ctx, agreed)
}

// holdAll notes that a question about tombstones was not answered.
func (w *reaping) holdAll(items []item, err error) error {
	reason := HeldAway
	if errors.Is(err, ErrNotShared) {
		reason = HeldChanging
	}
	w.held[reason] += int64(len(items))
	return err
}

// agreed are the tombstones that all nodes agree about, with their indices.
func (w *reaping) agreed(items []item, opinions []*opinion) (out []item, indices []int) {
	for i := range items {
		held, ok := verdict(opinions, i, w.r.o.Without)
		if !ok {
			w.held[held]++
			continue
		}
		out, indices = append(out, items[i]), append(indices, i)
	}
	return out, indices
}

func oldestOf(opinions []*opinion) time.Duration {
	var oldest time.Duration
	for _, o := range opinions {
		oldest = max(oldest, o.oldest)
	}
	return oldest
}

// ask asks every node, this one first.
func (w *reaping) ask(ctx context.Context, items []item) ([]*opinion, error) {
	question := appendAgreeRequest(w.table.Version(), items)
	own, err := w.r.serveAgree(question)
	if err != nil {
		return nil, err
	}
	answers, err := w.all(ctx, kindAgree, question)
	if err != nil {
		return nil, err
	}
	var opinions []*opinion
	for _, answer := range append([][]byte{own}, answers...) {
		o, err := decodeOpinion(answer, len(items))
		if err != nil {
			return nil, err
		}
		opinions = append(opinions, o)
	}
	return opinions, nil
}

// all sends a message to all other nodes, one after the other.
func (w *reaping) all(ctx context.Context, kind uint8, message []byte) ([][]byte, error) {
	var answers [][]byte
	for _, id := range w.nodes {
		answer, err := w.r.call(ctx, id, kind, message)
		if err != nil {
			return nil, fmt.Errorf("node %.8s: %w", id, err)
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// forget has all nodes forget tombstones.
func (w *reaping) forget(ctx context.Context, items []item) error {
	if len(items) == 0 {
		return nil
	}
	var message []byte
	for _, i := range items {
		message = appendItem(message, i.key, i.digest)
	}
	for _, id := range w.nodes {
		var err error
		for try := range forgetTries {
			if try > 0 && pace.Sleep(ctx, forgetPause) != nil {
				return ctx.Err()
			}
			if _, err = w.r.call(ctx, id, kindForget, message); err == nil {
				break
			}
		}
		if err != nil {
			return w.holdAll(items, err)
		}
	}
	reaped, err := w.r.forget(items)
	w.r.stats.reaped.Add(uint64(reaped))
	return err
}

// serveAgree says what this node has of some tombstones. What it has is on disk when it answers.
func (r *Repairer) serveAgree(payload []byte) ([]byte, error) {
	version, items, err := decodeAgreeRequest(payload)
	if err != nil {
		return nil, err
	}
	table := r.o.Ring()
	if table.Version() != version || table.Changing() {
		return nil, ErrNotShared
	}
	o := &opinion{oldest: min(r.o.Settings().Oldest, maxOldest)}
	for _, i := range items {
		slot := i.key.Slot()
		changed := r.o.Store.Changed(slot)
		own, err := r.o.Store.Get(i.key)
		s := state{state: agreeDiffers}
		switch {
		case err != nil:
			return nil, err
		case r.o.Hints(slot):
			s.state = agreeHints
		case i.isTombstone(own):
			s.state = agreeHolds
		case own == nil && !slices.Contains(table.Primaries(slot), r.o.Self):
			s = state{agreeNothing, changed}
		}
		o.states = append(o.states, s)
	}
	mark := r.o.Store.SyncMark()
	if !r.o.Store.Synced(mark) && r.o.Without&RuleSynced == 0 {
		if err := r.o.Store.Sync(); err != nil {
			return nil, fmt.Errorf("sync: %w", err)
		}
	}
	return o.append(nil), nil
}

// serveForget forgets tombstones that all nodes hold.
func (r *Repairer) serveForget(payload []byte) ([]byte, error) {
	items, err := decodeItems(payload, tombstonesAtOnce)
	if err == nil {
		_, err = r.forget(items)
	}
	return nil, err
}

// Run forgets the tombstone if it is still there, and the same.
func (f *forgetting) Run(tx *engine.Tx) {
	if f.isTombstone(tx.Raw(f.key)) {
		tx.Forget(f.key)
	}
}

// forget forgets those tombstones that this store still has, and returns how many.
func (r *Repairer) forget(items []item) (forgot int, err error) {
	return forgetAll(r.o.Store, items, func(i item) engine.Body { return &forgetting{i} })
}

// forgetAll runs a body for each item that may forget its key, and returns how many have.
func forgetAll(store *engine.Store, items []item, body func(item) engine.Body) (forgot int, err error) {
	tasks := make([]*engine.Task, len(items))
	for i := range items {
		tasks[i] = &engine.Task{Slot: items[i].key.Slot(), Body: body(items[i])}
	}
	done := make(chan struct{})
	if !store.Do(tasks, func() { close(done) }) {
		<-done
	}
	for _, t := range tasks {
		if t.Err != nil {
			return forgot, t.Err
		}
		forgot += len(t.Changes)
	}
	if forgot > 0 {
		mutant.Reach(mutant.AfterForget, uint64(store.Node()))
	}
	return forgot, nil
}
