package server

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/server/config"
)

// TestRemovedNodeBeginsAnew opens the store of a node that was removed: it is set aside, and the new one is empty and another.
func TestRemovedNodeBeginsAnew(t *testing.T) {
	fs, log := vfs.NewMem(), &bytes.Buffer{}
	n := &Node{
		seams: Seams{FS: fs, Now: time.Now, Random: rand.New(rand.NewPCG(1, 2)), Fatal: func(err error) { t.Error(err) }},
		log:   slog.New(slog.NewTextHandler(log, nil)),
	}
	loaded, err := config.Load([]string{"--dir", "/d", "--join", "127.0.0.1:7001"}, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	c := &loaded.Config
	id := ring.NodeID(strings.Repeat("a", 40))
	for _, state := range []ring.State{ring.Member, ring.Removed} {
		store, err := n.openMember(c)
		if err != nil {
			t.Fatal(err)
		}
		record := membership.Record{ID: id, Host: "h", PeerPort: 1, GossipPort: 2, Weight: 1, State: state, Replicas: 3, Vnodes: 8, Version: 1}
		if err := store.SaveMeta(metaNodeID, []byte(id)); err != nil {
			t.Fatal(err)
		}
		if err := (storage{store}).Save(membership.Encode([]membership.Record{record})); err != nil {
			t.Fatal(err)
		}
		if was, err := wasRemoved(store); err != nil || (was == id) != (state == ring.Removed) {
			t.Errorf("%v: removed as %q, %v", state, was, err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	alone := *c
	alone.Join = nil
	if _, err := n.openMember(&alone); err == nil || !strings.Contains(err.Error(), "was removed from the cluster") {
		t.Errorf("without others: %v", err)
	}
	named := *c
	named.NodeID = string(id)
	if _, err := n.openMember(&named); err == nil || !strings.Contains(err.Error(), "was removed from the cluster") {
		t.Errorf("with the old id: %v", err)
	}
	store, err := n.openMember(c)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if kept, err := store.LoadMeta(metaNodeID); kept != nil || err != nil {
		t.Errorf("the new store is of node %q, %v", kept, err)
	}
	names, err := fs.List("/d")
	if err != nil {
		t.Fatal(err)
	}
	aside := 0
	for _, name := range names {
		if strings.HasPrefix(name, asidePrefix) {
			aside++
		}
	}
	if aside != 1 || !strings.Contains(log.String(), "was removed") {
		t.Errorf("%d directories aside, log %s", aside, log)
	}
}
