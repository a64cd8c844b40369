//go:build unix

package membership

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
)

var grow = flag.String("grow", "", "measure gossip and the ring at these numbers of nodes, such as 3,10,100,500")

// TestGrow measures what membership costs as the cluster grows, and prints a row of bench/RESULTS.md for each size. All nodes are
// in this process, on fake time and on wires that count bytes and delay nothing; processor time is that of the process, shared among
// the nodes. Processor time of the kernel's network, and of storage, is no part of it.
func TestGrow(t *testing.T) {
	if *grow == "" {
		t.Skip("a measurement: run it with -grow 3,10,100,500")
	}
	fmt.Println("| nodes | at rest: sent by a node | its processor time | a join is known to all after | sent for it by a node | ring.Build |")
	fmt.Println("|--:|--:|--:|--:|--:|--:|")
	for text := range strings.SplitSeq(*grow, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) { measureGrowth(t, n) })
	}
}

func measureGrowth(t *testing.T, n int) {
	const watched = 4 * time.Minute
	w := newWires()
	known := make([]Record, n)
	for i := range known {
		known[i] = grownRecord(i + 1)
	}
	var nodes []*grown
	for i := range n {
		nodes = append(nodes, startGrown(t, w, i+1, known))
		time.Sleep(20 * time.Millisecond) // of the bubble's fake clock: the next may be told of this one
	}
	formed := time.Now()
	await(t, "one cluster", func() bool { return agreed(nodes) })
	t.Logf("%d nodes: formed %v after the last start", n, time.Since(formed))
	quiet(nodes)

	bytes, cpu := w.sent.Load(), processorTime(t)
	time.Sleep(watched) // of the bubble's fake clock
	restBytes := float64(w.sent.Load()-bytes) / watched.Seconds() / float64(n)
	restCPU := float64(processorTime(t)-cpu) / watched.Seconds() / float64(n)

	bytes, cpu = w.sent.Load(), processorTime(t)
	begin := time.Now()
	nodes = append(nodes, startGrown(t, w, n+1, nil))
	for !agreed(nodes) {
		time.Sleep(10 * time.Millisecond) // of the bubble's fake clock
	}
	took := time.Since(begin)
	quiet(nodes)
	lasted := time.Since(begin).Seconds()
	joinBytes := float64(w.sent.Load()-bytes)/float64(n+1) - restBytes*lasted
	joinCPU := float64(processorTime(t)-cpu)/float64(n+1) - restCPU*lasted
	build := buildTime(nodes[0].Records())
	fmt.Printf("| %d | %.0f B/s | %.0f µs/s | %.2f s | %.0f B | %.1f ms |\n", n, restBytes, restCPU/1e3, took.Seconds(), joinBytes,
		build.Seconds()*1e3)
	t.Logf("%d nodes: the join took a node %.1f ms of processor time in %.0f s", n, joinCPU/1e6, lasted)
	for _, g := range nodes {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
	time.Sleep(time.Minute) // of the bubble's fake clock; memberlist does not wait for its probes
}

// grown is a member that keeps what it was told last.
type grown struct {
	*Membership
	mu      sync.Mutex // guards records
	records []Record
}

// grownRecord is the record of node i as all know it once it has started.
func grownRecord(i int) Record {
	r := record(i)
	r.Vnodes, r.Zone, r.Version = 256, fmt.Sprint("zone", i%3), 1
	return r
}

// startGrown starts node i. It is a member that knows all records, so that nothing is news but who answers; or it joins, and knows
// none.
func startGrown(t *testing.T, w *wires, i int, known []Record) *grown {
	t.Helper()
	g := &grown{}
	o := options(w, i)
	o.Self = grownRecord(i)
	if known == nil {
		o.Self.State, o.Self.Change = ring.Joining, 1
	} else {
		known = slices.Clone(known)
		known[i-1].Version = 0 // its start makes it 1
		o.Storage = &disk{kept: Encode(known)}
	}
	o.Transport = w.open(o.Self.Host, gossipPort)
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	o.Events = Events{Up: func(ring.NodeID) {}, Down: func(ring.NodeID) {}, Changed: func(records []Record) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.records = records
	}}
	var err error
	if g.Membership, err = Start(o); err != nil {
		t.Fatal(err)
	}
	g.Tell()
	return g
}

// told is what the node has been told of the records.
func (g *grown) told() []Record {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.records
}

// agreed reports whether all know each other's records and have the same ring.
func agreed(nodes []*grown) bool {
	for _, g := range nodes {
		if len(g.told()) != len(nodes) {
			return false
		}
	}
	first := ""
	versions := map[string]uint64{} // rings of 500 nodes take a gigabyte, so those who were told the same share one
	for _, g := range nodes {
		key := string(Encode(g.told()))
		if first == "" {
			first = key
		}
		if _, ok := versions[key]; !ok {
			versions[key] = ringOf(g.told()).Version()
		}
		if versions[key] != versions[first] {
			return false
		}
	}
	return true
}

// quiet waits until nobody has anything to pass on, and that for a while.
func quiet(nodes []*grown) {
	for last := time.Now(); time.Since(last) < time.Minute; time.Sleep(time.Second) { // of the bubble's fake clock
		for _, g := range nodes {
			if g.queue.NumQueued() > 0 {
				last = time.Now()
			}
		}
	}
}

// buildTime is the processor time that one ring takes, of five the least.
func buildTime(records []Record) time.Duration {
	least := time.Duration(math.MaxInt64)
	for range 5 {
		begin := rusage()
		ringOf(records)
		least = min(least, rusage()-begin)
	}
	return least
}

func ringOf(records []Record) *ring.Table {
	nodes := make([]ring.Node, len(records))
	for i := range records {
		nodes[i] = records[i].Node()
	}
	return ring.Build(nodes, int(records[0].Vnodes), int(records[0].Replicas))
}

// processorTime is what the process has used once its other goroutines wait.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	synctest.Wait()
	return rusage()
}

// rusage is the processor time of the process: the clock of a bubble does not advance while it works.
func rusage() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
