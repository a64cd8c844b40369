package engine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Sizes of Pebble's parts. Keys arrive in no order, so every compaction into the base level rewrites about all of it: the
// more is gathered before, by memtables and by files of level 0, the less is written again. What bounds them is the
// processor's cache, for every step through a skip list that does not fit is a miss, and reads of keys that are not in
// the hot cache, which ask every layer of level 0.
const (
	memTableBytes  = 16 << 20
	memTableLimit  = 4
	level0Layers   = 16
	baseLevelBytes = 256 << 20
	// blockCacheBytes is what is left for blocks when there are as many memtables as there may be: Pebble takes them
	// from the block cache, and with none left every read reads filter and index from the file.
	blockCacheBytes = 32 << 20
	bloomBits       = 10
	// uncompressedLevels are those whose files do not live long enough to pay for being small.
	uncompressedLevels = 5
)

func openPebble(s *Store) (*pebble.DB, error) {
	o := &pebble.Options{
		FS:                          s.options.FS,
		CacheSize:                   blockCacheBytes + memTableLimit*memTableBytes,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: memTableLimit,
		L0CompactionThreshold:       level0Layers,
		L0StopWritesThreshold:       64,
		LBaseMaxBytes:               baseLevelBytes,
		WALBytesPerSync:             1 << 20,
		BytesPerSync:                1 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      pebbleLogger{s},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) {
				if pebble.IsCorruptionError(err) {
					s.fatal(fmt.Errorf("background: %w", err))
					return
				}
				s.options.Logger.Error("storage background error", "error", err)
			},
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				s.fatal(fmt.Errorf("%w: %s: %w", ErrBroken, i.Path, i.Details))
			},
		},
	}
	for i := range o.Levels {
		profile := sstable.SnappyCompression
		if i < uncompressedLevels {
			profile = sstable.NoCompression
		}
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return profile }
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	dir := s.options.Dir
	if s.inMemory() {
		o.FS, o.DisableWAL, dir = vfs.NewMem(), true, "/"
	}
	o.FS = guarded{o.FS, s}
	if err := o.FS.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := pebble.LockDirectory(dir, o.FS)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	o.Lock, s.lock = lock, lock
	return pebble.Open(dir, o)
}

// pebbleLogger takes Pebble's log. Its Fatalf must not return, for Pebble would go on with a broken log; nor may it
// end the process, which holds other nodes in tests: it ends the goroutine after the node was told to stop.
type pebbleLogger struct{ store *Store }

func (l pebbleLogger) Infof(format string, args ...any) {
	l.store.options.Logger.Log(context.Background(), slog.LevelDebug-4, "storage", "detail", fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.store.options.Logger.Error("storage", "detail", fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.store.fatal(fmt.Errorf(format, args...))
	runtime.Goexit()
}
