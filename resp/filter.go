package resp

import "slices"

// Filter selects connections, as CLIENT LIST and CLIENT KILL do. A connection has to pass all that is set; the zero
// Filter passes every one.
type Filter struct {
	// IDs: one of these, when not nil.
	IDs []uint64
	// Addr and LocalAddr are host:port; User is a user's name.
	Addr, LocalAddr, User string
	// None passes no connection: for client types that this server does not have.
	None bool
	// Skip is a session that does not pass, usually the caller's.
	Skip *Session
}

func (f *Filter) matches(s *Session) bool {
	switch {
	case f.None, f.Skip == s && s != nil:
		return false
	case f.IDs != nil && !slices.Contains(f.IDs, s.ID):
		return false
	case f.Addr != "" && f.Addr != s.RemoteAddr:
		return false
	case f.LocalAddr != "" && f.LocalAddr != s.LocalAddr:
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.User == "" || f.User == s.User
}
