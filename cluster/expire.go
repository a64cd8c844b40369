package cluster

import (
	"time"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

const (
	// expireInterval is how often expired keys are looked for.
	expireInterval = 500 * time.Millisecond
	// expireGrace is how long an expired key is left alone: it is hidden since its deadline, and a node whose clock is
	// a little behind may still give it a later one.
	expireGrace = time.Second
	// expireBatch is how many keys are removed under one round of quorums, and expireBatches how many such rounds follow
	// each other before other work has its turn.
	expireBatch, expireBatches = 256, 16
)

// expire removes expired keys of the slots that this node coordinates, until the node stops. Keys whose coordinator does
// not remove them, since it is away or never knew of the deadline, are passed by, and met again on the next way
// through.
func (n *Node) expire() {
	ticker := time.NewTicker(expireInterval)
	defer ticker.Stop()
	var place engine.DuePlace
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-ticker.C:
		}
		for range expireBatches {
			due, next, err := n.store.Due(n.now().Add(-expireGrace).UnixMilli(), place, expireBatch)
			if err != nil {
				n.logger.Warn("looking for expired keys", "error", err)
				break
			}
			n.removeExpired(due)
			if place = next; place == nil || n.ctx.Err() != nil {
				break
			}
		}
	}
}

// removeExpired removes those of the keys that this node coordinates.
func (n *Node) removeExpired(keys []object.Key) {
	table := n.Ring()
	var batch []*Command
	for _, key := range keys {
		c := keyCommand("kindred.expire", key, Read|Write|Idempotent)
		if n.primaryOf(table, key.Slot(), nil) == n.self {
			batch = append(batch, c)
		}
	}
	n.executeHere(batch)
	for _, c := range batch {
		// What met an error is tried again on the next way through.
		if c.Err == nil && string(c.Reply) == ":1\r\n" {
			n.stats.expired.Add(1)
		}
	}
}
