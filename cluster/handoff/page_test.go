package handoff

import (
	"fmt"
	"testing"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

func sample(n int, size int) *object.Object {
	e := object.NewEdit(nil, causal.Dot{Actor: causal.Actor{Node: 1, Birth: 1}, Time: causal.Time(n + 1)})
	e.Put("\x01", make([]byte, size))
	o, _ := e.Finish()
	return o
}

func TestPagesCarryEverythingOnce(t *testing.T) {
	const end = 1 << 40
	seen := map[string]bool{}
	pages := 0
	for cursor := uint64(0); cursor < end; pages++ {
		page := NewPage(end)
		for i := cursor; i < 1000; i++ {
			// Two keys at every cursor, some of them large.
			if !page.Add(i, object.Key{Name: fmt.Sprint("a", i)}, sample(int(i), int(i%7)*1000)) {
				break
			}
			if !page.Add(i, object.Key{DB: 3, Name: fmt.Sprint("b", i)}, sample(int(i), 10)) {
				t.Fatal("two objects of one cursor were parted")
			}
		}
		next, items, err := DecodePage(page.Bytes())
		if err != nil || next <= cursor {
			t.Fatalf("from %d on to %d: %v", cursor, next, err)
		}
		for _, i := range items {
			if seen[i.Key.Name] {
				t.Fatalf("%s came twice", i.Key.Name)
			}
			seen[i.Key.Name] = true
		}
		cursor = next
	}
	if len(seen) != 2000 || pages < 2 {
		t.Fatalf("%d objects in %d pages", len(seen), pages)
	}
}

func FuzzDecodePage(f *testing.F) {
	p := NewPage(9)
	p.Add(1, object.Key{Name: "k"}, sample(1, 3))
	f.Add(p.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, items, err := DecodePage(b); err == nil {
			for _, i := range items {
				if i.Object == nil {
					t.Fatal("an item without an object")
				}
			}
		}
	})
}
