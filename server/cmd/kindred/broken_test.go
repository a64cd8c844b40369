package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// spoil overwrites a part of every file with data in a node's directory.
func spoil(t *testing.T, dir string) {
	t.Helper()
	spoiled := 0
	for _, pattern := range []string{"*.sst", "0*.log", "MANIFEST-*"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			copy(b[len(b)/3:], bytes.Repeat([]byte{0xa5}, len(b)/3))
			if err := os.WriteFile(name, b, 0o644); err != nil {
				t.Fatal(err)
			}
			spoiled++
		}
	}
	if spoiled == 0 {
		t.Fatal("there is nothing to spoil")
	}
}

// TestBrokenStore spoils the files of a member: it remains itself, keeps them aside, and is filled again by the others. One that
// knows of no others does not start.
func TestBrokenStore(t *testing.T) {
	t.Parallel()
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	a := serve(t, dirs[0])
	b := serve(t, dirs[1], joining(a)...)
	c := serve(t, dirs[2], joining(a)...)
	awaitMembers(t, a, b, c)
	writer := a.client()
	for i := range 100 {
		writer.want("OK", "SET", fmt.Sprint("k", i), "v")
	}
	id := dial(t, b.address(clusterPort)).do("CLUSTER", "MYID")
	b.stop()
	spoil(t, dirs[1])
	b = launch(t, b.port, "", append([]string{"--port", strconv.Itoa(b.port), "--dir", dirs[1]}, joining(a)...)...)
	b.ready()
	awaitMembers(t, a, b, c)
	dial(t, b.address(clusterPort)).want(id, "CLUSTER", "MYID")
	wantText(t, problems(b), "the store is broken and has been set aside", "set-aside-")
	aside, err := filepath.Glob(filepath.Join(dirs[1], "set-aside-*", "MANIFEST-*"))
	if err != nil || len(aside) == 0 {
		t.Errorf("nothing is kept: %v", err)
	}
	reader := b.client()
	for i := range 100 {
		reader.want("v", "QUORUM", "R", "3", "--", "GET", fmt.Sprint("k", i))
	}
	reader.want("100", "DBSIZE")

	a.stop()
	spoil(t, dirs[0])
	wantText(t, refused(t, "--port", strconv.Itoa(a.port), "--dir", dirs[0]), "the store is broken", "It is left as it is", "join")
	if left, _ := filepath.Glob(filepath.Join(dirs[0], "set-aside-*")); len(left) > 0 {
		t.Errorf("a store that nobody can fill again was set aside: %s", strings.Join(left, " "))
	}
}
