package merkle

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// TestTreeDependsOnContentOnly replaces digests of keys in random order and compares with a tree built afresh.
func TestTreeDependsOnContentOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := map[object.Key]causal.Digest{}
		var kept Tree
		for range rapid.IntRange(0, 60).Draw(t, "writes") {
			key := object.Key{DB: rapid.Uint8Range(0, 1).Draw(t, "db"), Name: fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "key"))}
			digest := causal.Digest(rapid.Uint64Range(0, 3).Draw(t, "digest"))
			kept.Replace(PositionOf(key).Bucket(), Leaf(key, content[key]), Leaf(key, digest))
			content[key] = digest
		}
		var built Tree
		for key, digest := range content {
			built.Replace(PositionOf(key).Bucket(), 0, Leaf(key, digest))
		}
		if kept != built || kept.Root() != built.Root() {
			t.Fatalf("kept %x, built %x", kept, built)
		}
	})
}

func TestOneChangedKeyShowsInOneBucket(t *testing.T) {
	var a, b Tree
	for i := range 100 {
		key := object.Key{Name: fmt.Sprint(i)}
		a.Replace(PositionOf(key).Bucket(), 0, Leaf(key, 5))
		b.Replace(PositionOf(key).Bucket(), 0, Leaf(key, 5))
	}
	if a.Root() != b.Root() || a.Differing(&b) != 0 {
		t.Fatal("equal trees differ")
	}
	key := object.Key{Name: "42"}
	b.Replace(PositionOf(key).Bucket(), Leaf(key, 5), Leaf(key, 6))
	if got, want := a.Differing(&b), uint16(1)<<PositionOf(key).Bucket(); got != want || a.Root() == b.Root() {
		t.Fatalf("differing buckets %016b, want %016b", got, want)
	}
}
