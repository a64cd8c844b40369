package cluster

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// Transfer is the filling of this node from one of the primaries of slots that it gains.
type Transfer struct {
	// From is the primary.
	From string
	// Slots is how many slots are fetched, Done how many of them it is done with. Those that are compared by trees are done together, at
	// the end.
	Slots, Done int
	// Keys and Bytes are what came page by page. What trees find on top is not among it.
	Keys, Bytes int64
	// Rate is in bytes a second, since the transfer began. Left is about how long it takes yet; 0 when that is not known.
	Rate int64
	Left time.Duration
}

// transfers keeps account of the filling of this node by the change under way.
type transfers struct {
	mu  sync.Mutex // guards all
	all map[ring.NodeID]*transfer
	// keys and bytes are those of all changes since the node started.
	keys, bytes int64
}

type transfer struct {
	set      engine.SlotSet
	paged    engine.SlotSet // those that come page by page
	begun    time.Time
	next     object.Slot // pages have come of the slots below
	finished bool
	keys     int64
	bytes    int64
}

// reset forgets the transfers of an earlier change.
func (t *transfers) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.all)
}

// begin notes a transfer of a set of slots, some of them page by page, unless it has begun.
func (t *transfers) begin(from ring.NodeID, set, paged *engine.SlotSet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[ring.NodeID]*transfer{}
	}
	if x := t.all[from]; x == nil || x.bytes == 0 { // the source may have had to know of the change for longer
		t.all[from] = &transfer{set: *set, paged: *paged, begun: time.Now()}
	}
}

// took notes a page.
func (t *transfers) took(from ring.NodeID, next object.Slot, keys, bytes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keys, t.bytes = t.keys+int64(keys), t.bytes+int64(bytes)
	if x := t.all[from]; x != nil {
		x.next, x.keys, x.bytes = next, x.keys+int64(keys), x.bytes+int64(bytes)
	}
}

// finish notes the end of a transfer.
func (t *transfers) finish(from ring.NodeID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.all[from]; x != nil {
		x.finished = true
	}
}

// list describes the transfers, by their sources' ids.
func (t *transfers) list() []Transfer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Transfer
	for id, x := range t.all {
		out = append(out, x.describe(id, time.Since(x.begun)))
	}
	slices.SortFunc(out, func(a, b Transfer) int { return strings.Compare(a.From, b.From) })
	return out
}

func (x *transfer) describe(id ring.NodeID, took time.Duration) Transfer {
	out := Transfer{From: string(id), Keys: x.keys, Bytes: x.bytes}
	for slot := range object.Slot(object.Slots) {
		if x.set.Has(slot) {
			out.Slots++
			if x.finished || slot < x.next && x.paged.Has(slot) {
				out.Done++
			}
		}
	}
	if took > 0 {
		out.Rate = int64(float64(x.bytes) / took.Seconds())
	}
	if out.Done > 0 && out.Done < out.Slots {
		out.Left = time.Duration(float64(took) * float64(out.Slots-out.Done) / float64(out.Done))
	}
	return out
}

// Transfers describes how far this node is filled by the change of the ring under way, and tells how many keys and bytes came
// page by page since the node started.
func (n *Node) Transfers() (list []Transfer, keys, bytes int64) {
	list = n.transfers.list()
	n.transfers.mu.Lock()
	defer n.transfers.mu.Unlock()
	return list, n.transfers.keys, n.transfers.bytes
}
