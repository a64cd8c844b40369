package clustertest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/handoff"
	"github.com/kindredkv/kindred/engine/object"
)

// fullOne is a node with keys of 1 KB, and how fast another that joins it may be filled.
func fullOne(t *testing.T, keys int, rate int64) *Cluster {
	config := DefaultConfig()
	config.Nodes, config.HandoffRate = 1, rate
	config.Runner = func(*Node) cluster.Runner { return registers{} }
	c := New(t, config)
	value := strings.Repeat("x", 1000)
	for i := range keys {
		if err := set(c.Nodes[0], fmt.Sprint("k", i), value); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// A node that joins takes no more bytes a second than handoff-rate says. How far it is never goes back and ends with all slots, and the
// time that is left is about right all along.
func TestFillingKeepsToItsRateAndTellsHowFarItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, rate = 4000, 200_000
		c := fullOne(t, keys, rate)
		defer c.Close()
		c.Add()
		joining := c.Nodes[1]
		type look struct {
			at   time.Duration
			seen cluster.Transfer
		}
		var looks []look
		var begun time.Time
		for joining.Joining() {
			list, _, _ := joining.Transfers()
			if len(list) > 1 {
				t.Fatalf("there is one to fetch from, and these transfers: %+v", list)
			}
			if len(list) == 1 {
				if begun.IsZero() && list[0].Bytes > 0 {
					begun = time.Now()
				}
				if !begun.IsZero() {
					looks = append(looks, look{time.Since(begun), list[0]})
				}
			}
			if time.Sleep(10 * time.Millisecond); len(looks) > 10_000 { // of the bubble's fake clock
				t.Fatal("the node is not filled")
			}
		}
		var took time.Duration // until all slots were done
		var total int64
		for i, l := range looks {
			if i > 0 && (l.seen.Done < looks[i-1].seen.Done || l.seen.Bytes < looks[i-1].seen.Bytes || l.seen.Keys < looks[i-1].seen.Keys) {
				t.Fatalf("after %+v comes %+v", looks[i-1], l)
			}
			// The first page is there when the clock starts, and what comes is paid for afterwards.
			if most := 2*handoff.PageBytes + rate*l.at.Seconds(); float64(l.seen.Bytes) > most {
				t.Fatalf("%d bytes came within %s", l.seen.Bytes, l.at)
			}
			if total = l.seen.Bytes; took == 0 && l.seen.Done == l.seen.Slots {
				took = l.at
			}
		}
		last := looks[len(looks)-1].seen
		if last.Done != last.Slots || last.Keys != keys || last.Left != 0 {
			t.Errorf("in the end: %+v", last)
		}
		if least := float64(total-2*handoff.PageBytes) / rate; took.Seconds() < least || took.Seconds() > 1.2*float64(total)/rate+1 {
			t.Errorf("%d bytes at %d a second took %s", total, rate, took)
		}
		for _, l := range looks {
			if l.at < took/4 || l.at >= took {
				continue
			}
			if left := (took - l.at).Seconds(); math.Abs(l.seen.Left.Seconds()-left) > 0.25*took.Seconds() {
				t.Fatalf("%.1f s before the end %s are left", left, l.seen.Left)
			}
		}
	})
}

// A node that ends in the middle of being filled goes on where it was when it is back.
func TestFillingGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, rate = 4000, 200_000
		c := fullOne(t, keys, rate)
		defer c.Close()
		c.Add()
		fetched := func() int64 {
			_, keys, _ := c.Nodes[1].Transfers()
			return keys
		}
		c.Await("half filled", func() bool { return fetched() > keys/2 })
		first, firstBytes := fetched(), c.Nodes[1].RingStatus().Bytes
		store := c.Nodes[1].Store
		c.Kill(1, 100)
		_ = store.Close()
		c.Start(1)
		c.Await("a member", func() bool { return !c.Nodes[1].Joining() })
		second, secondBytes := fetched(), c.Nodes[1].RingStatus().Bytes
		if first+second > keys+keys/10 {
			t.Errorf("of %d keys %d were fetched before the restart, and %d after it", keys, first, second)
		}
		if all := float64(firstBytes + secondBytes); all > 1.2*1100*keys {
			t.Errorf("both took %.0f bytes for %d keys of 1,000", all, keys)
		}
		for i := range keys {
			if o, err := c.Nodes[1].Store.Get(object.Key{Name: fmt.Sprint("k", i)}); o == nil || o.Tombstone() || err != nil {
				t.Fatalf("k%d is not there: %v", i, err)
			}
		}
	})
}

// A node that joins takes each object once, from one of the primaries, and of the others only what compares them.
func TestFillingTakesEachObjectOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, size = 2000, 4000
		config := DefaultConfig()
		config.Nodes = 3
		config.Runner = func(*Node) cluster.Runner { return registers{} }
		c := New(t, config)
		defer c.Close()
		value := strings.Repeat("x", size)
		for i := range keys {
			if err := set(c.Nodes[0], fmt.Sprint("k", i), value); err != nil {
				t.Fatal(err)
			}
		}
		c.Add()
		joined := c.Nodes[3]
		c.Await("a member", func() bool { return !joined.Joining() })
		share := int64(0)
		for i := range keys {
			if slices.Contains(joined.Ring().Primaries(object.SlotOf(fmt.Sprint("k", i))), joined.ID) {
				share++
			}
		}
		_, fetched, _ := joined.Transfers()
		if fetched != share || share < keys/2 {
			t.Errorf("%d objects were fetched for a share of %d", fetched, share)
		}
		if bytes, ideal := joined.RingStatus().Bytes, float64(share*size); float64(bytes) > 1.2*ideal {
			t.Errorf("%d bytes were moved for %.0f", bytes, ideal)
		}
	})
}
