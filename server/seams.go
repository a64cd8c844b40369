package server

import (
	"math/rand/v2"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/memberlist"

	"github.com/kindredkv/kindred/cluster/transport"
)

// Seams are all that a node touches of the outside. Many nodes can live in one process, each with its own.
type Seams struct {
	// Now is the wall clock.
	Now func() time.Time
	// Network carries clients and peers.
	Network transport.Network
	// Gossip carries memberlist; nil: UDP and TCP.
	Gossip memberlist.Transport
	// FS holds the store.
	FS vfs.FS
	// Random is the source of ids. It is used at the start only.
	Random *rand.Rand
	// Fatal stops this node at once: its store has failed, and it must acknowledge nothing more.
	Fatal func(error)
}

// SystemSeams are the operating system's. Fatal ends the process.
func SystemSeams() Seams {
	return Seams{
		Now:     time.Now,
		Network: transport.TCP{},
		FS:      vfs.Default,
		Random:  rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		Fatal:   func(error) { os.Exit(1) },
	}
}
