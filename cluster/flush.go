package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

const (
	// flushTimeout bounds a flush of a large cluster.
	flushTimeout = 10 * time.Minute
	// flushBatch is how many keys a flush removes under one round of quorums.
	flushBatch = 512
)

// Flush removes all keys of a database, or of all databases when db is negative. A node that is alone empties its
// store. Otherwise each key is deleted by its coordinator under the configured quorum, like any other delete: what
// nobody here has seen, such as a write on the other side of a partition, stays.
func (n *Node) Flush(ctx context.Context, db int) error {
	if db < 0 && len(n.Ring().Nodes()) == 1 {
		return n.store.Clear()
	}
	// A fallback could only remove what it keeps, and an OK would say that all is gone.
	asked, err := n.scope(Whole, 0, quorum.Choice{Strict: quorum.Strict})
	if err != nil {
		return err
	}
	body := []byte{1, 0} // every database?, which one
	if db >= 0 {
		body = []byte{0, byte(db)}
	}
	_, err = n.each(ctx, asked, kindFlush, body)
	return err
}

// serveFlush deletes the keys of the slots that this node coordinates.
func (n *Node) serveFlush(payload []byte) error {
	set, rest, err := takeSlots(payload)
	if err != nil || len(rest) != 2 {
		return coordinator.ErrMalformed
	}
	var keys []object.Key
	from, more := engine.Place{}, true
	for more {
		keys, more = keys[:0], false
		err := n.store.Scan(set, from, func(p engine.Place, key object.Key, o *object.Object) bool {
			if len(keys) >= flushBatch && p != from {
				from, more = p, true
				return false
			}
			if !o.Tombstone() && (rest[0] == 1 || key.DB == rest[1]) {
				keys = append(keys, key)
			}
			from = p
			return n.ctx.Err() == nil
		})
		if err == nil {
			err = n.deleteAll(keys)
		}
		if err != nil {
			return err
		}
	}
	return n.ctx.Err()
}

// keyCommand is a command on one key that the node gives itself.
func keyCommand(name string, key object.Key, mode coordinator.Mode) *Command {
	return &Command{
		Args:     [][]byte{[]byte(name), []byte(key.Name)},
		FirstKey: 1, LastKey: 1, Step: 1,
		Slot: key.Slot(), DB: key.DB, Proto: 2, Mode: mode,
	}
}

// executeHere runs commands that this node coordinates, and waits for them.
func (n *Node) executeHere(batch []*Command) {
	done := make(chan struct{})
	if !n.coordinator.Execute(batch, func() { close(done) }) {
		<-done
	}
}

// deleteAll deletes keys that this node coordinates, as DEL does.
func (n *Node) deleteAll(keys []object.Key) error {
	if len(keys) == 0 {
		return nil
	}
	batch := make([]*Command, len(keys))
	for i, key := range keys {
		batch[i] = keyCommand("DEL", key, Write|Idempotent)
	}
	n.executeHere(batch)
	for _, c := range batch {
		if c.Err != nil {
			return fmt.Errorf("delete: %w", c.Err)
		}
	}
	return nil
}
