package engine

import "sync/atomic"

// SyncMark names a moment in the order of this store's commits. All that a reader saw before it took the mark was
// committed before it. The zero value is no mark.
type SyncMark uint64

// syncMarks tell which commits are on disk: that a row is there to be read says nothing about that.
type syncMarks struct {
	first   SyncMark      // the mark of the store as it was opened; all it held then is on disk
	applied atomic.Uint64 // the mark of the last commit, a number more for each
	synced  atomic.Uint64 // the mark of the last commit that is known to be on disk
}

// startMarks begins with a time that no earlier run has issued. So a mark of an earlier run, whose unsynced commits may be
// lost, is never taken for one of this.
func (s *Store) startMarks() error {
	now, err := s.clock.Now()
	if err != nil {
		return err
	}
	s.first = SyncMark(now)
	s.applied.Store(uint64(now))
	s.synced.Store(uint64(now))
	return nil
}

// noteApplied counts a commit. commit is held. The log is written in order, so with one commit all before it are on disk.
func (s *Store) noteApplied(synced bool) {
	n := s.applied.Add(1)
	if synced || s.inMemory() {
		s.noteSynced(n)
	}
}

func (s *Store) noteSynced(through uint64) {
	for {
		have := s.synced.Load()
		if have >= through || s.synced.CompareAndSwap(have, through) {
			return
		}
	}
}

// SyncMark is the mark of now.
func (s *Store) SyncMark() SyncMark { return SyncMark(s.applied.Load()) }

// Synced reports whether all that was committed before the mark was taken is on disk. It is false for a mark that was
// taken before the store was opened.
func (s *Store) Synced(m SyncMark) bool { return m >= s.first && uint64(m) <= s.synced.Load() }
