package server

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/server/config"
)

// The node's id is kept in the store, and in a file of its own beside it: a node whose store is broken and set aside
// remains itself.
const metaNodeID, fileNodeID = "node-id", "node-id"

// identity is the node's id: the configured one, else the one that is kept, else a new one.
func identity(c *config.Config, files vfs.FS, store *engine.Store, random func() uint64) (ring.NodeID, error) {
	kept, err := store.LoadMeta(metaNodeID)
	if err != nil {
		return "", fmt.Errorf("node id: %w", err)
	}
	filed, err := readNodeID(c.Dir, files)
	if err != nil {
		return "", fmt.Errorf("node id: %w", err)
	}
	id := cmp.Or(c.NodeID, string(kept), filed)
	switch {
	case kept != nil && id != string(kept):
		return "", fmt.Errorf("node-id is %s, but the store in %q belongs to node %s", id, c.Dir, kept)
	case filed != "" && id != filed:
		return "", fmt.Errorf("node-id is %s, but the file %s in %q says %s", id, fileNodeID, c.Dir, filed)
	case id == "":
		id = drawID(random)
	}
	parsed, err := ring.ParseNodeID(id)
	if err == nil && filed == "" {
		err = writeNodeID(c.Dir, files, id)
	}
	if err == nil && kept == nil {
		err = store.SaveMeta(metaNodeID, []byte(id))
	}
	if err != nil {
		return "", fmt.Errorf("node id: %w", err)
	}
	return parsed, nil
}

// readNodeID reads the id from its file; empty when there is none.
func readNodeID(dir string, files vfs.FS) (string, error) {
	if dir == "" {
		return "", nil
	}
	f, err := files.Open(files.PathJoin(dir, fileNodeID))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	return strings.TrimSpace(string(text)), err
}

// writeNodeID writes the file as a whole or not at all.
func writeNodeID(dir string, files vfs.FS, id string) error {
	if dir == "" {
		return nil
	}
	name := files.PathJoin(dir, fileNodeID)
	f, err := files.Create(name+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(id + "\n"))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := files.Rename(name+".new", name); err != nil {
		return err
	}
	d, err := files.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func drawID(random func() uint64) string {
	var b [20]byte
	for i := range b {
		b[i] = byte(random())
	}
	return hex.EncodeToString(b[:])
}

// advertised is the host that clients and peers are told: the configured one, else the first address that is bound, and
// when that is a wildcard, an address of this machine. Without a secret there are peers on loopback only.
func advertised(c *config.Config) string {
	if c.Advertise != "" {
		return c.Advertise
	}
	host := c.Addresses()[0].Host
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() || ip == nil && host != "" {
		return host
	}
	if c.Secret == "" {
		return "127.0.0.1"
	}
	return outwardAddress()
}

// outwardAddress is the first address of this machine that is not loopback, or else loopback.
func outwardAddress() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// peerBind is the address to listen on for peers and gossip.
func peerBind(c *config.Config) string {
	if c.Secret == "" {
		return "127.0.0.1"
	}
	return c.Addresses()[0].Host
}
