package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kindredkv/kindred/engine"
)

// plan is all that a seed determines: the cluster, its clients, and when which fault strikes whom.
type plan struct {
	seed         uint64
	nodes        int // at the start
	joins        int // nodes that come later
	partings     []parting
	r, w         int
	strict       bool
	loose        bool // half of the writes ask for W=1, so no store may be destroyed
	sync         engine.SyncPolicy
	timeout      time.Duration
	hedge        time.Duration
	repairRate   int64 // bytes a second
	reapPause    time.Duration
	inline       int      // bytes of cells that are with their object
	backlog      int64    // bytes of the latest changes of large collections
	classes      []string // of the keys that clients use
	clients      int
	think        time.Duration // mean pause of a client between two commands
	keys         int           // of each class
	hot          bool          // half of the commands go to one key of each class
	safety       time.Duration // how long faults strike
	destructible []int         // nodes whose stores may be destroyed, fewer than W
	events       []event
}

const replicas = 3

// event is one fault: it strikes at a time and ends after a while.
type event struct {
	at, lasts time.Duration
	fault     *fault
	nodes     []int
	percent   int
	delay     time.Duration
	seed      uint64 // for what the fault itself draws
}

func (e event) String() string {
	return fmt.Sprintf("%6.2fs %s", e.at.Seconds(), e.fault.text(e))
}

// sizes bound what a plan may be.
type sizes struct {
	safety time.Duration // at least, and up to twice as much
	events int           // at most
	wide   bool          // whether there may be thousands of keys
}

var (
	shortRun = sizes{safety: 3 * time.Second, events: 7}
	fullRun  = sizes{safety: 8 * time.Second, events: 16, wide: true}
)

func drawPlan(seed uint64, size sizes) *plan {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &plan{
		seed: seed, nodes: 5 + rng.IntN(3), r: pick(rng, 1, 2, 2, 2, 3), w: pick(rng, 1, 2, 2, 2, 3), strict: rng.IntN(2) == 0,
		timeout: pick(rng, 500*time.Millisecond, time.Second, 2*time.Second), hedge: milliseconds(rng, 5, 20, 100),
		clients: 3 + rng.IntN(6), think: milliseconds(rng, 5, 20, 60), keys: pick(rng, 1, 3, 8, 20),
		hot: rng.IntN(2) == 0, safety: size.safety + upTo(rng, size.safety),
	}
	if size.wide && rng.IntN(25) == 0 {
		p.keys, p.hot = 2500, false
	}
	p.sync = engine.SyncAlways
	switch x := rng.IntN(10); {
	case x < 3:
		p.sync = engine.SyncEverySecond
	case x == 3:
		p.sync = engine.SyncNever
	}
	if rng.IntN(4) == 0 {
		p.joins = 1 + rng.IntN(2)
		p.nodes = 5
	}
	p.destructible = rng.Perm(p.nodes + p.joins)[:p.w-1]
	slices.Sort(p.destructible)
	if p.loose = p.sync == engine.SyncAlways && rng.IntN(4) == 0; p.loose {
		p.destructible = nil
	}
	p.drawPartings(rng)
	p.repairRate, p.reapPause = pick[int64](rng, 64<<10, 1<<20, 16<<20), milliseconds(rng, 50, 500, 5000)
	p.drawEvents(rng, size)
	// Half of the plans leave out the classes of collections, so that the others have more to do with each key.
	p.inline, p.classes = pick(rng, 0, 0, 100, -1), classes
	if rng.IntN(2) == 0 {
		p.classes = plain
	}
	p.backlog = pick[int64](rng, 0, 8<<10, 4<<20)
	return p
}

func milliseconds(rng *rand.Rand, from ...int) time.Duration {
	return time.Duration(pick(rng, from...)) * time.Millisecond
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

// drawEvents draws the faults, in the order of time. A node has one thing done to it at a time.
func (p *plan) drawEvents(rng *rand.Rand, size sizes) {
	kinds := faultsOf(p, rng)
	busy := make([]time.Duration, p.all())
	for i := range p.joins {
		at := upTo(rng, p.safety/2)
		p.events = append(p.events, event{at: at, fault: joinFault, nodes: []int{p.nodes + i}})
		busy[p.nodes+i] = at + time.Second
	}
	for _, d := range p.partings {
		p.events = append(p.events, event{at: d.at, lasts: d.lasts, fault: d.fault(), nodes: []int{d.node}})
		if d.by > 0 {
			busy[d.by] = d.at + d.lasts + time.Second
		}
		if d.dies() {
			busy[d.node] = 2 * p.safety
		}
	}
	for range 2 + rng.IntN(size.events) {
		e := event{
			at: upTo(rng, p.safety), lasts: milliseconds(rng, 50, 300, 1000, 3000), fault: kinds[rng.IntN(len(kinds))],
			percent: pick(rng, 0, 50, 100), delay: milliseconds(rng, 1, 10, 60, 300), seed: rng.Uint64(),
		}
		e.lasts = min(e.lasts/2+upTo(rng, e.lasts), p.safety)
		e.nodes = e.fault.victims(p, rng)
		if e.fault.stops {
			if len(e.nodes) == 0 || busy[e.nodes[0]] > e.at {
				continue
			}
			busy[e.nodes[0]] = e.at + e.lasts + time.Second
		}
		if len(e.nodes) > 0 {
			p.events = append(p.events, e)
		}
	}
	slices.SortStableFunc(p.events, func(a, b event) int { return int(a.at - b.at) })
}

// destroys reports whether some store is destroyed, or loses what it has acknowledged.
func (p *plan) destroys() bool {
	return slices.ContainsFunc(p.events, func(e event) bool { return e.fault.destroys || e.fault.stops && p.sync != engine.SyncAlways })
}

// all is how many nodes there are, whenever they come.
func (p *plan) all() int {
	n := p.nodes + p.joins
	for _, d := range p.partings {
		n = max(n, d.by+1)
	}
	return n
}

func (p *plan) String() string {
	var b strings.Builder
	sync := map[engine.SyncPolicy]string{engine.SyncAlways: "always", engine.SyncEverySecond: "everysec", engine.SyncNever: "no"}[p.sync]
	strict := map[bool]string{true: "strict", false: "sloppy"}[p.strict] + map[bool]string{true: " and often W=1"}[p.loose]
	fmt.Fprintf(&b, "seed %d: %d nodes, %d that join and %d that part, N=%d R=%d W=%d %s, appendfsync %s, timeout %s, hedge-delay %s, repair-rate %d KB, reaping every %s, %d bytes of cells with an object, backlog %d KB\n",
		p.seed, p.nodes, p.joins, len(p.partings), replicas, p.r, p.w, strict, sync, p.timeout, p.hedge, p.repairRate>>10, p.reapPause, p.inline, p.backlog>>10)
	fmt.Fprintf(&b, "  %d clients with pauses of %s, %d keys of each class, hot %v; faults for %s; may be destroyed: %v\n",
		p.clients, p.think, p.keys, p.hot, p.safety.Round(time.Millisecond), p.destructible)
	for _, e := range p.events {
		fmt.Fprintf(&b, "  %s\n", e)
	}
	return b.String()
}

// upTo is a duration from 0 to below limit.
func upTo(rng *rand.Rand, limit time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(limit)))
}
