package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestLineage restarts a store in all ways, and puts it back to a copy: only that shows.
func TestLineage(t *testing.T) {
	for _, sync := range []SyncPolicy{SyncAlways, SyncEverySecond, SyncNever} {
		mem := vfs.NewCrashableMem()
		now := time.UnixMilli(1_700_000_000_000)
		start := func(disk *vfs.MemFS) *Store {
			o := testOptions(t, disk)
			o.Sync, o.Now = sync, func() time.Time { return now }
			return open(t, o)
		}
		work := func(s *Store) {
			for i := range 10 {
				put(t, s, fmt.Sprint("k", i), "v")
				now = now.Add(time.Second)
				if err := s.clock.Extend(); err != nil {
					t.Fatal(err)
				}
			}
		}
		s := start(mem)
		work(s)
		copied := mem.CrashClone(vfs.CrashCloneCfg{})
		if s.Lineage().PutBack(s.Lineage()) {
			t.Error("a store is not as it is")
		}
		work(s)
		seen := s.Lineage()
		crashed := mem.CrashClone(vfs.CrashCloneCfg{})
		closeStore(t, s)

		for what, disk := range map[string]*vfs.MemFS{"closed": mem, "crashed": crashed, "put back": copied} {
			s := start(disk)
			work(s)
			if got := s.Lineage().PutBack(seen); got != (what == "put back") {
				t.Errorf("sync %d, a store that was %s: %v, %+v, seen %+v", sync, what, got, s.Lineage(), seen)
			}
			closeStore(t, s)
		}
		other := start(vfs.NewCrashableMem())
		if other.Lineage().PutBack(seen) || s.Lineage().PutBack(Lineage{}) {
			t.Error("what was seen of another store counts")
		}
		closeStore(t, other)
	}
}
