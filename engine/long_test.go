package engine

import (
	"fmt"
	"testing"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// TestLongReadsRunElsewhere reads a few fields and all of a large hash. The former is done when Read returns, the latter when
// done is called, and is whole.
func TestLongReadsRunElsewhere(t *testing.T) {
	const fields = 3 * patience
	s := openOrdered(t)
	key := object.Key{Name: "{k}hash"}
	write := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) {
		e := tx.Edit(key)
		for i := range fields {
			kind.SetField(e, fmt.Append(nil, i), []byte("v"))
		}
		for i := range fields {
			kind.SetScore(tx.Edit(object.Key{Name: "{k}zset"}), fmt.Append(nil, i), float64(i))
		}
	})}
	written := make(chan struct{})
	if !s.Do([]*Task{write}, func() { close(written) }) {
		<-written
	}
	if write.Err != nil {
		t.Fatal(write.Err)
	}
	read := func(body func(tx *Tx)) (atOnce bool) {
		t.Helper()
		task := &Task{Slot: key.Slot(), Body: bodyFunc(body)}
		done := make(chan struct{})
		atOnce = s.Read([]*Task{task}, func() { close(done) })
		if !atOnce {
			<-done
		}
		if task.Err != nil {
			t.Error(task.Err)
		}
		return atOnce
	}
	if !read(func(tx *Tx) {
		if v, ok := kind.Field(tx.Object(key), []byte("7")); !ok || string(v) != "v" {
			t.Errorf("the field is %q, %t", v, ok)
		}
	}) {
		t.Error("a read of one field ran elsewhere")
	}
	n := 0
	if read(func(tx *Tx) {
		n = 0
		for range kind.Elements(tx.Object(key), object.Hash, 0) {
			n++
		}
	}) {
		t.Error("a read of all fields ran on the goroutine of its caller")
	}
	if n != fields {
		t.Errorf("%d fields were read, want %d", n, fields)
	}
	rank := int64(-1)
	ask := func(tx *Tx) {
		rank = kind.RankOf(tx.Object(object.Key{Name: "{k}zset"}), object.ZSet, kind.ScoreSpot(5000, ""))
	}
	if read(ask) {
		t.Error("the elements were counted on the goroutine of the caller")
	}
	if !read(ask) {
		t.Error("a rank that is known was asked for elsewhere")
	}
	if rank != 5000 {
		t.Errorf("the rank is %d", rank)
	}
}
