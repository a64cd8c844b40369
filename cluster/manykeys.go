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
	"github.com/kindredkv/kindred/cluster/quorum"
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

	// The same about the hints that a node keeps of the slots, as a fallback of slots that have no primary left.
	kindScanHints   uint8 = 26
	kindCountHints  uint8 = 27
	kindRandomHints uint8 = 28

	// toHints leads from a kind about copies to that about hints.
	toHints = kindScanHints - kindScan
)

// serveManyKeys answers one such request. It runs on a goroutine of its own, for it reads many rows.
func (n *Node) serveManyKeys(request *transport.Request) {
	var out []byte
	var err error
	switch request.Kind {
	case kindScan, kindCount, kindRandom, kindFlush, kindScanHints, kindCountHints, kindRandomHints:
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
func (n *Node) each(ctx context.Context, asked parts, kind uint8, body []byte) (map[part][]byte, error) {
	type answer struct {
		of  part
		out []byte
		err error
	}
	answers := make(chan answer, len(asked))
	for of, set := range asked {
		payload, kind := append(appendSlots(nil, set), body...), kind
		if of.hints {
			kind += toHints
		}
		if of.id == n.self {
			n.running.Go(func() {
				out, err := n.local(kind, payload)
				answers <- answer{of, out, err}
			})
			continue
		}
		n.transport.Call(string(of.id), kind, payload, n.timeoutFor(kind), func(r transport.Reply) {
			err := r.Err
			if err == nil && r.Status != coordinator.StatusOK {
				err = errors.New(string(r.Payload))
			}
			answers <- answer{of, r.Payload, err}
		})
	}
	out := make(map[part][]byte, len(asked))
	for range asked {
		select {
		case a := <-answers:
			if a.err != nil {
				return nil, fmt.Errorf("node %.8s: %w", a.of.id, a.err)
			}
			out[a.of] = a.out
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
	case kindScan, kindScanHints:
		return n.serveScan(kind == kindScanHints, payload)
	case kindCount, kindCountHints:
		return n.serveCount(kind == kindCountHints, payload)
	case kindRandom, kindRandomHints:
		return n.serveRandom(kind == kindRandomHints, payload)
	default:
		return nil, n.serveFlush(payload)
	}
}

// walk is how the copies that this node holds are visited, or the hints that it keeps.
func (n *Node) walk(hints bool) func(*engine.SlotSet, engine.Place, func(engine.Place, object.Key, *object.Object) bool) error {
	if hints {
		return n.store.WalkHints
	}
	return n.store.Scan
}

// Count is the number of keys of a database. Keys that have expired and are not yet removed count, as in Redis. Slot is that of
// OneSlot. The choice is completed by the node's own.
func (n *Node) Count(ctx context.Context, db uint8, scope Scope, slot object.Slot, choice quorum.Choice) (int64, error) {
	asked, err := n.scope(scope, slot, choice.Or(n.settings().Quorum))
	if err != nil {
		return 0, err
	}
	answers, err := n.each(ctx, asked, kindCount, []byte{db})
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

func (n *Node) serveCount(hints bool, payload []byte) ([]byte, error) {
	set, rest, err := takeSlots(payload)
	if err != nil || len(rest) != 1 {
		return nil, coordinator.ErrMalformed
	}
	if hints {
		count, err := n.store.CountHints(set, rest[0])
		return binary.AppendUvarint(nil, uint64(count)), err
	}
	return binary.AppendUvarint(nil, uint64(max(0, n.store.Count(set, rest[0])))), nil
}

// RandomKey is some key of a database; false when there is none.
func (n *Node) RandomKey(ctx context.Context, db uint8, choice quorum.Choice) (string, bool, error) {
	asked, err := n.scope(Whole, 0, choice.Or(n.settings().Quorum))
	if err != nil {
		return "", false, err
	}
	counts, err := n.each(ctx, asked, kindCount, []byte{db})
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
		for of, a := range counts {
			count, _ := binary.Uvarint(a)
			if draw >= count {
				draw -= count
				continue
			}
			answers, err := n.each(ctx, parts{of: asked[of]}, kindRandom, []byte{db})
			if err != nil {
				return "", false, err
			}
			if key := answers[of]; len(key) > 0 {
				return string(key[1:]), true, nil
			}
			total -= count
			delete(counts, of)
			break
		}
	}
	return "", false, nil
}

// serveRandom answers with 1 and the name of a key near a random place, or with nothing.
func (n *Node) serveRandom(hints bool, payload []byte) ([]byte, error) {
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
	walk := n.walk(hints)
	if err := walk(set, start, visit); err != nil {
		return nil, err
	}
	if out == nil {
		err = walk(set, engine.Place{}, visit)
	}
	return out, err
}
