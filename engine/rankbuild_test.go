package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// TestRanksAreMadeBesideWrites asks for ranks that nobody has counted while members come and go and lists are pushed to. The counts
// are then those of what is there, and in force: writes that were under way have not undone them.
func TestRanksAreMadeBesideWrites(t *testing.T) {
	const members, rounds = 4000, 12
	s := openOrdered(t)
	keys := map[object.Kind]object.Key{object.ZSet: {Name: "{k}zset"}, object.List: {Name: "{k}list"}}
	var mu sync.Mutex // guards held, and stands for a pause of the writer
	held := map[object.Kind]map[string]bool{object.ZSet: {}, object.List: {}}
	toggle := func(tx *Tx, n int) {
		spot := kind.ScoreSpot(float64(n%100), fmt.Sprint(n))
		there := held[object.ZSet][string(spot)]
		held[object.ZSet][string(spot)] = !there
		position := fmt.Sprintf("%018d", n)
		held[object.List][position] = !there
		name := object.CellName([]byte{byte(object.List)}) + object.CellName(position)
		e, l := tx.Edit(keys[object.ZSet]), tx.Edit(keys[object.List])
		if there {
			kind.RemoveScored(e, []byte(spot.Member()))
			l.Remove(name)
		} else {
			kind.SetScore(e, []byte(spot.Member()), spot.Score())
			l.Put(name, []byte("v"))
		}
	}
	do(t, s, keys[object.ZSet], func(tx *Tx) {
		for n := range members {
			toggle(tx, 2*n)
		}
	})
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			mu.Lock()
			do(t, s, keys[object.ZSet], func(tx *Tx) {
				for range 1 + rand.IntN(3) {
					toggle(tx, rand.IntN(2*members))
				}
			})
			mu.Unlock()
		}
	})
	ranks := &s.shard(keys[object.ZSet].Slot()).ranks
	for range rounds {
		for k, key := range keys {
			at := rankKey{generationOf(t, s, key), k}
			ranks.mu.Lock()
			ranks.remove(at)
			ranks.mu.Unlock()
			beside(t, s, key, func(tx *Tx) { kind.RankOf(tx.Object(key), k, kind.EndSpot) })
			mu.Lock()
			if !ranks.have(at) {
				t.Error("the counts are not in force")
			}
			var spots []string
			for spot, there := range held[k] {
				if there {
					spots = append(spots, spot)
				}
			}
			slices.Sort(spots)
			beside(t, s, key, func(tx *Tx) {
				o := tx.Object(key)
				for i := 0; i < len(spots); i += 1 + len(spots)/40 {
					if got := kind.RankOf(o, k, kind.Spot(spots[i])); got != int64(i) {
						t.Errorf("%v: the rank of %q is %d, want %d", k, spots[i], got, i)
					}
				}
			})
			mu.Unlock()
		}
	}
	close(stop)
	writer.Wait()
}
