// Command kindred is the store and its tools. See README.md for the directives of serve.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/kindredkv/kindred/server"
	"github.com/kindredkv/kindred/server/cli"
)

// version is set by the build.
var version = "dev"

var program struct {
	Serve serveCommand `cmd:"" help:"Run a node." passthrough:""`
	cli.Commands
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	ctx := kong.Parse(&program, kong.Name("kindred"), kong.UsageOnError(), kong.BindTo(os.Stdout, (*io.Writer)(nil)),
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

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	fmt.Println("kindred", version)
	return nil
}
