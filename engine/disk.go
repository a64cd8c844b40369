package engine

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guarded is the store's file system: the first write that the disk refuses stops the node.
//
// Pebble takes such errors in many ways. It reports some, tries again after others, and where it changes to a new log it
// panics with its mutex unlocked, which nothing can recover from. So it does not get to see them. Fatal ends the process; where
// it returns, as in tests, the write counts as made for Pebble, and as failed for all who wait for it: see kept.
type guarded struct {
	vfs.FS
	store *Store
}

func (g guarded) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return guardedFile{f, g.store}, nil
}

// Create makes a guarded file. There is nothing to pretend where that fails.
func (g guarded) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := g.FS.Create(name, category)
	if err != nil && g.store.opened.Load() {
		g.store.fatal(fmt.Errorf("disk: %w", err))
	}
	return g.file(f, err)
}

// OpenDir opens a guarded directory, for it is synced.
func (g guarded) OpenDir(name string) (vfs.File, error) { return g.file(g.FS.OpenDir(name)) }

// OpenReadWrite opens a guarded file.
func (g guarded) OpenReadWrite(name string, category vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return g.file(g.FS.OpenReadWrite(name, category, o...))
}

// ReuseForWrite makes a guarded file of an old one.
func (g guarded) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.file(g.FS.ReuseForWrite(from, to, category))
}

// Unwrap is the file system below.
func (g guarded) Unwrap() vfs.FS { return g.FS }

type guardedFile struct {
	vfs.File
	store *Store
}

func (f guardedFile) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	return f.wrote(n, len(b), err)
}

func (f guardedFile) WriteAt(b []byte, at int64) (int, error) {
	n, err := f.File.WriteAt(b, at)
	return f.wrote(n, len(b), err)
}

func (f guardedFile) wrote(n, all int, err error) (int, error) {
	if err = f.refused(err); err == nil {
		n = all
	}
	return n, err
}

func (f guardedFile) Sync() error     { return f.refused(f.File.Sync()) }
func (f guardedFile) SyncData() error { return f.refused(f.File.SyncData()) }

func (f guardedFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.refused(err)
}

// refused stops the node if the disk has refused a write. A store that is being opened just does not open.
func (f guardedFile) refused(err error) error {
	if err == nil || !f.store.opened.Load() {
		return err
	}
	f.store.fatal(fmt.Errorf("disk: %w", err))
	return nil
}

// kept is the outcome of a write to storage. What the disk has refused was not kept, though storage does not know.
func (s *Store) kept(err error) error {
	if err == nil && s.failed.Load() {
		return ErrClosed
	}
	return err
}
