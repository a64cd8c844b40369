//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The exit codes.
const (
	exitFine      = 0
	exitViolation = 1 // a promise was broken
	exitTrouble   = 2 // the run could not be made, or not to its end
	exitUnable    = 3 // of the inner process: this machine lacks something; it is told as exitTrouble, or skipped
)

// errStuck says that the cluster did not get where it must; the violation has been told.
var errStuck = errors.New("the cluster did not recover")

type options struct {
	binary, dir, mutant string
	faults              string
	duration            time.Duration
	seed                uint64
	skip, planOnly      bool
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/kindred", "the program under test")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where the folder of the run is made, which holds the nodes' disks")
	flag.StringVar(&o.mutant, "mutant", "", "the rule that a binary built with the tag mutants is to break: the run must fail then")
	flag.StringVar(&o.faults, "faults", "", "keep to these kinds of faults, separated by commas")
	flag.DurationVar(&o.duration, "duration", 5*time.Minute, "how long there are faults; what comes after takes a minute more")
	flag.Uint64Var(&o.seed, "seed", 0, "determines the plan; 0 draws one")
	flag.BoolVar(&o.skip, "skip", false, "where this cannot run, say so and succeed")
	flag.BoolVar(&o.planOnly, "plan", false, "print the plan, and do nothing")
	flag.Parse()
	code, err := run(o)
	if errors.Is(err, errSkipped) && o.skip {
		fmt.Println("chaos skipped:", err)
		os.Exit(exitFine)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	os.Exit(code)
}

func run(o options) (int, error) {
	if folder := os.Getenv(insideEnv); folder != "" {
		return inside(o, folder)
	}
	if o.planOnly {
		p, err := o.plan()
		if err != nil {
			return exitTrouble, err
		}
		p.write(os.Stdout)
		return exitFine, nil
	}
	if err := able(); err != nil {
		return exitTrouble, err
	}
	if _, err := os.Stat(o.binary); err != nil {
		return exitTrouble, err
	}
	return outside(o.dir)
}

// plan draws the plan, and first a seed where none is given.
func (o *options) plan() (*plan, error) {
	var only []string
	for name := range strings.SplitSeq(o.faults, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if _, ok := kinds[name]; !ok {
			return nil, fmt.Errorf("no kind of fault is called %q", name)
		}
		only = append(only, name)
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	return newPlan(o.seed, o.duration, only), nil
}

// inside is the run itself.
func inside(o options, folder string) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p, err := o.plan()
	if err != nil {
		return exitTrouble, err
	}
	p.write(os.Stdout)
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return exitTrouble, err
	}
	if err := furnish(); err != nil {
		return exitUnable, err
	}
	w, err := newWorld(ctx, p, folder, binary, o.mutant, os.Stdout)
	if err != nil {
		return exitUnable, err
	}
	err = w.play()
	if ctx.Err() != nil {
		return exitTrouble, errors.New("interrupted")
	}
	if w.trouble != nil {
		err = w.trouble
	}
	if len(w.violations) > 0 {
		w.report(os.Stdout)
		return exitViolation, nil
	}
	if err != nil {
		return exitTrouble, err
	}
	t := w.history.tally()
	fmt.Printf("all promises held: %d writes acknowledged, %d indeterminate, %d refused; seed %d\n", t[acknowledged], t[indeterminate], t[refused], p.seed)
	return exitFine, nil
}

// play starts the cluster, gives it load and faults, and judges what is left.
func (w *world) play() error {
	all := &fault{kind: "start", nodes: []int{0, 1, 2, 3, 4}}
	if err := w.startNodes(all); err != nil {
		return err
	}
	if err := w.settle(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	var load sync.WaitGroup
	for i := range clients {
		load.Go(func() { newClient(w, i).run(ctx) })
	}
	err := w.playRounds()
	stop()
	load.Wait()
	if err != nil {
		return err
	}
	if err := w.settle(); err != nil {
		return err
	}
	return w.judge()
}

func (w *world) playRounds() error {
	end := w.elapsed() + w.plan.duration
	for i, r := range w.plan.rounds {
		if w.elapsed() >= end {
			w.logf("the time is over: %d rounds are left out", len(w.plan.rounds)-i)
			return nil
		}
		before := w.history.tally()
		if err := w.playRound(i, &r); err != nil {
			return err
		}
		t := w.history.tally()
		w.logf("round %d is over: %d writes acknowledged, %d indeterminate, %d refused", i+1, t[0]-before[0], t[1]-before[1], t[2]-before[2])
	}
	return nil
}

func (w *world) playRound(i int, r *round) error {
	w.logf("round %d: %s", i+1, r)
	for j := range r.faults {
		if err := actions[r.faults[j].kind].begin(w, &r.faults[j]); err != nil {
			return err
		}
	}
	if err := w.sleep(r.hold); err != nil {
		return err
	}
	for j := len(r.faults) - 1; j >= 0; j-- {
		if end := actions[r.faults[j].kind].end; end != nil {
			if err := end(w, &r.faults[j]); err != nil {
				return err
			}
		}
	}
	if err := w.sleep(r.rest); err != nil {
		return err
	}
	if r.destroys() {
		return w.settle()
	}
	return nil
}

// judge holds the history against what is left, when the deadlines of the last keys have passed.
func (w *world) judge() error {
	if err := w.sleep(briefLife); err != nil {
		return err
	}
	keys := w.history.byKey()
	var left map[string]final
	err := w.await("every key can be read", func() (err error) {
		left, err = w.finals(keys)
		return err
	})
	if err != nil {
		return err
	}
	for key, ops := range keys {
		for _, v := range judge(ops, left[key]) {
			w.violate(v)
		}
	}
	w.logf("judged: %d keys", len(keys))
	return nil
}
