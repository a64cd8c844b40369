//go:build !mutants

package sim

// crashAtPoints crashes nodes at named points of the code, where they are compiled in.
func (w *world) crashAtPoints() {}

// shape makes plans others for tests of broken rules, where these are compiled in.
func shape(*plan) {}
