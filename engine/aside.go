package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrBroken says that the files of a store are damaged: it does not open, or it found itself corrupt in its last run.
var ErrBroken = errors.New("the store is broken")

// A store that finds itself corrupt while it runs leaves a file of this name, with the reason: it could most often be
// opened again, up to the next look at the same place.
const condemnedFile = "broken"

// asidePrefix begins the names of the directories with what was set aside.
const asidePrefix = "set-aside-"

// OpenOrSetAside is Open for a node that others can fill again: what is broken is set aside, and a new store opened in
// its place. aside is where the broken one is kept, empty when there was none.
func OpenOrSetAside(o Options) (s *Store, aside string, err error) {
	s, err = Open(o)
	if !errors.Is(err, ErrBroken) {
		return s, "", err
	}
	aside, failed := SetAside(o.FS, o.Dir, o.Now())
	if failed != nil {
		return nil, "", fmt.Errorf("%w; setting it aside: %w", err, failed)
	}
	o.Logger.Error("the store is broken and has been set aside; this node starts with an empty one", "reason", err, "kept", aside)
	s, err = Open(o)
	return s, aside, err
}

// SetAside moves the files of a store that is not open into a new directory beside them, and returns its name. Files of
// other names stay: the directory itself may be a mount, or hold a configuration too.
func SetAside(f vfs.FS, dir string, now time.Time) (string, error) {
	lock, err := pebble.LockDirectory(dir, f)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrLocked, err)
	}
	defer lock.Close()
	names, err := f.List(dir)
	if err != nil {
		return "", err
	}
	aside, err := makeAside(f, dir, now)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if ofStorage(name) {
			err = errors.Join(err, f.Rename(f.PathJoin(dir, name), f.PathJoin(aside, name)))
		}
	}
	return aside, errors.Join(err, syncDir(f, aside), syncDir(f, dir))
}

// makeAside makes a directory that is named by the time, and by a number if there is one already.
func makeAside(f vfs.FS, dir string, now time.Time) (string, error) {
	base := f.PathJoin(dir, asidePrefix+now.UTC().Format("20060102T150405Z"))
	name := base
	for i := 2; ; i++ {
		if _, err := f.Stat(name); err != nil {
			break
		}
		name = fmt.Sprintf("%s-%d", base, i)
	}
	return name, f.MkdirAll(name, 0o755)
}

func syncDir(f vfs.FS, name string) error {
	d, err := f.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ofStorage reports whether a file is one of the store's.
func ofStorage(name string) bool {
	for _, prefix := range []string{"MANIFEST-", "OPTIONS-", "marker.", "temporary.", "REMOTE-OBJ-CATALOG"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch path.Ext(name) {
	case ".log", ".sst", ".blob", ".dbtmp":
		return name[0] >= '0' && name[0] <= '9'
	}
	return name == "CURRENT" || name == condemnedFile
}

// asBroken returns err as an ErrBroken if it says that files are damaged or missing. A disk that fails, a directory that may
// not be read and files of a later version are other matters: what is there may well be good. Files without the marker of
// their version are ones that Pebble calls not pristine.
func asBroken(err error) error {
	if err == nil || errors.Is(err, ErrBroken) {
		return err
	}
	if pebble.IsCorruptionError(err) || errors.Is(err, ErrCorrupt) || errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, pebble.ErrDBNotPristine) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return err
}

// headless is an ErrBroken when the directory has data and nothing that says what belongs together: Pebble would take it for
// an empty one and delete the data.
func (s *Store) headless() error {
	names, err := s.options.FS.List(s.options.Dir)
	if err != nil {
		return nil // there is none yet, or opening it tells what is wrong
	}
	data := false
	for _, name := range names {
		if strings.HasPrefix(name, "marker.manifest.") {
			return nil
		}
		ext := path.Ext(name)
		data = data || ofStorage(name) && (ext == ".sst" || ext == ".log")
	}
	if data {
		return fmt.Errorf("%w: the file marker.manifest.* is missing", ErrBroken)
	}
	return nil
}

// condemn leaves word for the next run that the store is corrupt.
func (s *Store) condemn(reason error) {
	if s.inMemory() {
		return
	}
	f := s.options.FS
	file, err := f.Create(f.PathJoin(s.options.Dir, condemnedFile), vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = file.Write([]byte(reason.Error()))
		err = errors.Join(err, file.Sync(), file.Close(), syncDir(f, s.options.Dir))
	}
	if err != nil {
		s.options.Logger.Error("no word of the corruption could be left", "error", err)
	}
}

// condemned is what an earlier run has left word of, as an ErrBroken.
func (s *Store) condemned() error {
	f := s.options.FS
	file, err := f.Open(f.PathJoin(s.options.Dir, condemnedFile))
	if err != nil {
		return nil
	}
	defer file.Close()
	reason, _ := io.ReadAll(io.LimitReader(file, 4096))
	return fmt.Errorf("%w: found in its last run: %s", ErrBroken, reason)
}
