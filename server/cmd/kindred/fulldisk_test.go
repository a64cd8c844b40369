//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of a few megabytes, and skips the test where that is not allowed.
func smallDisk(t *testing.T, megabytes int64) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	folder := t.TempDir()
	image, at := filepath.Join(folder, "image"), filepath.Join(folder, "disk")
	for _, err := range []error{os.WriteFile(image, nil, 0o600), os.Truncate(image, megabytes<<20), os.Mkdir(at, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-F", "-m", "0", image}, {"mount", "-o", "loop", image, at}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("no small disk can be made here: %s: %v\n%s", args[0], err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", at).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
	return at
}

// take takes room away from a disk.
func take(t *testing.T, name string, megabytes int64) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it holds nothing of worth
	if err := unix.Fallocate(int(f.Fd()), 0, 0, megabytes<<20); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk lets one of three nodes run out of room: it stops and says why, the clients of the others notice nothing, and when
// there is room again it comes back with everything.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 64)
	a := serve(t, t.TempDir())
	b := serve(t, t.TempDir(), joining(a)...)
	port := freePort(t)
	start := func() *node {
		n := launch(t, port, "", append([]string{"--port", strconv.Itoa(port), "--dir", filepath.Join(disk, "data")}, joining(a)...)...)
		n.ready()
		return n
	}
	c := start()
	awaitMembers(t, a, b, c)
	take(t, filepath.Join(disk, "balloon"), 24)

	bytes := make([]byte, 64<<10)
	for i := range bytes {
		bytes[i] = byte(rand.Uint32()) // nothing that compression makes small
	}
	value := func(key int) string { return fmt.Sprint(key, " ", string(bytes)) }
	clients := []*client{a.client(), b.client()}
	keys := 0
	for ; !c.ended(); keys++ {
		if keys == 10_000 {
			t.Fatal("the disk does not run full")
		}
		clients[keys%2].want("OK", "SET", strconv.Itoa(keys), value(keys))
	}
	if code := c.wait(); code == 0 {
		t.Error("the exit code is 0")
	}
	wantText(t, problems(c), "the store has failed, the node stops", "no space left on device")
	for end := keys + 20; keys < end; keys++ {
		clients[keys%2].want("OK", "SET", strconv.Itoa(keys), value(keys))
	}

	if err := os.Remove(filepath.Join(disk, "balloon")); err != nil {
		t.Fatal(err)
	}
	c = start()
	awaitMembers(t, a, b, c)
	back := c.client()
	for i := range keys {
		if back.do("QUORUM", "R", "3", "--", "GET", strconv.Itoa(i)) != value(i) {
			t.Errorf("key %d is not as it was acknowledged", i)
		}
	}
	await(t, "what was missed is brought", func() bool {
		return back.do("QUORUM", "R", "1", "--", "GET", strconv.Itoa(keys-1)) == value(keys-1)
	})
}
