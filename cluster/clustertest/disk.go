package clustertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// disk is a node's file system: it can lose what was not synced, fail, run full, and be copied or damaged.
type disk struct {
	vfs.FS // mem, with the faults in front
	mem    *vfs.MemFS
	fault  atomic.Pointer[DiskFault]
	writes atomic.Int64 // since the fault began
}

// DiskFault is how a disk fails.
type DiskFault struct {
	Err error
	// After is how many writes still succeed.
	After int
}

func newDisk() *disk { return diskOn(vfs.NewCrashableMem()) }

func diskOn(mem *vfs.MemFS) *disk {
	d := &disk{mem: mem}
	d.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(d.fail))
	return d
}

// fail is asked before every operation. Files can always be made: it is their content that the disk refuses.
func (d *disk) fail(op errorfs.Op) error {
	f := d.fault.Load()
	if f == nil {
		return nil
	}
	switch op.Kind {
	case errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		if d.writes.Add(1) > int64(f.After) {
			return f.Err
		}
	}
	return nil
}

// crash is the disk as a crash at this moment leaves it, in good order again.
func (d *disk) crash(percent int) *disk {
	return diskOn(d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(percent), 1))}))
}

// Image is a copy of a disk.
type Image struct{ mem *vfs.MemFS }

// Image copies a node's disk as the loss of power at this moment would leave it.
func (c *Cluster) Image(i int) Image { return Image{c.Nodes[i].disk.crash(0).mem} }

// Restore gives a node that is not running the disk of an image, which it takes over.
func (c *Cluster) Restore(i int, image Image) { c.Nodes[i].disk = diskOn(image.mem) }

// Wipe gives a node that is not running an empty disk. It keeps its name.
func (c *Cluster) Wipe(i int) { c.Nodes[i].disk = newDisk() }

// Empty gives a node that is not running an empty disk. Started again it is a member with a store that knows nothing.
func (c *Cluster) Empty(i int) { c.Nodes[i].disk = newDisk() }

// FailDisk makes a node's disk fail; nil mends it.
func (c *Cluster) FailDisk(i int, fault *DiskFault) {
	d := c.Nodes[i].disk
	d.writes.Store(0)
	d.fault.Store(fault)
}

// Damage overwrites the beginning of the files of a node's store whose names begin so, and returns how many these are.
func (c *Cluster) Damage(i int, prefix string) int {
	fs := c.Nodes[i].disk.mem
	return c.files(i, prefix, func(name string) error {
		f, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte(strings.Repeat("damaged\n", 8)), 0)
		return errors.Join(err, f.Sync(), f.Close())
	})
}

// Lose removes them.
func (c *Cluster) Lose(i int, prefix string) int {
	return c.files(i, prefix, c.Nodes[i].disk.mem.Remove)
}

// files does something to the files of a node's store whose names begin so.
func (c *Cluster) files(i int, prefix string, do func(name string) error) (done int) {
	names, err := c.Nodes[i].disk.mem.List("/data")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			if err := do("/data/" + name); err != nil {
				c.t.Fatal(err)
			}
			done++
		}
	}
	return done
}

// FlipBit flips a bit in one of the files with data of a node, and says where; empty when there is none.
func (c *Cluster) FlipBit(i int, rng *rand.Rand) string {
	fs := c.Nodes[i].disk.mem
	names, err := fs.List("/data")
	if err != nil {
		return ""
	}
	var files []string
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".log") {
			files = append(files, "/data/"+name)
		}
	}
	if len(files) == 0 {
		return ""
	}
	name := files[rng.IntN(len(files))]
	f, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return ""
	}
	at, b := rng.Int64N(info.Size()), []byte{0}
	if _, err := f.ReadAt(b, at); err != nil {
		return ""
	}
	b[0] ^= 1 << rng.IntN(8)
	if _, err := f.WriteAt(b, at); err != nil {
		return ""
	}
	_ = f.Sync()
	return fmt.Sprintf("%s at byte %d", name, at)
}
