package engine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/causal"
)

// Facts about the store itself, each a row.
const (
	metaNode    = "node"    // the store's number
	metaCeiling = "ceiling" // times below it may have been issued
	metaEpoch   = "epoch"   // how often the store was opened, from 1
	metaClean   = "clean"   // present while the store is closed in good order
)

// startSpread is by how much a run's first time may be above the ceiling: less than a millisecond.
const startSpread = 1 << 15

func metaKey(name string) []byte {
	return append(append([]byte(localPrefix), tagMeta), name...)
}

// LoadMeta returns a fact that another package keeps beside the data, nil when there is none.
func (s *Store) LoadMeta(name string) ([]byte, error) { return getMeta(s.db, "x-"+name) }

// SaveMeta keeps a small fact beside the data. It is on disk when SaveMeta returns.
func (s *Store) SaveMeta(name string, value []byte) error {
	return s.kept(s.db.Set(metaKey("x-"+name), value, s.syncOption()))
}

func getMeta(db *pebble.DB, name string) ([]byte, error) {
	value, closer, err := db.Get(metaKey(name))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	out := append([]byte{}, value...)
	return out, closer.Close()
}

func getMetaNumber(db *pebble.DB, name string) (uint64, error) {
	value, err := getMeta(db, name)
	if err != nil || value == nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("%w: %s has %d bytes", ErrCorrupt, name, len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}

func setMetaNumber(w pebble.Writer, name string, value uint64, o *pebble.WriteOptions) error {
	return w.Set(metaKey(name), binary.BigEndian.AppendUint64(nil, value), o)
}

// openMeta reads who the store is, or makes it somebody, and takes the clean mark away: from here on a stop that
// does not go through Close is an unclean one.
func (s *Store) openMeta() error {
	node, err := getMetaNumber(s.db, metaNode)
	if err != nil {
		return err
	}
	ceiling, err := getMetaNumber(s.db, metaCeiling)
	if err != nil {
		return err
	}
	epoch, err := getMetaNumber(s.db, metaEpoch)
	if err != nil {
		return err
	}
	clean, err := getMeta(s.db, metaClean)
	if err != nil {
		return err
	}
	b := s.db.NewBatch()
	defer b.Close()
	for node == 0 {
		node = s.options.Random.Uint64()
	}
	if clean == nil && epoch > 0 {
		s.options.Logger.Warn("the store was not closed in good order the last time; writes that were not synced are lost")
	}
	epoch++
	err = errors.Join(
		setMetaNumber(b, metaNode, node, nil),
		setMetaNumber(b, metaEpoch, epoch, nil),
		b.Delete(metaKey(metaClean), nil),
	)
	if err != nil {
		return err
	}
	if err := b.Commit(s.syncOption()); err != nil {
		return err
	}
	s.node, s.epoch = causal.Node(node), epoch
	// Two runs from one copy of the disk begin at one ceiling. The random part keeps them from giving a key the same birth.
	start := causal.Time(ceiling) + causal.Time(s.options.Random.Uint64N(startSpread))
	s.found = causal.Time(ceiling)
	s.ceiling.Store(ceiling)
	s.clock = causal.NewClock(s.options.Now, start, func(ceiling causal.Time) error {
		err := s.kept(setMetaNumber(s.db, metaCeiling, uint64(ceiling), s.syncOption()))
		if err == nil {
			s.ceiling.Store(uint64(ceiling))
		}
		return err
	})
	return nil
}

// markClean records that nothing was lost: all rows are on disk.
func (s *Store) markClean() error {
	return s.kept(s.db.Set(metaKey(metaClean), []byte{1}, s.syncOption()))
}

// syncOption is a durable write, where there is a log to sync.
func (s *Store) syncOption() *pebble.WriteOptions {
	if s.inMemory() {
		return pebble.NoSync
	}
	return pebble.Sync
}
