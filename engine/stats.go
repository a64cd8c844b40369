package engine

import "time"

// Stats are figures of a store.
type Stats struct {
	// DiskBytes is what the store's files take, CacheBytes what the hot cache holds.
	DiskBytes, CacheBytes int64
	// Batches counts commits since the store was opened.
	Batches uint64
	// SiblingsDropped counts versions beyond the bound on siblings that merges dropped.
	SiblingsDropped uint64
	// LastSync is when the log was last synced; zero before the first time.
	LastSync time.Time
	// Levels and compaction, for an operator who looks for the cause of a slow disk.
	Flushes, Compactions int64
	ReadAmplification    int
}

// Stats are the store's figures now.
func (s *Store) Stats() Stats {
	m := s.db.Metrics()
	out := Stats{
		DiskBytes:         int64(m.DiskSpaceUsage()),
		CacheBytes:        s.cache.Bytes(),
		Batches:           s.sequence.Load(),
		SiblingsDropped:   s.stats.siblingsDropped.Load(),
		Flushes:           m.Flush.Count,
		Compactions:       m.Compact.Count,
		ReadAmplification: m.ReadAmp(),
	}
	for _, sh := range s.shards {
		out.CacheBytes += sh.reading.bytes.Load()
	}
	if at := s.stats.lastSync.Load(); at != 0 {
		out.LastSync = time.UnixMilli(at)
	}
	return out
}
