package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/engine/object"
)

// filled is a disk with a store of some keys, in tables and in the log.
func filled(t *testing.T) *vfs.MemFS {
	t.Helper()
	mem := vfs.NewCrashableMem()
	s := open(t, testOptions(t, mem))
	for i := range 200 {
		put(t, s, fmt.Sprint("k", i), "v")
		if i == 100 {
			if err := s.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	left := mem.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	return left
}

func filesOf(t *testing.T, fs *vfs.MemFS, dir string) (names []string) {
	t.Helper()
	all, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if ofStorage(name) {
			names = append(names, name)
		}
	}
	return names
}

// flip flips a bit of a file. It returns false when the file is empty.
func flip(t *testing.T, fs vfs.FS, name string, rng *rand.Rand) bool {
	t.Helper()
	f, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() == 0 {
		return false
	}
	at, b := rng.Int64N(info.Size()), []byte{0}
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << rng.IntN(8)
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
	return f.Sync() == nil
}

// TestDamagedFiles flips bits in every file of a store, and takes each file away. The store opens or is ErrBroken, and what is
// read of it while it is open is right or stops it; then it does not open again, and is set aside. Options that can be read and
// are others may be refused otherwise, for a later version may have written them.
func TestDamagedFiles(t *testing.T) {
	whole := filled(t)
	dir := testOptions(t, whole).Dir
	rng := rand.New(rand.NewPCG(1, 1))
	broken := 0
	check := func(what string, damaged *vfs.MemFS) {
		t.Helper()
		o := testOptions(t, damaged)
		var fatal error
		o.Fatal = func(err error) { fatal = err }
		s, err := Open(o)
		if err == nil {
			for i := range 200 {
				got, err := s.Get(object.Key{Name: fmt.Sprint("k", i)})
				if err == nil && got != nil && string(got.Cells[0].Versions[0].Payload) != "v" {
					t.Errorf("%s: a wrong value is read", what)
				}
			}
			_ = s.Close()
			if fatal == nil {
				if strings.HasPrefix(what, "marker.manifest.") && strings.HasSuffix(what, " is gone") {
					t.Errorf("%s: what is in tables is taken for nothing", what)
				}
				return
			}
			_, err = Open(o)
		}
		if !errors.Is(err, ErrBroken) && strings.HasPrefix(what, "OPTIONS-") && err != nil {
			return
		}
		if !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v, fatal %v", what, err, fatal)
			return
		}
		broken++
		s, aside, err := OpenOrSetAside(o)
		if err != nil || aside == "" {
			t.Fatalf("%s: not set aside: %v", what, err)
		}
		if len(filesOf(t, damaged, aside)) == 0 {
			t.Errorf("%s: nothing is kept", what)
		}
		if got, err := s.Get(object.Key{Name: "k1"}); got != nil || err != nil {
			t.Errorf("%s: the new store has what the old one had: %v", what, err)
		}
		put(t, s, "new", "v")
		closeStore(t, s)
		if s, aside, err = OpenOrSetAside(o); err != nil || aside != "" {
			t.Fatalf("%s: the new store does not open again: %v", what, err)
		}
		closeStore(t, s)
	}
	for _, name := range filesOf(t, whole, dir) {
		gone := whole.CrashClone(vfs.CrashCloneCfg{})
		if err := gone.Remove(gone.PathJoin(dir, name)); err != nil {
			t.Fatal(err)
		}
		check(name+" is gone", gone)
		for i := range 20 {
			damaged := whole.CrashClone(vfs.CrashCloneCfg{})
			if flip(t, damaged, damaged.PathJoin(dir, name), rng) {
				check(fmt.Sprint(name, " flip ", i), damaged)
			}
		}
	}
	t.Logf("%d cases were broken", broken)
	if broken == 0 {
		t.Error("nothing was found to be broken")
	}
}

// TestSetAsideKeepsOtherFiles: a directory may hold more than the store.
func TestSetAsideKeepsOtherFiles(t *testing.T) {
	fs := filled(t)
	o := testOptions(t, fs)
	for _, name := range []string{"kindred.conf", "kindred.log", "node-id"} {
		f, err := fs.Create(fs.PathJoin(o.Dir, name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	for range 2 {
		aside, err := SetAside(fs, o.Dir, o.Now())
		if err != nil || !strings.HasPrefix(fs.PathBase(aside), asidePrefix) {
			t.Fatal(aside, err)
		}
		if left := filesOf(t, fs, o.Dir); len(left) > 0 {
			t.Errorf("%v are still there", left)
		}
		s := open(t, o)
		put(t, s, "k", "v")
		closeStore(t, s)
	}
	names, _ := fs.List(o.Dir)
	for _, name := range []string{"kindred.conf", "kindred.log", "node-id"} {
		if !strings.Contains(strings.Join(names, " "), name) {
			t.Errorf("%s is gone", name)
		}
	}
}

// TestOtherErrorsSetNothingAside: a store in use, or one that cannot be read, may well be whole.
func TestOtherErrorsSetNothingAside(t *testing.T) {
	fs := filled(t)
	o := testOptions(t, fs)
	s := open(t, o)
	if _, _, err := OpenOrSetAside(o); !errors.Is(err, ErrLocked) {
		t.Errorf("in use: %v", err)
	}
	closeStore(t, s)
	if s, aside, err := OpenOrSetAside(o); err != nil || aside != "" {
		t.Errorf("whole: set aside as %q, %v", aside, err)
	} else {
		closeStore(t, s)
	}
	names, err := fs.List(o.Dir)
	if err != nil || strings.Contains(strings.Join(names, " "), asidePrefix) {
		t.Error("something was set aside")
	}
}
