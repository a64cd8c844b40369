//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// logFolder holds the nodes' logs in the folder of a run.
const logFolder = "logs"

// world is a run: the cluster, its clients, and what they have seen.
type world struct {
	plan    *plan
	folder  string
	binary  string
	mutant  string
	out     io.Writer
	begun   time.Time
	history *history
	net     *network
	ctx     context.Context // ends when the run is interrupted or cannot go on

	spare        *node // the one that joins and leaves; nil before it first does
	stopFlapping func()
	bulky        atomic.Bool // clients write large values

	mu         sync.Mutex // guards all below
	nodes      []*node    // nil for those that are no part of the cluster
	violations []violation
	trouble    error // why the run could not go on
	abort      context.CancelFunc
}

func newWorld(ctx context.Context, p *plan, folder, binary, mutant string, out io.Writer) (*world, error) {
	w := &world{plan: p, folder: folder, binary: binary, mutant: mutant, out: out, begun: time.Now(), history: &history{}, nodes: make([]*node, maxNodes)}
	w.ctx, w.abort = context.WithCancel(ctx)
	if err := os.MkdirAll(filepath.Join(folder, logFolder), 0o755); err != nil {
		return nil, err
	}
	var err error
	if w.net, err = newNetwork(); err != nil {
		return nil, err
	}
	for i := range startNodes {
		n, err := newNode(w, i)
		if err != nil {
			return nil, err
		}
		w.addNode(i, n)
	}
	return w, nil
}

// environment is that of the nodes.
func (w *world) environment() []string {
	env := os.Environ()
	if w.mutant != "" {
		env = append(env, "KINDRED_MUTANT="+w.mutant)
	}
	return env
}

func (w *world) addNode(i int, n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes[i] = n
}

// running are the nodes whose process runs.
func (w *world) running() []*node {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*node
	for _, n := range w.nodes {
		if n != nil && n.running() {
			out = append(out, n)
		}
	}
	return out
}

func (w *world) elapsed() time.Duration { return time.Since(w.begun) }

// logf prints a line with the time.
func (w *world) logf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.out, "%8.3fs %s\n", w.elapsed().Seconds(), fmt.Sprintf(format, args...))
}

// maxViolations bounds how many are told.
const maxViolations = 100

// violate takes note of a broken promise.
func (w *world) violate(v violation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.violations) < maxViolations {
		w.violations = append(w.violations, v)
		fmt.Fprintf(w.out, "%8.3fs VIOLATION: %s: %s %s\n", w.elapsed().Seconds(), v.Rule, v.Key, v.Text)
	}
}

// giveUp ends the run for a reason that is not Kindred's.
func (w *world) giveUp(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.trouble == nil {
		w.trouble = err
	}
	w.abort()
}

// patience is how long the cluster may take to get somewhere once the faults are over.
const patience = 2 * time.Minute

// await waits until a condition holds. That it does not in time is a violation, and the end of the run.
func (w *world) await(what string, holds func() error) error {
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err = holds(); err == nil {
			return nil
		}
		if err := w.sleep(100 * time.Millisecond); err != nil {
			return err
		}
	}
	w.violate(violation{Rule: "the cluster does not recover", Text: fmt.Sprintf("after %s not yet: %s: %v", patience, what, err)})
	return errStuck
}

// sleep waits, unless the run is interrupted.
func (w *world) sleep(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}
