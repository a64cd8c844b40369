package antientropy

import (
	"fmt"
	"time"

	"github.com/kindredkv/kindred/cluster/handoff"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// Serve answers a request of a kind that this package handles, from a node of the ring. age is how long ago it was sent.
func (r *Repairer) Serve(from ring.NodeID, kind uint8, payload []byte, age time.Duration) ([]byte, error) {
	table := r.o.Ring()
	set := r.shared.own(table)
	if _, known := table.Index(from); !known {
		set = &engine.SlotSet{}
	}
	switch kind {
	case kindGroups, kindRoots, kindBuckets, kindLeaves:
		return answer(r.view, kind, payload, set.Has)
	case kindObjects:
		return r.serveObjects(payload, set)
	case kindMerge, kindCover:
		if age > r.o.Settings().Timeout {
			return nil, ErrTooOld
		}
		if kind == kindCover {
			return nil, r.serveCover(payload, set)
		}
		return nil, r.serveMerge(from, payload, set)
	case kindHold:
		return r.serveHold(payload, set)
	case kindAgree:
		return r.serveAgree(payload)
	case kindForget:
		return r.serveForget(payload)
	default:
		return nil, fmt.Errorf("%w: kind %d", ErrMalformed, kind)
	}
}

// serveObjects answers with the objects of keys that are as the peer saw them.
func (r *Repairer) serveObjects(payload []byte, set *engine.SlotSet) ([]byte, error) {
	items, err := decodeItems(payload, objectsAtOnce)
	if err != nil {
		return nil, err
	}
	var out, encoded []byte
	for _, i := range items {
		if !set.Has(i.key.Slot()) {
			return nil, ErrNotShared
		}
		if len(out) >= objectsBytes {
			break
		}
		own, err := r.o.Store.Get(i.key)
		switch {
		case err != nil:
			return nil, err
		case digestOf(own) != i.digest:
			out = append(out, objectMoved)
		case own == nil:
			out = append(out, objectNone)
		default:
			encoded = object.Append(encoded[:0], own)
			out = append(out, objectHere)
			out = appendBytes(out, encoded)
		}
	}
	return out, nil
}

// serveMerge merges the objects that a peer brings.
func (r *Repairer) serveMerge(from ring.NodeID, payload []byte, set *engine.SlotSet) error {
	items, err := decodeMerge(payload, set)
	if err != nil {
		return err
	}
	r.stats.received.Add(uint64(len(items)))
	return r.merge(from, items)
}

// decodeMerge reads a page of objects, all of slots of the set.
func decodeMerge(payload []byte, set *engine.SlotSet) ([]*handoff.Item, error) {
	_, items, err := handoff.DecodePage(payload)
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		if !set.Has(i.Key.Slot()) {
			return nil, ErrNotShared
		}
		if len(i.Object.Context) == 0 {
			return nil, ErrMalformed
		}
	}
	return items, nil
}
