// Command kindred is the store and its tools. See README.md for the directives of serve.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/kindredkv/kindred/server"
)

// version is set by the build.
var version = "dev"

var cli struct {
	Serve   serveCommand   `cmd:"" help:"Run a node." passthrough:""`
	Health  healthCommand  `cmd:"" help:"Ask a node whether it is ready; the exit code tells."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	ctx := kong.Parse(&cli, kong.Name("kindred"), kong.UsageOnError(),
		kong.Description("A Redis-protocol, leaderless, always-writable cache-store."))
	ctx.FatalIfErrorf(ctx.Run())
}

type serveCommand struct {
	Args []string `arg:"" optional:"" name:"file-or-directive" help:"[FILE] [--directive value …]; FILE - is standard input."`
}

// Run runs a node until SIGINT or SIGTERM. A second signal ends the process at once.
func (c *serveCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return server.Run(ctx, c.Args, os.Stdin, os.Stderr, version)
}

type healthCommand struct {
	URL     string        `default:"http://127.0.0.1:9379/readyz" env:"KINDRED_HEALTH_URL" help:"The node's /readyz or /healthz."`
	Timeout time.Duration `default:"2s" help:"How long to wait."`
}

// Run prints the node's answer and fails unless it is ready.
func (c *healthCommand) Run() error {
	client := http.Client{Timeout: c.Timeout}
	answer, err := client.Get(c.URL)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if err != nil {
		return err
	}
	fmt.Print(string(text))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the node is not ready: %s", answer.Status)
	}
	return nil
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	fmt.Println("kindred", version)
	return nil
}
