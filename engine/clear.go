package engine

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/kindredkv/kindred/engine/object"
)

// Clear removes every object without a trace: no tombstones, no contexts. It is only for a store that no other replica
// shares a key with; what another replica still holds would come back.
func (s *Store) Clear() error {
	resume := s.pause()
	defer resume()
	if s.failed.Load() {
		return ErrClosed
	}
	for _, sh := range s.shards {
		if err := sh.clear(); err != nil {
			err = fmt.Errorf("clear: %w", err)
			s.fatal(err)
			return err
		}
	}
	// Last, for a row of a deadline may be there without its object, but no object without the row of its deadline.
	start, end := localRange(tagDue)
	if err := s.kept(s.db.DeleteRange(start, end, s.syncOption())); err != nil {
		err = fmt.Errorf("clear: %w", err)
		s.fatal(err)
		return err
	}
	s.cache.Clear()
	s.present.clear()
	s.hints.mu.Lock()
	s.hints.reset()
	s.hints.mu.Unlock()
	s.empty()
	return nil
}

// pause holds every applier between two batches until resume is called. The appliers' state is the caller's meanwhile.
func (s *Store) pause() (resume func()) {
	release := make(chan struct{})
	var held, left sync.WaitGroup
	held.Add(len(s.shards))
	for _, sh := range s.shards {
		left.Go(func() {
			ran := sh.control(func() {
				held.Done()
				<-release
			})
			if !ran {
				held.Done()
			}
		})
	}
	held.Wait()
	return func() {
		close(release)
		left.Wait()
	}
}

// clear empties the shard. Rows, summaries and journal go in one batch.
func (sh *shard) clear() error {
	b := sh.store.db.NewBatch()
	defer b.Close()
	first, end := uint16(sh.summaries.first), uint16(sh.summaries.end)
	ranges := [][2][]byte{
		{binary.BigEndian.AppendUint16(nil, first), binary.BigEndian.AppendUint16(nil, end)},
		{binary.BigEndian.AppendUint16(nil, object.Slots+first), binary.BigEndian.AppendUint16(nil, object.Slots+end)},
		{summaryPrefix(first), summaryPrefix(end)},
		{hintPrefix(first), hintPrefix(end)},
		{journalKey(sh.summaries.shard, 0), journalKey(sh.summaries.shard+1, 0)},
	}
	for _, r := range ranges {
		if err := b.DeleteRange(r[0], r[1], nil); err != nil {
			return err
		}
	}
	if err := sh.store.apply(b); err != nil {
		return err
	}
	sh.summaries.reset()
	sh.cache.Drop()
	sh.reading.clear()
	// A reader that read before this must not offer what it read.
	seq := sh.store.sequence.Add(1)
	for i := range sh.lastWrite {
		sh.lastWrite[i] = seq
	}
	sh.committed.Store(seq)
	sh.store.written()
	return nil
}

func hintPrefix(slot uint16) []byte {
	return binary.BigEndian.AppendUint16(append([]byte(localPrefix), tagHint), slot)
}

func summaryPrefix(slot uint16) []byte {
	return binary.BigEndian.AppendUint16(append([]byte(localPrefix), tagSummary), slot)
}
