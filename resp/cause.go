package resp

// cause is why the server cuts a connection.
type cause uint8

const (
	byKill     cause = iota // CLIENT KILL
	byShutdown              // the server stops
	byTimeout               // idle
	byQuery                 // too long a command
	byOutput                // too many unread replies
	byMemory                // all connections together hold too much
)

var causeText = [...]string{
	byKill: "killed", byShutdown: "server stops",
	byTimeout: "idle", byQuery: "query buffer limit", byOutput: "output buffer limit",
	byMemory: "memory of all clients",
}

func (c cause) String() string { return causeText[c] }
