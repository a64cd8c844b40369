package membership

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"time"
)

// newLogger brings memberlist's log into slog. Its lines begin with their level in brackets.
func newLogger(to *slog.Logger) *log.Logger {
	return log.New(logWriter{to, &strangers{log: to, now: time.Now, met: map[stranger]*refusals{}}}, "", 0)
}

type logWriter struct {
	to        *slog.Logger
	strangers *strangers
}

var levels = []struct {
	mark  string
	level slog.Level
}{
	// Memberlist calls an error what is a member that does not answer, which is news but no fault of this node.
	{"[ERR] ", slog.LevelWarn},
	{"[WARN] ", slog.LevelInfo},
	{"[INFO] ", slog.LevelDebug},
	{"[DEBUG] ", slog.LevelDebug - 4},
}

// Write logs one line.
func (w logWriter) Write(line []byte) (int, error) {
	text, level := bytes.TrimSpace(line), slog.LevelInfo
	for _, l := range levels {
		if rest, ok := bytes.CutPrefix(text, []byte(l.mark)); ok {
			text, level = rest, l.level
			break
		}
	}
	if w.strangers.take(string(text)) {
		return len(line), nil
	}
	w.to.Log(context.Background(), level, "gossip", "detail", string(text))
	return len(line), nil
}
