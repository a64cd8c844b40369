package clustertest

import (
	"log/slog"
	"testing"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
	"github.com/kindredkv/kindred/resp/command"
)

// clients is a cluster whose nodes run the real commands, with a client of each.
type clients struct {
	*Cluster
	handlers map[*Node]*command.Handler
}

func newClients(t testing.TB, config Config) *clients {
	t.Helper()
	c := &clients{handlers: map[*Node]*command.Handler{}}
	config.Runner = func(n *Node) cluster.Runner {
		h := command.New(command.Options{
			Cluster: n,
			Settings: func() *command.Settings {
				return &command.Settings{
					Databases: 16, ProtoMaxBulkLen: 512 << 20, Replicas: config.Replicas,
					ReadQuorum: int(config.Settings.Quorum.R), WriteQuorum: int(config.Settings.Quorum.W),
					SlowlogSlowerThan: -1,
				}
			},
			Clients: resp.NewServer(resp.Options{Limits: resp.DefaultLimits()}),
			Now:     n.now, Logger: slog.New(slog.DiscardHandler),
		})
		c.handlers[n] = h
		return h
	}
	c.Cluster = New(t, config)
	return c
}

// do sends one command to a node and returns its reply as text.
func (c *clients) do(node int, args []string) []string { return c.pipeline(node, [][]string{args}) }

// pipeline sends commands to a node at once and returns their replies as text, one behind the other.
func (c *clients) pipeline(node int, commands [][]string) []string {
	batch := make([][][]byte, len(commands))
	for i, args := range commands {
		for _, a := range args {
			batch[i] = append(batch[i], []byte(a))
		}
	}
	s := &resp.Session{Authenticated: true, User: "default", Out: resp.Writer{Proto: 2}}
	h := c.handlers[c.Nodes[node]]
	h.Opened(s)
	done := make(chan struct{})
	if !h.Serve(s, batch, func() { close(done) }) {
		<-done
	}
	h.Closed(s)
	return redisText(c.t, s.Out.Buf)
}

// forget drops a key from a node's store, as a handoff does when it has given the key away.
func (c *clients) forget(node int, key string) {
	k := object.Key{Name: key}
	task := &engine.Task{Slot: k.Slot(), Body: forgetting{k}}
	done := make(chan struct{})
	if !c.Nodes[node].Store.Do([]*engine.Task{task}, func() { close(done) }) {
		<-done
	}
}

type forgetting struct{ key object.Key }

func (f forgetting) Run(tx *engine.Tx) { tx.Forget(f.key) }

// holds is the newest value that a node's own store has of a string, "-" when it has none.
func (c *clients) holds(node int, key string) string {
	if cell := c.raw(node, key).Cell(valueCell); cell != nil {
		return string(cell.Newest().Payload)
	}
	return "-"
}

// valueCell is the cell of a string's value.
const valueCell = "\x01"
