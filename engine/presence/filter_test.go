package presence

import (
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatWasAddedIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := New()
		hashes := rapid.SliceOfN(rapid.Uint64(), 1, 1000).Draw(t, "hashes")
		for _, h := range hashes {
			f.Add(h)
		}
		for _, h := range hashes {
			if !f.Has(h) {
				t.Fatalf("%x was added and is not there", h)
			}
		}
	})
}

// Over several tables, with few of the hashes that were not added.
func TestFalsePositives(t *testing.T) {
	f := New()
	rng := rand.New(rand.NewPCG(1, 2))
	const keys = 500_000
	for range keys {
		f.Add(rng.Uint64())
	}
	wrong := 0
	for range keys {
		if f.Has(rng.Uint64()) {
			wrong++
		}
	}
	if share := float64(wrong) / keys; share > 0.02 {
		t.Errorf("%.4f of the absent keys pass", share)
	}
	if perKey := float64(f.Bytes()) * 8 / keys; perKey > 3*bitsPerKey {
		t.Errorf("%.0f bits a key", perKey)
	}
}

func TestAddingWhileItGrows(t *testing.T) {
	f := New()
	const writers, each = 4, 60_000
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 0))
			for range each {
				h := rng.Uint64()
				f.Add(h)
				if !f.Has(h) {
					t.Errorf("%x was added and is not there", h)
				}
			}
		})
	}
	wg.Wait()
	for w := range writers {
		rng := rand.New(rand.NewPCG(uint64(w), 0))
		for range each {
			if h := rng.Uint64(); !f.Has(h) {
				t.Fatalf("%x of writer %d is gone", h, w)
			}
		}
	}
	if f.Added() != writers*each {
		t.Errorf("%d were added", f.Added())
	}
}

func BenchmarkHas(b *testing.B) {
	f := New()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1_000_000 {
		f.Add(rng.Uint64())
	}
	for b.Loop() {
		f.Has(rng.Uint64())
	}
}
