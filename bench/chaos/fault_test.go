//go:build linux

package main

import "testing"

// Every kind that a plan can have can be done.
func TestEveryKindHasAnAction(t *testing.T) {
	for name, k := range kinds {
		a, ok := actions[name]
		if !ok || a.begin == nil {
			t.Errorf("%s is not done", name)
		}
		if (k.target == links) && a.end == nil {
			t.Errorf("%s never ends", name)
		}
	}
	if len(actions) != len(kinds) {
		t.Errorf("%d kinds, %d actions", len(kinds), len(actions))
	}
}
