package engine

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Owner is the id of a node that a hint is owed to. To the store it is a name.
type Owner string

// Hint is a copy of an object that this store keeps for nodes that were away. It is no part of what the store holds of the
// key itself: it has no leaf in the tree and no count, scans pass it by, and it has a birth of its own.
type Hint struct {
	// Debts are the owners that have not yet confirmed what the hint holds, by id. A hint without any is gone.
	Debts  []Debt
	Object *object.Object
}

// Debt is one node that a hint is owed to.
type Debt struct {
	Owner Owner
	// Since is the Unix millisecond of the oldest write that it is owed.
	Since int64
}

// Owes reports whether the hint is owed to the node.
func (h *Hint) Owes(owner Owner) bool {
	return slices.ContainsFunc(h.Debts, func(d Debt) bool { return d.Owner == owner })
}

// owe adds owners to the debts; who is among them already stays with the older date.
func owe(debts []Debt, owners []Owner, since int64) []Debt {
	out := slices.Clone(debts)
	for _, o := range owners {
		if !slices.ContainsFunc(out, func(d Debt) bool { return d.Owner == o }) {
			out = append(out, Debt{o, since})
		}
	}
	slices.SortFunc(out, func(a, b Debt) int { return strings.Compare(string(a.Owner), string(b.Owner)) })
	return out
}

func without(debts []Debt, owner Owner) []Debt {
	return slices.DeleteFunc(slices.Clone(debts), func(d Debt) bool { return d.Owner == owner })
}

// KeepHint joins another node's object into the hint of the key, and owes it to more owners. It reports false, and keeps
// nothing of it, when hints take as much room as they may.
func (tx *Tx) KeepHint(key object.Key, owners []Owner, o *object.Object) bool {
	own := tx.Hint(key)
	if tx.failed != nil {
		return false
	}
	if tx.source.hintRoom() < int64(len(key.Name)+o.Size()) {
		return false
	}
	if err := tx.source.observe(o.Context.Newest()); err != nil {
		tx.fail(err)
		return false
	}
	if own == nil {
		own = &Hint{}
	}
	joined := tx.source.settle(object.Join(own.Object, o))
	tx.setHint(key, &Hint{Debts: owe(own.Debts, owners, tx.now), Object: joined})
	return true
}

// StrikeHint strikes an owner off the hint of a key: it has confirmed an object with this digest. It reports false, and
// changes nothing, when the hint holds something else by now, or is not owed to it. With its last owner the hint goes, and
// its birth: the next own write of a hint of this key starts a new one.
func (tx *Tx) StrikeHint(key object.Key, owner Owner, confirmed causal.Digest) bool {
	h := tx.Hint(key)
	if h == nil || !h.Owes(owner) || h.Object.Context.Digest() != confirmed {
		return false
	}
	tx.setHint(key, &Hint{Debts: without(h.Debts, owner), Object: h.Object})
	return true
}

// PassHint owes the hint of a key to others in place of an owner that is none any more.
func (tx *Tx) PassHint(key object.Key, from Owner, to []Owner) {
	h := tx.Hint(key)
	if h == nil {
		return
	}
	i := slices.IndexFunc(h.Debts, func(d Debt) bool { return d.Owner == from })
	if i >= 0 {
		tx.setHint(key, &Hint{Debts: owe(without(h.Debts, from), to, h.Debts[i].Since), Object: h.Object})
	}
}

// Hint is the hint of a key, nil when there is none. It must not be changed.
func (tx *Tx) Hint(key object.Key) *Hint {
	for i := range tx.hints {
		if tx.hints[i].key == key {
			return tx.hints[i].hint.orNone()
		}
	}
	h, err := tx.source.hint(key)
	if err != nil {
		tx.fail(err)
		return nil
	}
	return h.orNone()
}

// orNone is nil for a hint that nobody is owed.
func (h *Hint) orNone() *Hint {
	if h == nil || len(h.Debts) == 0 {
		return nil
	}
	return h
}

type keyHint struct {
	key  object.Key
	hint *Hint
}

func (tx *Tx) setHint(key object.Key, h *Hint) {
	if !tx.write {
		panic("engine: a hint changed in a read-only task")
	}
	for i := range tx.hints {
		if tx.hints[i].key == key {
			tx.hints[i].hint = h
			return
		}
	}
	tx.hints = append(tx.hints, keyHint{key, h})
}

// hintFormat leads the row of a hint.
const hintFormat = 1

func appendHintKey(b []byte, key object.Key) []byte {
	return appendRowKey(append(append(b, localPrefix...), tagHint), key)
}

// appendHint appends the row of a hint: format, owners with their dates, and the row of the object.
func appendHint(b []byte, epoch uint64, h *Hint) []byte {
	b = append(b, hintFormat, byte(len(h.Debts)))
	for _, d := range h.Debts {
		b = append(b, byte(len(d.Owner)))
		b = append(b, d.Owner...)
		b = binary.BigEndian.AppendUint64(b, uint64(d.Since))
	}
	return appendRow(b, epoch, h.Object)
}

// splitHint takes the row of a hint apart: its debts and the row of its object.
func splitHint(b []byte) (debts []Debt, row []byte, err error) {
	if len(b) < 2 || b[0] != hintFormat {
		return nil, nil, fmt.Errorf("%w: a hint of unknown format", ErrCorrupt)
	}
	n := int(b[1])
	b = b[2:]
	for range n {
		if len(b) < 1 || len(b) < 1+int(b[0])+8 {
			return nil, nil, fmt.Errorf("%w: a hint ends early", ErrCorrupt)
		}
		end := 1 + int(b[0])
		debts = append(debts, Debt{Owner(b[1:end]), int64(binary.BigEndian.Uint64(b[end:]))})
		b = b[end+8:]
	}
	return debts, b, nil
}

// decodeHint reads the row of a hint. The object shares memory with b.
func decodeHint(b []byte, epoch uint64) (*Hint, error) {
	debts, row, err := splitHint(b)
	if err != nil {
		return nil, err
	}
	o, err := decodeRow(row, epoch, nil)
	if err != nil {
		return nil, err
	}
	return &Hint{Debts: debts, Object: o}, nil
}
