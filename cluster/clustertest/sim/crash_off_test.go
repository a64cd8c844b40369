//go:build !mutants

package sim

// crashAtPoints crashes nodes at named points of the code, where they are compiled in.
func (w *world) crashAtPoints() {}
