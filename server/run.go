package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/kindredkv/kindred/resp/command"
	"github.com/kindredkv/kindred/server/config"
)

// Run runs a node by the arguments of serve until ctx ends or a client sends SHUTDOWN. The log goes to logfile when that
// is set, else to stderr.
func Run(ctx context.Context, args []string, stdin io.Reader, stderr io.Writer, version string) error {
	loaded, err := config.Load(args, stdin)
	if err != nil {
		return err
	}
	c := &loaded.Config
	out, closeLog, err := openLog(c.LogFile, stderr)
	if err != nil {
		return err
	}
	defer closeLog()
	level := new(slog.LevelVar)
	level.Set(c.LogLevel.Level())
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
	for _, w := range loaded.Warnings {
		log.Warn("configuration", "warning", w)
	}
	n, err := Start(loaded, SystemSeams(), log, version)
	if err != nil {
		return err
	}
	boundHeap(c)
	n.live.Subscribe(func(change config.Change) {
		level.Set(change.Config.LogLevel.Level())
		boundHeap(change.Config)
	})
	log.Info("ready for clients", "port", c.Port, "cluster_port", c.ClusterPort(), "node", n.cluster.ID(), "version", version,
		"dir", c.Dir, "pid", os.Getpid())
	select {
	case <-ctx.Done():
		log.Info("stopping: a signal was received")
		return n.stop(n.order(command.ShutdownMode{}))
	case o := <-n.stopper.asked:
		log.Info("stopping: a client sent SHUTDOWN", "now", o.Now, "force", o.Force)
		return n.stop(o)
	}
}

// openLog opens where the log goes.
func openLog(file string, stderr io.Writer) (io.Writer, func(), error) {
	if file == "" {
		return stderr, func() {}, nil
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, nil, fmt.Errorf("logfile: %w", err)
	}
	return f, func() { _ = f.Close() }, nil
}
