package resp

import "time"

// Limits bound what clients may cost. All bytes are counted per connection unless told otherwise. A Limits in use is
// immutable.
type Limits struct {
	// MaxClients is the number of connections; more are refused. At least 1.
	MaxClients int
	// Timeout closes connections that were idle for so long, to the second; 0: never.
	Timeout time.Duration
	// KeepAlive is the interval of TCP keep-alive probes for new connections; 0: none.
	KeepAlive time.Duration
	// NeedsAuth says that a password is set: clients must authenticate, and have little room until they do.
	NeedsAuth bool
	// ProtectedMode refuses clients from other machines while NeedsAuth is false.
	ProtectedMode bool
	// MaxBulk is the length of one argument (proto-max-bulk-len).
	MaxBulk int64
	// MaxQuery is the bytes of one command, with the memory to describe it (client-query-buffer-limit).
	MaxQuery int64
	// OutputHard is the unread replies at which a connection is cut; OutputSoft those that it may have for OutputSoftFor
	// only (client-output-buffer-limit normal). 0: MaxMemory alone bounds them.
	OutputHard, OutputSoft int64
	OutputSoftFor          time.Duration
	// MaxMemory is the bytes that all connections together may hold in input and replies. Beyond it the connection that
	// holds most is cut, as by Redis's maxmemory-clients. At least 1.
	MaxMemory int64
}

// DefaultLimits are those of Redis, with a bound on the memory of all connections.
func DefaultLimits() Limits {
	return Limits{
		MaxClients: 10_000, KeepAlive: 300 * time.Second, ProtectedMode: true,
		MaxBulk: 512 << 20, MaxQuery: 1 << 30, MaxMemory: 2 << 30,
	}
}
