//go:build linux

package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// actions are what begins and ends each kind of fault. An error is one of this program, not of Kindred.
var actions = map[string]struct{ begin, end func(*world, *fault) error }{
	"kill": {
		begin: each((*node).kill),
		end:   (*world).startNodes,
	},
	"pause": {
		begin: each(func(n *node) error { return n.signal(syscall.SIGSTOP) }),
		end:   each(func(n *node) error { return n.signal(syscall.SIGCONT) }),
	},
	"power cut": {
		begin: func(w *world, f *fault) error {
			// All lose their power before any comes back.
			if err := each((*node).cutPower)(w, f); err != nil {
				return err
			}
			return each(func(n *node) error { return n.disk.replace(n.disk.copied()) })(w, f)
		},
		end: (*world).startNodes,
	},
	"full disk": {
		begin: func(w *world, f *fault) error {
			w.bulky.Store(true)
			return each(func(n *node) error {
				n.mayStop("no space left on device")
				return n.disk.fill()
			})(w, f)
		},
		end: func(w *world, f *fault) error {
			w.bulky.Store(false)
			if err := each(func(n *node) error { return n.disk.empty() })(w, f); err != nil {
				return err
			}
			if err := each((*node).startUnlessRunning)(w, f); err != nil {
				return err
			}
			return each((*node).mayNotStop)(w, f)
		},
	},
	"rolling restart": {begin: (*world).rollingRestart},
	"wipe": {
		// What the node sends is late, so that an acknowledgement that did not wait for others is one of this store alone.
		begin: (*world).slow,
		end: func(w *world, f *fault) error {
			if err := each(func(n *node) error { return n.w.net.unplug(n.index) })(w, f); err != nil {
				return err
			}
			if err := each((*node).kill)(w, f); err != nil {
				return err
			}
			if err := each(func(n *node) error { return errors.Join(n.disk.format(), n.w.net.hurry(n.index)) })(w, f); err != nil {
				return err
			}
			return w.startNodes(f)
		},
	},
	"roll back": {
		begin: each((*node).copyDisk),
		end: func(w *world, f *fault) error {
			if err := each((*node).kill)(w, f); err != nil {
				return err
			}
			if err := each(func(n *node) error { return n.disk.replace(n.disk.copied()) })(w, f); err != nil {
				return err
			}
			return each((*node).startPutBack)(w, f)
		},
	},
	"join":  {begin: (*world).join},
	"leave": {begin: (*world).leave},
	"remove": {
		begin: each((*node).remove),
		end:   each((*node).joinAnew),
	},
	"replace": {
		begin: each((*node).kill),
		end:   each((*node).replace),
	},

	"halves":  {begin: (*world).cutHalves, end: (*world).mend},
	"bridge":  {begin: (*world).cutHalves, end: (*world).mend}, // the node of neither side reaches both
	"one way": {begin: (*world).cutOneWay, end: (*world).mend},
	"flapping": {
		begin: func(w *world, f *fault) error {
			w.flap(f)
			return nil
		},
		end: func(w *world, f *fault) error {
			w.stopFlapping()
			return w.mend(f)
		},
	},
	"slow": {
		begin: (*world).slow,
		end:   each(func(n *node) error { return n.w.net.hurry(n.index) }),
	},
}

// each does something to every node that the fault is about.
func each(do func(*node) error) func(*world, *fault) error {
	return func(w *world, f *fault) error {
		for _, i := range f.nodes {
			if n := w.nodes[i]; n != nil {
				if err := do(n); err != nil {
					return fmt.Errorf("%s of %s: %w", f.kind, n, err)
				}
			}
		}
		return nil
	}
}

// startNodes starts the nodes of a fault, all at once, and waits for them.
func (w *world) startNodes(f *fault) error {
	if err := each((*node).start)(w, f); err != nil {
		return err
	}
	return each((*node).awaitReady)(w, f)
}

func (w *world) rollingRestart(*fault) error {
	for _, n := range w.nodes {
		if n == nil {
			continue
		}
		if err := n.stop(); err != nil {
			return err
		}
		if err := n.start(); err != nil {
			return err
		}
		if err := n.awaitReady(); err != nil {
			return err
		}
	}
	return nil
}

// cutHalves cuts the nodes before split off from those behind it.
func (w *world) cutHalves(f *fault) error {
	for _, i := range f.nodes[:f.split] {
		for _, j := range f.nodes[f.split:] {
			if err := errors.Join(w.net.cut(i, j), w.net.cut(j, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// cutOneWay lets nothing through from the nodes before split to those behind it.
func (w *world) cutOneWay(f *fault) error {
	for _, i := range f.nodes[:f.split] {
		for _, j := range f.nodes[f.split:] {
			if err := w.net.cut(i, j); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) mend(*fault) error { return w.net.mend() }

// slow makes late, or loses, what the nodes send to others.
func (w *world) slow(f *fault) error {
	return each(func(n *node) error { return n.w.net.slow(n.index, shape{f.delay, f.jitter, f.loss}) })(w, f)
}

// flapEvery is how long a flapping cut is there, and is not.
const flapEvery = 400 * time.Millisecond

// flap cuts and mends until stopFlapping.
func (w *world) flap(f *fault) {
	stop, done := make(chan struct{}), make(chan struct{})
	w.stopFlapping = func() {
		close(stop)
		<-done
	}
	go func() {
		defer close(done)
		for cut := true; ; cut = !cut {
			err := w.net.mend()
			if cut {
				err = errors.Join(err, w.cutHalves(f))
			}
			if err != nil {
				w.giveUp(err)
			}
			select {
			case <-stop:
				return
			case <-time.After(flapEvery):
			}
		}
	}()
}
