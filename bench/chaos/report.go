//go:build linux

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
)

// told is of how many violations the story is told.
const told = 5

// report tells the story of each violation: what clients did to the key, and what each replica holds.
func (w *world) report(out io.Writer) {
	w.mu.Lock()
	violations := slices.Clone(w.violations)
	w.mu.Unlock()
	fmt.Fprintf(out, "\n%d violations; the seed is %d, the nodes' logs are in %s\n", len(violations), w.plan.seed, filepath.Join(w.folder, logFolder))
	keys := w.history.byKey()
	for _, v := range violations[:min(len(violations), told)] {
		fmt.Fprintf(out, "\n%s: %s\n%s\n", v.Rule, v.Key, v.Text)
		if v.Key == "" {
			continue
		}
		for _, o := range story(keys[v.Key], v.About) {
			fmt.Fprintf(out, "  %s\n", o)
		}
		if nodes := w.running(); len(nodes) > 0 {
			where, err := nodes[0].ask("RING", "WHERE", v.Key)
			fmt.Fprintf(out, "  RING WHERE at %s: %s %v\n", nodes[0], flat(where), err)
		}
	}
}
