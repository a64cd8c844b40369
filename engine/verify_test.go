package engine

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/engine/object"
)

// verify runs Verify and tells what it found.
func verify(t *testing.T, s *Store, slot object.Slot) Verification {
	t.Helper()
	v, err := s.Verify(slot)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// damage changes the summary of a slot between two batches, for the applier reads its summaries without the lock.
func damage(s *Store, slot object.Slot, f func(*summary)) {
	sh := s.shard(slot)
	sh.control(func() {
		sh.summaries.mu.Lock()
		defer sh.summaries.mu.Unlock()
		f(sh.summaries.slots[slot])
	})
}

func TestVerifyMendsTreesAndCounts(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := open(t, testOptions(t, fs))
	for i := range 50 {
		put(t, s, fmt.Sprint("{a}", i), "x")
	}
	slot := object.SlotOf("{a}")
	key := object.Key{Name: "{a}7"}
	do(t, s, key, func(tx *Tx) { tx.Edit(key).Clear() })
	if v := verify(t, s, slot); v.Buckets != 0 || v.Counts != 0 || v.Keys != 50 || v.Bytes == 0 {
		t.Fatalf("a sound slot: %+v", v)
	}
	damage(s, slot, func(sum *summary) {
		sum.tree[3] ^= 1 << 17
		sum.tree[9] ^= 1
		sum.live[0]--
		sum.tombs += 5
	})
	if v := verify(t, s, slot); v.Buckets != 2 || v.Counts != 2 {
		t.Fatalf("a damaged slot: %+v", v)
	}
	verifySummaries(t, s)
	if v := verify(t, s, slot); v.Buckets+v.Counts != 0 {
		t.Fatalf("after mending: %+v", v)
	}
	// What was mended is mended on disk too, and the journal of before does not count twice.
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	s = open(t, testOptions(t, crashed))
	defer closeStore(t, s)
	verifySummaries(t, s)
}

// TestVerifyBesideWrites verifies a slot over and over while it is written: sound trees must never look wrong, and a wrong
// one is mended exactly.
func TestVerifyBesideWrites(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	put(t, s, "{a}", "x")
	slot := object.SlotOf("{a}")
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for w := range 2 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				put(t, s, fmt.Sprintf("{a}%d-%d", w, i%40), fmt.Sprint(i))
			}
		})
	}
	for i := range 60 {
		wrong := i%3 == 2
		if wrong {
			damage(s, slot, func(sum *summary) { sum.tree[i%16] ^= 77 })
		}
		if v := verify(t, s, slot); (v.Buckets > 0) != wrong {
			t.Errorf("round %d: %+v", i, v)
			break
		}
	}
	close(stop)
	writers.Wait()
	verifySummaries(t, s)
}

// TestSummaryOfEarlierFormat reads a row from before tombstones were counted.
func TestSummaryOfEarlierFormat(t *testing.T) {
	sum := &summary{seq: 300, live: []int64{4, 0, -1}}
	sum.tree[2] = 99
	old := binary.AppendUvarint(nil, sum.seq)
	for _, v := range sum.tree {
		old = binary.BigEndian.AppendUint64(old, v)
	}
	for _, n := range sum.live {
		old = binary.AppendVarint(old, n)
	}
	for _, row := range [][]byte{old, sum.encode(nil)} {
		got, err := decodeSummary(row)
		if err != nil || got.seq != 300 || got.tree != sum.tree || fmt.Sprint(got.live) != fmt.Sprint(sum.live) || got.tombs != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	sum.tombs = 12
	if got, err := decodeSummary(sum.encode(nil)); err != nil || got.tombs != 12 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, bad := range [][]byte{{}, {0}, {0, 9}, {0, 1}, {0, 1, 5}, {0, 1, 5, 2}, old[:100]} {
		if got, err := decodeSummary(bad); err == nil {
			t.Errorf("%x is read as %+v", bad, got)
		}
	}
}

func TestSyncMarks(t *testing.T) {
	o := testOptions(t, vfs.NewCrashableMem())
	o.Sync = SyncNever
	s := open(t, o)
	before := s.SyncMark()
	if !s.Synced(before) {
		t.Fatal("what the store held when it was opened is not on disk")
	}
	put(t, s, "k", "v")
	mark := s.SyncMark()
	if mark == before || s.Synced(mark) {
		t.Fatalf("a commit is on disk without a sync: mark %d, before %d", mark, before)
	}
	if err := s.Sync(); err != nil || !s.Synced(mark) {
		t.Fatalf("synced %v, %v", s.Synced(mark), err)
	}
	s.SetSync(SyncAlways)
	put(t, s, "k", "w")
	if mark := s.SyncMark(); !s.Synced(mark) {
		t.Fatal("appendfsync always: a commit is not on disk")
	}
	closeStore(t, s)
	s = open(t, o)
	defer closeStore(t, s)
	if s.Synced(mark) || s.Synced(0) {
		t.Fatal("a mark of an earlier run counts")
	}
}

// TestVerifyBesideClear has the store emptied between the look at a slot and its mending: what was found out then no longer
// holds.
func TestVerifyBesideClear(t *testing.T) {
	s := open(t, testOptions(t, vfs.NewMem()))
	defer closeStore(t, s)
	put(t, s, "{a}1", "x")
	slot := object.SlotOf("{a}")
	_, resets := s.shard(slot).summaries.copyOf(slot)
	if err := s.Clear(); err != nil {
		t.Fatal(err)
	}
	fault := &summary{tombs: 7}
	fault.tree[2] = 5
	sh := s.shard(slot)
	if !sh.control(func() {
		if err := sh.mend(slot, fault, resets); err != nil {
			t.Error(err)
		}
	}) {
		t.Fatal("the applier is gone")
	}
	verifySummaries(t, s)
}
