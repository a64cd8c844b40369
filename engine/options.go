package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// SyncPolicy says when an acknowledged write is on disk, by the names of Redis's appendfsync.
type SyncPolicy int32

const (
	// SyncEverySecond syncs once a second: a crash loses at most about a second of this store's newest writes.
	SyncEverySecond SyncPolicy = iota
	// SyncAlways syncs before acknowledging; writes that wait at the same time share one sync.
	SyncAlways
	// SyncNever leaves it to the operating system.
	SyncNever
)

// Options configure a Store. The seams to the outside are FS, Now, Random and Fatal.
type Options struct {
	// Dir holds the store's files. Empty: the store is kept in memory and forgotten on Close.
	Dir string
	// FS is the file system of Dir.
	FS vfs.FS
	// Now is the wall clock.
	Now func() time.Time
	// Random draws the number of a new store.
	Random *rand.Rand
	// Fatal is called, at most once, when the disk fails in a way that the store cannot go on from. It must stop the
	// node; no acknowledgement follows the call.
	Fatal func(error)
	// Logger takes the store's log.
	Logger *slog.Logger

	// Shards is the number of appliers.
	Shards int
	// CacheBytes bounds the hot cache.
	CacheBytes int64
	// Sync is the policy to begin with.
	Sync SyncPolicy
	// MaxSiblings bounds, to begin with, the versions of one cell: of more, the newest are kept. 0 is no bound.
	MaxSiblings int
	// LastWriteWins keeps only the newest version of a cell at every merge.
	LastWriteWins bool
	// WholeCells is the number of cells up to which changes come without a delta: the whole object is no larger, and no
	// gap can stop it. −1: every change has one.
	WholeCells int
	// InlineBytes is how many bytes of cells of a collection are kept with the object; with more each cell has a row, unless
	// there are very few. −1: every cell has one.
	InlineBytes int
	// MaxWhole bounds the cells, in bytes, of an object that is taken out of the store in one piece, as for a message.
	MaxWhole int64
	// HintBytes bounds, to begin with, what hints take.
	HintBytes int64
	// MaxDrift is how far ahead of this node's clock a merged write may be; writes beyond it are refused.
	MaxDrift time.Duration
}

// DefaultOptions are the options of a store kept in memory.
func DefaultOptions() Options {
	return Options{
		FS:          vfs.Default,
		Now:         time.Now,
		Random:      rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		Fatal:       func(err error) { panic(err) },
		Logger:      slog.Default(),
		Shards:      2,
		CacheBytes:  256 << 20,
		MaxSiblings: 100,
		WholeCells:  2,
		InlineBytes: 2 << 10,
		MaxWhole:    256 << 20,
		HintBytes:   1 << 30,
		MaxDrift:    10 * time.Second,
	}
}

func (o *Options) validate() error {
	var errs []error
	check := func(ok bool, what string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(what, args...))
		}
	}
	check(o.FS != nil && o.Now != nil && o.Random != nil && o.Fatal != nil && o.Logger != nil,
		"a seam is missing: FS, Now, Random, Fatal and Logger must be set")
	check(o.Shards > 0 && o.Shards <= maxShards, "shards is %d, must be 1 to %d", o.Shards, maxShards)
	check(o.CacheBytes > 0, "cache bytes is %d, must be positive", o.CacheBytes)
	check(o.MaxSiblings >= 0, "max siblings is %d, must not be negative", o.MaxSiblings)
	check(o.HintBytes >= 0, "hint bytes is %d, must not be negative", o.HintBytes)
	check(o.MaxDrift > 0, "max drift is %s, must be positive", o.MaxDrift)
	return errors.Join(errs...)
}

const maxShards = 256
