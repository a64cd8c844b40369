package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/kindredkv/kindred/engine/object"
)

// changeLimit is how long a change of the ring may take.
const changeLimit = 10 * time.Minute

// handedOver are figures of changes of the ring, summed over nodes.
type handedOver struct{ bytes, pageBytes, pageKeys int64 }

func (w *ward) handedOver(nodes []int) (h handedOver, err error) {
	for field, to := range map[string]*int64{
		"handoff_bytes": &h.bytes, "handoff_bytes_fetched": &h.pageBytes, "handoff_keys_fetched": &h.pageKeys,
	} {
		if *to, err = w.info(field, nodes...); err != nil {
			return h, err
		}
	}
	return h, nil
}

// change watches a change of the ring: from begin until done, and on until nobody holds a copy too many. The figures are those of the
// nodes that stay, and of fresh ones, which run only once it has begun. slots tells afterwards of how many slots a copy had to be moved.
func (w *ward) change(r *recovery, stay, fresh []int, slots func() (int64, error), begin func() error, done func() (bool, error)) error {
	var err error
	if r.healthy, err = w.healthy(); err != nil {
		return err
	}
	before, err := w.handedOver(stay)
	if err != nil {
		return err
	}
	r.during, err = w.watch(func() error {
		began := time.Now()
		if err := begin(); err != nil {
			return err
		}
		_, err := await(changeLimit, done)
		r.took = time.Since(began)
		return err
	})
	if err != nil {
		return err
	}
	all := append(append([]int(nil), stay...), fresh...)
	if _, err := await(changeLimit, func() (bool, error) {
		left, err := w.info("handoff_leftover_slots", all...)
		return left == 0, err
	}); err != nil {
		return err
	}
	after, err := w.handedOver(all)
	if err != nil {
		return err
	}
	moved, err := slots()
	if err != nil {
		return err
	}
	c := w.client(0)
	defer c.Close()
	keys, err := c.DBSize(context.Background()).Result()
	if err != nil {
		return err
	}
	r.moved = after.bytes - before.bytes
	if fetched := after.pageKeys - before.pageKeys; fetched > 0 {
		each := float64(after.pageBytes-before.pageBytes) / float64(fetched)
		r.ideal = int64(each * float64(keys) * float64(moved) / object.Slots)
	}
	r.amount = fmt.Sprintf("%d keys, %d copies to move", keys, keys*moved/object.Slots)
	return nil
}

// start starts a node more, or again, on an empty disk.
func (w *ward) start(node int, args ...string) error {
	port := w.port(node)
	dir := filepath.Join(w.dir, fmt.Sprintf("kindred-%d-%d", port, time.Now().UnixNano()))
	args = append([]string{"--join", fmt.Sprint("127.0.0.1:", w.port(0))}, args...)
	p, err := w.launch(dir, port, w.settings.kindred, kindredArgs(port, filepath.Join(dir, "data"), args...)...)
	if node < len(w.system.processes) {
		w.system.processes[node] = p
	} else {
		w.system.processes = append(w.system.processes, p)
	}
	return err
}

// isMember reports whether a node calls itself a member.
func (w *ward) isMember(node int) func() (bool, error) {
	return func() (bool, error) {
		state, err := w.text("node_state", node)
		return state == "member", err
	}
}

// replicated are the slots that a node is to hold a copy of.
func (w *ward) replicated(node int) (int64, error) { return w.info("slots_replicated", node) }

// join starts a fourth node, and waits until it is a member.
func (w *ward) join() (r recovery, err error) {
	r.name = "a fourth node joins"
	err = w.change(&r, []int{0, 1, 2}, []int{3}, func() (int64, error) { return w.replicated(3) }, func() error { return w.start(3) }, w.isMember(3))
	if err == nil {
		r.lost, err = w.missing(3, "key:", w.keys)
	}
	return r, err
}

// leave has the fourth node leave, and stops it.
func (w *ward) leave() (r recovery, err error) {
	r.name = "one of four nodes leaves"
	held, err := w.replicated(3)
	if err != nil {
		return r, err
	}
	id, err := w.text("node_id", 3)
	if err != nil {
		return r, err
	}
	begin := func() error { return w.ring("LEAVE", id) }
	done := func() (bool, error) {
		known, err := w.info("members_known", 0)
		return known == 3, err
	}
	err = w.change(&r, []int{0, 1, 2, 3}, nil, func() (int64, error) { return held, nil }, begin, done)
	if err != nil {
		return r, err
	}
	w.system.processes[3].stop()
	w.system.processes = w.system.processes[:3]
	r.lost, err = w.missing(2, "key:", w.keys)
	return r, err
}

// replace kills the third node, and has a new one take its place.
func (w *ward) replace() (r recovery, err error) {
	r.name = "a new node replaces a dead one"
	held, err := w.replicated(2)
	if err != nil {
		return r, err
	}
	old, err := w.text("node_id", 2)
	if err != nil {
		return r, err
	}
	if err := w.crash(); err != nil {
		return r, err
	}
	begin := func() error {
		if err := w.start(2, "--standby", "yes"); err != nil {
			return err
		}
		id, err := w.text("node_id", 2)
		if err != nil {
			return err
		}
		_, err = await(time.Minute, func() (bool, error) {
			known, err := w.info("members_known", 0)
			return known == 4, err
		})
		if err != nil {
			return err
		}
		_, err = await(time.Minute, func() (bool, error) { // a node that was just killed may seem to answer yet
			return w.ring("REPLACE", old, id) == nil, nil
		})
		return err
	}
	err = w.change(&r, []int{0, 1}, []int{2}, func() (int64, error) { return held, nil }, begin, w.isMember(2))
	if err == nil {
		r.lost, err = w.missing(2, "key:", w.keys)
	}
	return r, err
}

// ring gives the first node a subcommand of RING.
func (w *ward) ring(words ...any) error {
	c := w.client(0)
	defer c.Close()
	return c.Do(context.Background(), append([]any{"RING"}, words...)...).Err()
}
