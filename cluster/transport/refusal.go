package transport

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// reason is why a handshake was refused. Numbers go over the wire.
type reason uint8

const (
	reasonVersion reason = 1 + iota
	reasonCluster
	reasonNode
	reasonSecret
	reasonSelf
	reasonLoopback
	reasonRemoved
	reasonClock
)

func (r reason) String() string {
	switch r {
	case reasonVersion:
		return "no protocol version in common"
	case reasonCluster:
		return "the cluster names differ"
	case reasonNode:
		return "another node id lives at that address"
	case reasonSecret:
		return "the secrets differ"
	case reasonSelf:
		return "both nodes have the same id"
	case reasonClock:
		return "the clock is too far ahead"
	case reasonLoopback:
		return "without a secret peers are on loopback addresses only"
	case reasonRemoved:
		return "the node was removed from the cluster"
	}
	return "unknown reason"
}

// refusal is the error of a handshake that one end refused.
type refusal struct {
	reason reason
	remote bool // the other end did
	ahead  time.Duration
}

func (r refusal) Error() string {
	if r.reason == reasonClock {
		return r.clockText()
	}
	if r.remote {
		return "refused by the peer: " + r.reason.String()
	}
	return "refused: " + r.reason.String()
}

// refuse tells the other end why, as far as that can be done, and returns the error.
func refuse(conn net.Conn, why reason) error {
	writeMessage(conn, messageRefusal, []byte{byte(why)})
	return refusal{reason: why}
}

const (
	// refusalPause is the least time between two lines of the log about the same thing.
	refusalPause = 10 * time.Second
	// maxRefusals bounds how many things are told apart.
	maxRefusals = 256
)

// refusalLog writes failed attempts to connect to the log, the first of a kind at once and then at most one each
// refusalPause.
type refusalLog struct {
	logger *slog.Logger

	mu   sync.Mutex // guards seen
	seen map[refusalKind]*refusalCount
}

// refusalKind is what counts as the same thing again. The peer is named only in what this node dialed: the ids that
// strangers give are without number.
type refusalKind struct {
	side, peer string
	reason     reason // 0 for a failure that is not a refusal
}

type refusalCount struct {
	last       time.Time
	suppressed int
}

func newRefusalLog(logger *slog.Logger) *refusalLog {
	return &refusalLog{logger: logger, seen: make(map[refusalKind]*refusalCount)}
}

// log notes that connecting to or from a peer failed. Side is dial or accept.
func (l *refusalLog) log(side, peer string, err error, attrs ...any) {
	kind := refusalKind{side: side}
	var r refusal
	level := slog.LevelInfo
	if errors.As(err, &r) {
		kind.reason, level = r.reason, slog.LevelWarn
	}
	if side == "dial" {
		kind.peer = peer
	}
	suppressed, ok := l.due(kind)
	if !ok {
		return
	}
	attrs = append(attrs, "side", side, "peer", peer, "error", err)
	if suppressed > 0 {
		attrs = append(attrs, "suppressed", suppressed)
	}
	l.logger.Log(context.Background(), level, "no connection with peer", attrs...)
}

// due reports whether a line about this kind may be written now, and how many were not since the last.
func (l *refusalLog) due(kind refusalKind) (suppressed int, ok bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.seen[kind]
	if c == nil {
		if len(l.seen) >= maxRefusals {
			clear(l.seen)
		}
		l.seen[kind] = &refusalCount{last: now}
		return 0, true
	}
	if now.Sub(c.last) < refusalPause {
		c.suppressed++
		return 0, false
	}
	suppressed = c.suppressed
	*c = refusalCount{last: now}
	return suppressed, true
}
