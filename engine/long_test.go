package engine

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

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

// TestAloneSeesOneMoment writes to a hash while a body that runs by itself walks over it twice, and lets the task end before the body.
func TestAloneSeesOneMoment(t *testing.T) {
	const fields = 2 * patience
	s := openOrdered(t)
	key := object.Key{Name: "hash"}
	do := func(body func(tx *Tx)) {
		t.Helper()
		do(t, s, key, body)
	}
	set := func(from, to int, value string) {
		do(func(tx *Tx) {
			for i := from; i < to; i++ {
				kind.SetField(tx.Edit(key), fmt.Append(nil, i), []byte(value))
			}
		})
	}
	set(0, fields, "old")
	changed, ended := make(chan struct{}), make(chan struct{})
	walk := func(tx *Tx) (n int) {
		o := tx.Object(key)
		for el := range kind.All(o, object.Hash) {
			if string(el.Value(o)) == "old" {
				n++
			}
		}
		return n
	}
	var first, again, counted, point int
	task := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) {
		if !tx.Alone() {
			walk(tx)
			return
		}
		defer close(ended)
		first = walk(tx)
		tx.Answered()
		tx.Wait(func(<-chan struct{}) { <-changed })
		again, counted = walk(tx), int(tx.Object(key).Count(object.Hash))
		if v, ok := kind.Field(tx.Object(key), []byte("7")); ok && string(v) == "old" {
			point++
		}
	})}
	done := make(chan struct{})
	if s.Read([]*Task{task}, func() { close(done) }) {
		t.Fatal("the walk ran on the goroutine of its caller")
	}
	<-done
	set(0, 10, "new")
	set(fields, fields+10, "new")
	do(func(tx *Tx) { kind.RemoveField(tx.Edit(key), []byte("20")) })
	close(changed)
	<-ended
	if first != fields || again != fields || counted != fields || point != 1 {
		t.Errorf("%d fields, then %d, counted %d, found %d", first, again, counted, point)
	}
	if task.Err != nil {
		t.Error(task.Err)
	}
}

// TestAbandonedWalksEnd closes the store while a body waits for somebody to take what it has found.
func TestAbandonedWalksEnd(t *testing.T) {
	o := DefaultOptions()
	o.Dir, o.FS, o.Shards = "/s", vfs.NewMem(), 1
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	key := object.Key{Name: "hash"}
	write := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) {
		for i := range 2 * patience {
			kind.SetField(tx.Edit(key), fmt.Append(nil, i), []byte("v"))
		}
	})}
	written := make(chan struct{})
	if !s.Do([]*Task{write}, func() { close(written) }) {
		<-written
	}
	waits, n := make(chan struct{}), 0
	read := &Task{Slot: key.Slot(), Body: bodyFunc(func(tx *Tx) {
		for range kind.All(tx.Object(key), object.Hash) {
			if n++; tx.Alone() && n == 2*patience+patience/2 {
				tx.Answered()
				close(waits)
				tx.Wait(func(stop <-chan struct{}) { <-stop })
				tx.Abandon()
			}
		}
	})}
	s.Read([]*Task{read}, func() {})
	<-waits
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
