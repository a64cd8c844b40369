//go:build !linux

package resp

import "net"

// loopSet is the event loops: none on this system.
type loopSet struct{}

// acceptToLoops would return a function that accepts connections for event loops.
func (s *Server) acceptToLoops(net.Listener, Persona) func() error { return nil }

func (*loopSet) counters() []*counters { return nil }
func (*loopSet) stop()                 {}
