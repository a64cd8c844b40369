//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// diskSize is the size of a node's file system: room for what the load writes, and little enough to be filled and copied
// at once.
const diskSize = 512 << 20

// disk is a file system in an image, mounted where a node keeps its data.
type disk struct {
	image, mounted string
	balloon        string
}

func newDisk(folder string, node int) (*disk, error) {
	d := &disk{image: filepath.Join(folder, fmt.Sprintf("n%d.img", node)), mounted: filepath.Join(folder, fmt.Sprintf("n%d", node))}
	d.balloon = filepath.Join(d.mounted, "balloon")
	if err := os.MkdirAll(d.mounted, 0o755); err != nil {
		return nil, err
	}
	if err := d.make(); err != nil {
		return nil, err
	}
	return d, d.mount()
}

// data is the folder for the node.
func (d *disk) data() string { return filepath.Join(d.mounted, "data") }

// make makes an empty file system.
func (d *disk) make() error {
	_ = os.Remove(d.image) // it need not be there
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(d.image, diskSize); err != nil {
		return err
	}
	return command("mkfs.ext4", "-q", "-F", "-m", "0", d.image)
}

// mount mounts it. The kernel is to write back late, so that a copy misses what was not synced.
func (d *disk) mount() error { return command("mount", "-o", "loop,commit=300", d.image, d.mounted) }

func (d *disk) unmount() error { return command("umount", d.mounted) }

// copied is where copy puts a copy.
func (d *disk) copied() string { return d.image + ".copy" }

// copy copies the image, as a disk would be found after the loss of power: what nobody synced is in the kernel's memory
// and not in it. Nobody may sync while it is copied, or parts of the copy would be younger than others.
func (d *disk) copy() error {
	return command("cp", "--sparse=always", "--reflink=auto", d.image, d.copied())
}

// replace puts another image in the place of this one. Nobody may be using it.
func (d *disk) replace(image string) error {
	if err := d.unmount(); err != nil {
		return err
	}
	if err := os.Rename(image, d.image); err != nil {
		return err
	}
	return d.mount()
}

// format empties the disk.
func (d *disk) format() error {
	if err := d.unmount(); err != nil {
		return err
	}
	if err := d.make(); err != nil {
		return err
	}
	return d.mount()
}

// fill takes all the space that is left.
func (d *disk) fill() error {
	f, err := os.Create(d.balloon)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it holds nothing of worth
	at := int64(0)
	for _, step := range []int64{16 << 20, 1 << 20, 64 << 10, 4 << 10} {
		for err = nil; err == nil; at += step {
			if err = unix.Fallocate(int(f.Fd()), 0, at, step); err != nil {
				break
			}
		}
		if !errors.Is(err, unix.ENOSPC) {
			return fmt.Errorf("fill the disk: %w", err)
		}
	}
	return nil
}

// empty gives back what fill took.
func (d *disk) empty() error { return os.Remove(d.balloon) }
