package engine

import (
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// The part of hints in the model: a hint is a further replica within a store, which comes and goes.

var modelOwners = []Owner{"away"}

func (m *model) hint(i int) *object.Object {
	o, err := m.stores[i].Hint(modelKey)
	if err != nil {
		m.t.Fatal(err)
	}
	return o
}

// writeHint runs one operation at a store that stands in for an owner.
func (m *model) writeHint(i int) {
	s := m.stores[i]
	op := m.draw(s.hinted)
	var dot causal.Dot
	m.doFor(i, modelOwners, func(tx *Tx) {
		op.run(tx)
		dot = tx.Edited(modelKey).Dot()
	})
	m.ops[dot] = op
	s.hinted[dot] = true
}

// keepHint gives store i what store j holds, as a hint.
func (m *model) keepHint(i, j int) {
	theirs := m.raw(j)
	if len(theirs.Context) == 0 {
		return
	}
	m.do(i, func(tx *Tx) {
		if !tx.KeepHint(modelKey, modelOwners, theirs) {
			m.t.Fatal("a hint was not kept")
		}
	})
	for dot := range m.stores[j].knows {
		m.stores[i].hinted[dot] = true
	}
}

// deliverHint merges the hint that store i keeps into store j, and drops it when that is on disk.
func (m *model) deliverHint(i, j int) {
	o := m.hint(i)
	if o == nil {
		return
	}
	m.do(j, func(tx *Tx) { tx.Merge(modelKey, o) })
	for dot := range m.stores[i].hinted {
		m.stores[j].knows[dot] = true
	}
	m.sync(j)
	m.do(i, func(tx *Tx) {
		if !tx.StrikeHint(modelKey, modelOwners[0], o.Context.Digest()) {
			m.t.Fatal("a hint was not struck")
		}
	})
	if m.hint(i) != nil {
		m.t.Fatal("a hint that nobody is owed is still there")
	}
	m.stores[i].hinted = map[causal.Dot]bool{}
	m.sync(i)
}
