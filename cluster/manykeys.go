package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/kindredkv/kindred/cluster/antientropy"
	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// Operations on many keys ask each node about the slots that the asker sees it coordinate. The asker names the slots,
// so nodes that disagree about who is alive neither miss a slot nor count one twice.
const (
	kindManyKeys uint8 = 16 // requests from here on are of this file
	kindScan     uint8 = 16
	kindCount    uint8 = 17
	kindRandom   uint8 = 18
	kindFlush    uint8 = 19
)

// serveManyKeys answers one such request. It runs on a goroutine of its own, for it reads many rows.
func (n *Node) serveManyKeys(request *transport.Request) {
	var out []byte
	var err error
	switch request.Kind {
	case kindScan, kindCount, kindRandom, kindFlush:
		out, err = n.local(request.Kind, request.Payload)
	case kindFill:
		out, err = n.serveFill(request.Payload)
	case kindRingVersion:
		out = n.serveRingVersion()
	case kindRecords:
		out, err = n.serveRecords(request)
	case kindWhere:
		out, err = n.serveWhere(request.Payload)
	default:
		if antientropy.Handles(request.Kind) {
			out, err = n.repair.Serve(ring.NodeID(request.From), request.Kind, request.Payload, request.Age())
			break
		}
		err = fmt.Errorf("%w: kind %d", coordinator.ErrMalformed, request.Kind)
	}
	if passing(err) {
		request.Respond(coordinator.StatusRefused, []byte(err.Error()))
		return
	}
	if err != nil {
		n.logger.Warn("a peer's request failed", "peer", request.From, "kind", request.Kind, "error", err)
		request.Respond(coordinator.StatusRefused, []byte(err.Error()))
		return
	}
	request.Respond(coordinator.StatusOK, out)
}

// passing reports whether a request failed for a reason that is expected for a while and no news to the log.
func passing(err error) bool {
	return errors.Is(err, errNotYet) || errors.Is(err, errLacks) || errors.Is(err, antientropy.ErrNotShared)
}

func appendSlots(b []byte, set *engine.SlotSet) []byte {
	for _, word := range set {
		b = binary.BigEndian.AppendUint64(b, word)
	}
	return b
}

// takeSlots reads a set of slots from the front of a request.
func takeSlots(b []byte) (*engine.SlotSet, []byte, error) {
	set := &engine.SlotSet{}
	if len(b) < len(set)*8 {
		return nil, nil, coordinator.ErrMalformed
	}
	for i := range set {
		set[i] = binary.BigEndian.Uint64(b[i*8:])
	}
	return set, b[len(set)*8:], nil
}

// each sends a request about their slots to several nodes, this one included, and collects the answers. body is what
// stands behind the slots.
func (n *Node) each(ctx context.Context, parts map[ring.NodeID]*engine.SlotSet, kind uint8, body []byte) (map[ring.NodeID][]byte, error) {
	type answer struct {
		id  ring.NodeID
		out []byte
		err error
	}
	answers := make(chan answer, len(parts))
	for id, set := range parts {
		payload := append(appendSlots(nil, set), body...)
		if id == n.self {
			n.running.Go(func() {
				out, err := n.local(kind, payload)
				answers <- answer{id, out, err}
			})
			continue
		}
		n.transport.Call(string(id), kind, payload, n.timeoutFor(kind), func(r transport.Reply) {
			err := r.Err
			if err == nil && r.Status != coordinator.StatusOK {
				err = errors.New(string(r.Payload))
			}
			answers <- answer{id, r.Payload, err}
		})
	}
	out := make(map[ring.NodeID][]byte, len(parts))
	for range parts {
		select {
		case a := <-answers:
			if a.err != nil {
				return nil, fmt.Errorf("node %.8s: %w", a.id, a.err)
			}
			out[a.id] = a.out
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return out, nil
}

// timeoutFor bounds an operation: a flush writes every key.
func (n *Node) timeoutFor(kind uint8) time.Duration {
	if kind == kindFlush {
		return flushTimeout
	}
	return n.settings().Timeout
}

func (n *Node) local(kind uint8, payload []byte) ([]byte, error) {
	if n.lacks.Load() {
		return nil, errLacks
	}
	switch kind {
	case kindScan:
		return n.serveScan(payload)
	case kindCount:
		return n.serveCount(payload)
	case kindRandom:
		return n.serveRandom(payload)
	default:
		return nil, n.serveFlush(payload)
	}
}

// Count is the number of keys of a database. Keys that have expired and are not yet removed count, as in Redis.
func (n *Node) Count(ctx context.Context, db uint8, scope Scope, slot object.Slot) (int64, error) {
	parts, err := n.scope(scope, slot)
	if err != nil {
		return 0, err
	}
	answers, err := n.each(ctx, parts, kindCount, []byte{db})
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, a := range answers {
		count, _ := binary.Uvarint(a)
		sum += int64(count)
	}
	return sum, nil
}

func (n *Node) serveCount(payload []byte) ([]byte, error) {
	set, rest, err := takeSlots(payload)
	if err != nil || len(rest) != 1 {
		return nil, coordinator.ErrMalformed
	}
	return binary.AppendUvarint(nil, uint64(max(0, n.store.Count(set, rest[0])))), nil
}

// RandomKey is some key of a database; false when there is none.
func (n *Node) RandomKey(ctx context.Context, db uint8) (string, bool, error) {
	parts, err := n.scope(Whole, 0)
	if err != nil {
		return "", false, err
	}
	counts, err := n.each(ctx, parts, kindCount, []byte{db})
	if err != nil {
		return "", false, err
	}
	var total uint64
	for _, a := range counts {
		count, _ := binary.Uvarint(a)
		total += count
	}
	// Nodes in the order of a draw weighted by their number of keys: one whose keys have all expired has none to give.
	for len(counts) > 0 && total > 0 {
		draw := rand.Uint64N(total)
		for id, a := range counts {
			count, _ := binary.Uvarint(a)
			if draw >= count {
				draw -= count
				continue
			}
			answers, err := n.each(ctx, map[ring.NodeID]*engine.SlotSet{id: parts[id]}, kindRandom, []byte{db})
			if err != nil {
				return "", false, err
			}
			if key := answers[id]; len(key) > 0 {
				return string(key[1:]), true, nil
			}
			total -= count
			delete(counts, id)
			break
		}
	}
	return "", false, nil
}

// serveRandom answers with 1 and the name of a key near a random place, or with nothing.
func (n *Node) serveRandom(payload []byte) ([]byte, error) {
	set, rest, err := takeSlots(payload)
	if err != nil || len(rest) != 1 {
		return nil, coordinator.ErrMalformed
	}
	now := n.now().UnixMilli()
	start := engine.Place{
		Slot: object.Slot(rand.IntN(object.Slots)),
		At:   merkle.Position(rand.Uint64N(1 << merkle.PositionBits)),
	}
	var out []byte
	visit := func(_ engine.Place, key object.Key, o *object.Object) bool {
		if key.DB != rest[0] || isGone(o, now) {
			return true
		}
		out = append([]byte{1}, key.Name...)
		return false
	}
	if err := n.store.Scan(set, start, visit); err != nil {
		return nil, err
	}
	if out == nil {
		err = n.store.Scan(set, engine.Place{}, visit)
	}
	return out, err
}
