package server

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/server/config"
)

// asidePrefix begins the names of the directories that hold what removed nodes had.
const asidePrefix = "removed-"

// openMember opens the store of a node that may be a member. That of a node which was removed from its cluster is set aside first: what it holds is from
// before others took over, and its id is refused for good, so the node begins anew, empty and under another id. Where it was
// told of no others it would be a cluster of its own, and does not start.
func (n *Node) openMember(c *config.Config) (*engine.Store, error) {
	store, err := n.openStore(c)
	if err != nil {
		return nil, explainOpen(c.Dir, err)
	}
	removed, err := wasRemoved(store)
	if err == nil && removed == "" {
		return store, nil
	}
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	if others, _ := seeds(c); c.NodeID != "" || len(others) == 0 {
		return nil, fmt.Errorf("node %s was removed from the cluster: to join again as a new node it needs members in join, and no node-id", removed)
	}
	aside := n.seams.FS.PathJoin(c.Dir, asidePrefix+n.seams.Now().UTC().Format("20060102-150405"))
	n.log.Warn("this node was removed from the cluster: its data is set aside, and it joins as a new node", "was", removed, "aside", aside)
	if err := setAside(n.seams.FS, c.Dir, aside); err != nil {
		return nil, fmt.Errorf("set the data of a removed node aside: %w", err)
	}
	return n.openStore(c)
}

// wasRemoved is the id under which the store's node was removed from its cluster; empty when it was not.
func wasRemoved(store *engine.Store) (ring.NodeID, error) {
	id, err := store.LoadMeta(metaNodeID)
	if err != nil {
		return "", fmt.Errorf("node id: %w", err)
	}
	kept, err := storage{store}.Load()
	if err != nil || kept == nil {
		return "", err
	}
	records, err := membership.Decode(kept)
	if err != nil {
		return "", fmt.Errorf("member records: %w", err)
	}
	for _, r := range records {
		if string(r.ID) == string(id) && r.State == ring.Removed {
			return r.ID, nil
		}
	}
	return "", nil
}

// setAside moves all that is in a directory into one below it, but for what was set aside earlier.
func setAside(fs vfs.FS, dir, aside string) error {
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	if err := fs.MkdirAll(aside, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, asidePrefix) {
			continue
		}
		if err := fs.Rename(fs.PathJoin(dir, name), fs.PathJoin(aside, name)); err != nil {
			return err
		}
	}
	return nil
}
