package engine

import (
	"fmt"
	"testing"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// TestClearingCostsTheSame counts what removing a large collection writes and sends, against a small one.
func TestClearingCostsTheSame(t *testing.T) {
	s := openOrdered(t)
	do := func(body func(tx *Tx)) {
		t.Helper()
		task := &Task{Slot: object.Key{Name: "{k}"}.Slot(), Body: bodyFunc(body)}
		done := make(chan struct{})
		if !s.Do([]*Task{task}, func() { close(done) }) {
			<-done
		}
		if task.Err != nil {
			t.Fatal(task.Err)
		}
	}
	cost := func(fields int) (logged uint64, delta int) {
		key := object.Key{Name: fmt.Sprint("{k}", fields)}
		for from := 0; from < fields; from += 100 {
			do(func(tx *Tx) {
				for i := range 100 {
					kind.SetField(tx.Edit(key), fmt.Append(nil, from+i), []byte("value"))
				}
			})
		}
		before := s.db.Metrics().WAL.BytesIn
		task := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) { kind.Clear(tx.Edit(key)) })}
		done := make(chan struct{})
		if !s.Do([]*Task{task}, func() { close(done) }) {
			<-done
		}
		if o, err := s.Get(key); err != nil || !o.Tombstone() {
			t.Errorf("%d fields were not cleared: %v", fields, err)
		}
		return s.db.Metrics().WAL.BytesIn - before, len(task.Changes[0].Delta)
	}
	few, fewDelta := cost(100)
	many, manyDelta := cost(20_000)
	// A generation that is dropped in the background meanwhile is some bytes more.
	if many > few+500 || manyDelta > fewDelta+50 {
		t.Errorf("clearing wrote %d bytes and sent %d, of a small object %d and %d", many, manyDelta, few, fewDelta)
	}
}
