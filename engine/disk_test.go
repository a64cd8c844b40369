package engine

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/kindredkv/kindred/engine/object"
)

// TestFullDisk writes, some large values among others so that logs and memtables change, until the disk is full at one
// write after the other: the store says so once, and acknowledges nothing that is not there afterwards.
func TestFullDisk(t *testing.T) {
	for after := int64(1); after < 120; after += 7 {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			var writes atomic.Int64
			var full atomic.Bool
			o := testOptions(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				switch op.Kind {
				case errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
					if full.Load() && writes.Add(1) > after {
						return syscall.ENOSPC
					}
				}
				return nil
			})))
			var fatal []error
			o.Fatal = func(err error) { fatal = append(fatal, err) }
			o.Sync = SyncAlways
			s := open(t, o)
			full.Store(true)
			value := bytes.Repeat([]byte("x"), 100_000)
			acknowledged := 0
			for ; acknowledged < 1000; acknowledged++ {
				if tryPut(s, fmt.Sprint(acknowledged), value) != nil {
					break
				}
			}
			if len(fatal) != 1 || !errors.Is(fatal[0], syscall.ENOSPC) {
				t.Fatalf("fatal errors %v", fatal)
			}
			if err := tryPut(s, "later", value); !errors.Is(err, ErrClosed) {
				t.Fatalf("a write after the failure: %v", err)
			}
			left := mem.CrashClone(vfs.CrashCloneCfg{})
			_ = s.Close()

			o.FS = left
			s = open(t, o)
			defer closeStore(t, s)
			for i := range acknowledged {
				if o, err := s.Get(object.Key{Name: fmt.Sprint(i)}); err != nil || o == nil {
					t.Fatalf("write %d of %d was acknowledged and is not there: %v", i, acknowledged, err)
				}
			}
		})
	}
}

func tryPut(s *Store, key string, value []byte) error {
	k := object.Key{Name: key}
	task := &Task{Slot: k.Slot(), Body: bodyFunc(func(tx *Tx) { tx.Edit(k).Put(cell, value) })}
	done := make(chan struct{})
	if !s.Do([]*Task{task}, func() { close(done) }) {
		<-done
	}
	return task.Err
}
