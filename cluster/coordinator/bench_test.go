package coordinator

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// valueRunner runs SET and GET of a string's value.
type valueRunner struct{}

func (valueRunner) Run(tx *engine.Tx, c *Command) {
	key := object.Key{DB: c.DB, Name: string(c.Args[1])}
	if len(c.Args) == 3 {
		e := tx.Edit(key)
		e.Clear()
		e.Put("\x01", append([]byte(nil), c.Args[2]...))
		c.Reply = append(c.Reply[:0], "+OK\r\n"...)
		return
	}
	if o := tx.Object(key); o != nil {
		c.Reply = append(c.Reply[:0], o.Cell("\x01").Newest().Payload...)
	}
}

type noPeers struct{}

func (noPeers) Reach(string) (bool, time.Duration) { return false, 0 }
func (noPeers) Suspect(string, time.Duration)      {}
func (noPeers) Late(string) time.Duration          { return 0 }
func (noPeers) Hold()                              {}
func (noPeers) Release()                           {}
func (noPeers) Call(_ string, _ uint8, _ []byte, _ time.Duration, done func(transport.Reply)) {
	done(transport.Reply{Err: transport.ErrNotSent})
}
func (noPeers) Sending(string) bool { return false }
func (noPeers) CallParts(_ string, _ uint8, _ uint64, _ [][]byte, _ time.Duration, done func(transport.Reply)) {
	done(transport.Reply{Err: transport.ErrNotSent})
}

// BenchmarkAlone runs batches on a node that is alone, as pipelines of 1 and 16 bring them.
func BenchmarkAlone(b *testing.B) {
	o := engine.DefaultOptions()
	o.Dir, o.Logger, o.Shards, o.CacheBytes = b.TempDir(), slog.New(slog.DiscardHandler), 1, 1<<30
	store, err := engine.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	self := ring.NodeID("0123456789abcdef0123456789abcdef01234567")
	table := ring.Build([]ring.Node{{ID: self, State: ring.Member}}, 256, 3)
	settings := Settings{Quorum: quorum.Choice{R: 2, W: 2}, HedgeDelay: time.Second, Timeout: time.Second}
	c := New(Options{
		Self: self, Store: store, Peers: noPeers{}, Ring: func() *ring.Table { return table }, Runner: valueRunner{},
		Settings: func() Settings { return settings }, Logger: slog.New(slog.DiscardHandler),
	})
	for _, name := range []string{"SET", "GET"} {
		for _, size := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, size), func(b *testing.B) {
				commands := make([]*Command, size)
				for i := range commands {
					commands[i] = &Command{FirstKey: 1, LastKey: 1, Step: 1, Proto: 2}
				}
				value := make([]byte, 100)
				done := make(chan struct{}, 1)
				b.ReportAllocs()
				for n := 0; n < b.N; n += size {
					for i, command := range commands {
						key := fmt.Appendf(nil, "key:%012d", (n+i)*7919%100_000)
						command.Slot = object.SlotOf(key)
						command.Args = [][]byte{[]byte(name), key}
						command.Mode = Read | Idempotent
						if name == "SET" {
							command.Args = append(command.Args, value)
							command.Mode = Write | Idempotent
						}
					}
					if !c.Execute(commands, func() { done <- struct{}{} }) {
						<-done // another goroutine was at work in the applier
					}
				}
			})
		}
	}
}
