//go:build !linux

package resp

import (
	"io"
	"net"
)

// loopSet is the event loops: none on this system.
type loopSet struct{}

// acceptToLoops would return a function that accepts connections for event loops.
func (s *Server) acceptToLoops(net.Listener, Persona) (func() error, io.Closer) { return nil, nil }

func (*loopSet) counters() []*counters { return nil }
func (*loopSet) stop()                 {}
