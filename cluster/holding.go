package cluster

import (
	"encoding/binary"
	"slices"

	"github.com/kindredkv/kindred/cluster/coordinator"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// maxHoldingDots bounds the dots that a Holding names.
const maxHoldingDots = 100

// Holding is what a store holds of one key, without the values. The zero value is that of a store that knows nothing of it.
type Holding struct {
	// Context is what the store has applied. Equal contexts mean equal objects.
	Context causal.Context
	// Kind is the type that clients of this store alone would see: None when the key was removed or has expired.
	Kind object.Kind
	// Deadline is that of the object in Unix milliseconds, 0 for none.
	Deadline int64
	// Cells and Versions count what is alive: more versions than cells are siblings.
	Cells, Versions int
	// Bytes estimates the memory that the object takes.
	Bytes int
	// Dots name the newest live versions, the newest first: all of them, or 100.
	Dots []causal.Dot
}

// holdingOf describes an object at a time in Unix milliseconds.
func holdingOf(o *object.Object, now int64) Holding {
	if o == nil {
		return Holding{}
	}
	h := Holding{
		Context: slices.Clone(o.Context), Kind: o.Kind(), Deadline: o.Deadline(), Cells: o.NumCells(), Bytes: o.Size(),
	}
	if o.Expired(now) {
		h.Kind = object.None
	}
	for i := range o.Cells {
		h.Versions += len(o.Cells[i].Versions)
		for _, v := range o.Cells[i].Versions {
			h.Dots = append(h.Dots, v.Dot)
		}
	}
	if o.Kept != nil {
		h.Versions += int(o.Kept.Rest()) // of cells in rows the siblings are not counted
	}
	slices.SortFunc(h.Dots, func(a, b causal.Dot) int { return b.Compare(a) })
	h.Dots = slices.Compact(h.Dots)
	h.Dots = slices.Clip(h.Dots[:min(len(h.Dots), maxHoldingDots)])
	return h
}

// holding reads what this node's store holds.
func (n *Node) holding(key object.Key) (Holding, error) {
	body := &holdingOfKey{key: key}
	err := n.store.View(body)
	return body.holding, err
}

// holdingOfKey is the body that reads it.
type holdingOfKey struct {
	key     object.Key
	holding Holding
}

func (b *holdingOfKey) Run(tx *engine.Tx) { b.holding = holdingOf(tx.Raw(b.key), tx.Now()) }

// appendHolding appends the encoding of h: context, kind, deadline, cells, versions, bytes, number of dots, dots.
func appendHolding(b []byte, h *Holding) []byte {
	b = causal.AppendContext(b, h.Context)
	b = append(b, byte(h.Kind))
	b = binary.AppendVarint(b, h.Deadline)
	for _, n := range [...]int{h.Cells, h.Versions, h.Bytes, len(h.Dots)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, d := range h.Dots {
		b = binary.BigEndian.AppendUint64(b, uint64(d.Node))
		b = binary.BigEndian.AppendUint64(b, uint64(d.Birth))
		b = binary.BigEndian.AppendUint64(b, uint64(d.Time))
	}
	return b
}

const dotSize = 24

// decodeHolding reads what appendHolding wrote.
func decodeHolding(b []byte) (h Holding, err error) {
	if h.Context, b, err = causal.DecodeContext(nil, b); err != nil || len(b) == 0 {
		return Holding{}, coordinator.ErrMalformed
	}
	h.Kind, b = object.Kind(b[0]), b[1:]
	deadline, size := binary.Varint(b)
	if size <= 0 {
		return Holding{}, coordinator.ErrMalformed
	}
	h.Deadline, b = deadline, b[size:]
	var counts [4]uint64
	for i := range counts {
		if counts[i], size = binary.Uvarint(b); size <= 0 || counts[i] > maxCount {
			return Holding{}, coordinator.ErrMalformed
		}
		b = b[size:]
	}
	h.Cells, h.Versions, h.Bytes = int(counts[0]), int(counts[1]), int(counts[2])
	if counts[3] > maxHoldingDots || uint64(len(b)) != counts[3]*dotSize {
		return Holding{}, coordinator.ErrMalformed
	}
	for ; len(b) > 0; b = b[dotSize:] {
		h.Dots = append(h.Dots, causal.Dot{
			Actor: causal.Actor{Node: causal.Node(binary.BigEndian.Uint64(b)), Birth: causal.Time(binary.BigEndian.Uint64(b[8:]))},
			Time:  causal.Time(binary.BigEndian.Uint64(b[16:])),
		})
	}
	return h, nil
}

// maxCount bounds the counts of a Holding to what an int holds everywhere.
const maxCount = 1 << 50
