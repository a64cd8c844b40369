//go:build linux

package main

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// join starts one node more, and waits until it is a member. One that left before comes back empty, under another id: it is
// a new node to the others.
func (w *world) join(f *fault) error {
	i := f.nodes[0]
	if w.nodes[i] != nil {
		return nil // it is there since a former round
	}
	var err error
	if w.spare == nil {
		w.spare, err = newNode(w, i)
	} else {
		err = w.spare.renew()
	}
	if err != nil {
		return err
	}
	w.addNode(i, w.spare)
	if err := w.spare.start(); err != nil {
		return err
	}
	return w.await("the new node is a member", w.spare.isMember)
}

// leave has the node that joined leave, and before that join, where it has yet to.
func (w *world) leave(f *fault) error {
	i := f.nodes[0]
	if err := w.join(f); err != nil {
		return err
	}
	n := w.nodes[i]
	n.mayEnd()
	known := true
	err := w.await("the node is told to leave", func() error {
		_, err := n.ask("RING", "LEAVE", n.id)
		if err != nil && strings.Contains(err.Error(), "unknown subcommand") {
			known, err = false, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if !known {
		w.logf("the nodes do not know RING LEAVE: nobody leaves")
		return n.mayNotStop()
	}
	if err := w.await("the node has left", func() error { return w.nodes[0].knowsNoMore(n.id) }); err != nil {
		return err
	}
	w.addNode(i, nil)
	return n.end(syscall.SIGTERM, time.Minute)
}

// remove kills the node and has the others remove it.
func (n *node) remove() error {
	if err := n.kill(); err != nil {
		return err
	}
	return n.tellOthers("it is removed", n.id, "REMOVE", n.id)
}

// joinAnew has the machine of a node that was removed join, as a new node.
func (n *node) joinAnew() error {
	if err := n.renew(); err != nil {
		return err
	}
	if err := n.start(); err != nil {
		return err
	}
	return n.w.await(n.String()+" is a member", n.isMember)
}

// replace has the machine of a node that was killed take its place as a new one, with an empty disk.
func (n *node) replace() error {
	old := n.id
	if err := n.renew(); err != nil {
		return err
	}
	n.standby = true
	defer func() { n.standby = false }()
	if err := n.start(); err != nil {
		return err
	}
	if err := n.tellOthers("it is replaced", old, "REPLACE", old, n.id); err != nil {
		return err
	}
	return n.w.await(n.String()+" is a member", n.isMember)
}

// tellOthers gives another node a subcommand of RING until it has been carried out: until no other node counts the one with the id of
// gone any more.
func (n *node) tellOthers(what, gone string, words ...any) error {
	begun := false
	return n.w.await(fmt.Sprintf("%s: %s", n, what), func() error {
		for _, other := range n.w.running() {
			if other == n {
				continue
			}
			if !begun {
				if _, err := other.ask("RING", words...); err != nil {
					return fmt.Errorf("RING %v at %s: %w", words, other, err)
				}
				begun = true
			}
			if err := other.knowsNoMore(gone); err != nil {
				return err
			}
		}
		return nil
	})
}
