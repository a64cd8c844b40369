package command

import (
	"testing"
	"testing/synctest"
)

// The budget is never exceeded, who comes first is served first, and what is larger than the budget runs alone.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		var order []int64
		running := int64(0)
		held := map[int64]int64{}
		start := func(bytes int64) {
			go func() {
				got := b.take(bytes)
				b.mu.Lock()
				defer b.mu.Unlock()
				order = append(order, bytes)
				held[bytes] = got
				if running += got; running > 10 {
					t.Errorf("%d bytes run at once", running)
				}
			}()
			synctest.Wait()
		}
		end := func(bytes int64) {
			b.mu.Lock()
			running -= held[bytes]
			b.mu.Unlock()
			b.give(held[bytes])
			synctest.Wait()
		}
		expect := func(want ...int64) {
			t.Helper()
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(order) != len(want) || len(order) > 0 && order[len(order)-1] != want[len(want)-1] {
				t.Errorf("served %v, want %v", order, want)
			}
		}
		start(6)
		start(3)
		expect(6, 3)
		start(25) // alone
		start(1)  // not ahead of it
		expect(6, 3)
		end(6)
		expect(6, 3)
		end(3)
		expect(6, 3, 25)
		end(25)
		expect(6, 3, 25, 1)
		end(1)
		if b.free != 10 {
			t.Errorf("%d bytes are free in the end", b.free)
		}
	})
}
