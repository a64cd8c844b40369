package cluster

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/glob"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/merkle"
	"github.com/kindredkv/kindred/engine/object"
)

// A cursor is a place: the slot above 48 bits of position. It means the same on every node and through every change of
// the membership, and the server remembers nothing of an iteration.
func cursorOf(p engine.Place) uint64 { return uint64(p.Slot)<<merkle.PositionBits | uint64(p.At) }

func placeOf(cursor uint64) engine.Place {
	return engine.Place{
		Slot: object.Slot(cursor >> merkle.PositionBits),
		At:   merkle.Position(cursor & (1<<merkle.PositionBits - 1)),
	}
}

// endCursor is past every place.
const endCursor = uint64(object.Slots) << merkle.PositionBits

// foundKey is a key with its place.
type foundKey struct {
	cursor uint64
	name   string
}

// Scan makes one step of an iteration. Every reader walks its slots from the cursor on and stops after about Count keys; the
// step ends where the first of them stopped.
func (n *Node) Scan(ctx context.Context, r ScanRequest) (ScanResult, error) {
	if r.Cursor >= endCursor {
		return ScanResult{}, nil
	}
	choice := r.Quorum.Or(n.settings().Quorum)
	readers, err := n.readers(r.Scope, r.Slot, choice)
	if err != nil {
		return ScanResult{}, err
	}
	answers, err := n.each(ctx, readers, kindScan, appendScan(nil, r))
	if err != nil {
		return ScanResult{}, err
	}
	var found []foundKey
	end := endCursor
	for _, a := range answers {
		stopped, keys, err := decodeScan(a)
		if err != nil {
			return ScanResult{}, err
		}
		end = min(end, stopped)
		found = append(found, keys...)
	}
	result, doubts := compare(found, end, readers, r.DB)
	more, err := doubts.settle(ctx, n, choice)
	if err != nil {
		return ScanResult{}, err
	}
	result.Keys = append(result.Keys, more...)
	return result, nil
}

// compare puts together what the readers found before the end of the step.
func compare(found []foundKey, end uint64, readers parts, db uint8) (result ScanResult, doubts doubtful) {
	slices.SortFunc(found, func(a, b foundKey) int {
		return cmp.Or(cmp.Compare(a.cursor, b.cursor), cmp.Compare(a.name, b.name))
	})
	for len(found) > 0 && found[0].cursor < end {
		f := found[0]
		shown, asked := 0, 0
		for shown < len(found) && found[shown] == f {
			shown++
		}
		found = found[shown:]
		for _, set := range readers {
			if set.Has(placeOf(f.cursor).Slot) {
				asked++
			}
		}
		if shown == asked {
			result.Keys = append(result.Keys, f.name)
		} else {
			doubts = append(doubts, object.Key{DB: db, Name: f.name})
		}
	}
	if end < endCursor {
		result.Next = end
	}
	return result, doubts
}

func appendScan(b []byte, r ScanRequest) []byte {
	b = append(b, r.DB, byte(r.Kind))
	b = binary.BigEndian.AppendUint64(b, r.Cursor)
	b = binary.BigEndian.AppendUint32(b, uint32(min(max(1, r.Count), maxScanCount)))
	return append(b, r.Match...)
}

const (
	scanHeader = 2 + 8 + 4
	// maxScanCount bounds what one step holds in memory.
	maxScanCount = 1 << 20
)

// serveScan answers with the place where it stopped and the keys found before it, each with its place.
func (n *Node) serveScan(hints bool, payload []byte) ([]byte, error) {
	set, b, err := takeSlots(payload)
	if err != nil || len(b) < scanHeader {
		return nil, coordinator.ErrMalformed
	}
	db, kind := b[0], object.Kind(b[1])
	from := placeOf(binary.BigEndian.Uint64(b[2:]))
	budget := int(binary.BigEndian.Uint32(b[10:]))
	match := string(b[scanHeader:])
	now := n.now().UnixMilli()

	out := binary.BigEndian.AppendUint64(nil, endCursor)
	last := uint64(endCursor)
	err = n.walk(hints)(set, from, func(p engine.Place, key object.Key, o *object.Object) bool {
		cursor := cursorOf(p)
		if budget <= 0 && cursor != last {
			// All keys of one position belong to one step, or the cursor could not tell them apart.
			binary.BigEndian.PutUint64(out, cursor)
			return false
		}
		budget--
		last = cursor
		switch {
		case key.DB != db || isGone(o, now):
		case kind != object.None && o.Kind() != kind:
		case match != "" && !glob.Match(match, key.Name):
		default:
			out = binary.BigEndian.AppendUint64(out, cursor)
			out = binary.AppendUvarint(out, uint64(len(key.Name)))
			out = append(out, key.Name...)
		}
		return true
	})
	return out, err
}

func decodeScan(b []byte) (stopped uint64, keys []foundKey, err error) {
	if len(b) < 8 {
		return 0, nil, coordinator.ErrMalformed
	}
	stopped, b = binary.BigEndian.Uint64(b), b[8:]
	for len(b) > 0 {
		if len(b) < 9 {
			return 0, nil, coordinator.ErrMalformed
		}
		cursor := binary.BigEndian.Uint64(b)
		length, size := binary.Uvarint(b[8:])
		if size <= 0 || length > uint64(len(b)-8-size) {
			return 0, nil, coordinator.ErrMalformed
		}
		b = b[8+size:]
		keys = append(keys, foundKey{cursor, string(b[:length])})
		b = b[length:]
	}
	return stopped, keys, nil
}

// isGone reports whether clients see nothing of an object: it was removed, or it or all its fields have expired.
func isGone(o *object.Object, now int64) bool {
	return o.Tombstone() || o.Expired(now) || kind.Shown(o, now).Tombstone()
}
