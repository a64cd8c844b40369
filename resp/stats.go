package resp

import "sync/atomic"

// Stats are a server's figures, most of them under the names that INFO has for them.
type Stats struct {
	// ConnectedClients is the connections now.
	ConnectedClients int64
	// ConnectionsReceived counts accepted connections since the start, ConnectionsRejected those beyond MaxClients.
	ConnectionsReceived, ConnectionsRejected int64
	// NetInput and NetOutput are bytes; Reads and Writes the system calls that moved them.
	NetInput, NetOutput, Reads, Writes int64
	// QueryLimitCuts and OutputLimitCuts count connections cut for too long a command and for unread replies, Evicted those
	// cut because all together held too much, TimedOut those closed for being idle.
	QueryLimitCuts, OutputLimitCuts, Evicted, TimedOut int64
	// ProtocolErrors counts connections closed for what they sent.
	ProtocolErrors int64
	// Suspended is the connections whose batch is being finished by the handler.
	Suspended int64
	// Memory is the bytes held in input and replies.
	Memory int64
	// MaxInput and MaxOutput are the most that one connection holds now.
	MaxInput, MaxOutput int64
}

// counters are what a driver counts. Each event loop has its own, so that loops do not contend for them.
type counters struct {
	netInput, netOutput, reads, writes atomic.Int64
	_                                  [64]byte
}
