package membership

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
)

// What no broadcast brings, a push/pull does: the summaries differ, and the nodes send each other their records.
func TestSummariesDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := startMany(t, newWires(), 5)
		defer stop(nodes...)
		time.Sleep(time.Minute) // of the bubble's fake clock: broadcasts that are still under way
		for i, zone := range map[int]string{1: "one", 4: "four"} {
			nodes[i-1].setZone(i, zone)
			nodes[i-1].queue.Reset()
		}
		await(t, "all know both", func() bool { return together(nodes) })
		if nodes[2].record(1).Zone != "one" || nodes[2].record(4).Zone != "four" {
			t.Errorf("node 3 knows %v and %v", nodes[2].record(1), nodes[2].record(4))
		}
	})
}

// At rest the records do not travel, however many there are.
func TestRestCostsTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires()
		nodes := startMany(t, w, 3)
		defer stop(nodes...)
		rest := func() int64 {
			time.Sleep(time.Minute) // of the bubble's fake clock: broadcasts that are still under way
			before := w.sent.Load()
			time.Sleep(5 * time.Minute) // of the bubble's fake clock
			return w.sent.Load() - before
		}
		few := rest()
		var gone []Record
		for i := range 300 {
			r := record(1000 + i)
			r.State = ring.Removed // nobody looks for them
			gone = append(gone, r)
		}
		if err := nodes[0].Learn(Encode(gone)); err != nil {
			t.Fatal(err)
		}
		await(t, "all know the records", func() bool {
			for _, n := range nodes {
				if len(n.Records()) != 3+len(gone) {
					return false
				}
			}
			return true
		})
		await(t, "nothing to pass on", func() bool {
			return nodes[0].queue.NumQueued()+nodes[1].queue.NumQueued()+nodes[2].queue.NumQueued() == 0
		})
		if many := rest(); many > few+few/4 {
			t.Errorf("with 300 records more %d bytes were sent in five minutes, before %d", many, few)
		}
	})
}
