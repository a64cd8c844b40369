package watch

import (
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/engine/object"
)

// desk is the side of the node that coordinates keys: it knows which nodes have clients that wait for them.
//
// Whatever is told or answered, or changes a watched key, has the key considered: how many elements it has that are not
// on offer is offered to the nodes, to whoever has waited longest first. So one that gets less than it was offered, or is
// gone, only delays the next.
type desk struct {
	s *Service

	mu   sync.Mutex // guards what follows. It is not held across calls of others, the Service's mu included.
	keys map[object.Key]*watchedKey
}

// watchedKey is the watches of one key, in no order.
type watchedKey struct{ watches []*watch }

// watch is one node's queue.
type watch struct {
	kind  object.Kind
	node  ring.NodeID
	since time.Time // when the first in the queue came
	until time.Time // the end of the lease
	// offered is how much is on offer to the node, 0 for nothing.
	offered int64
	// idle says that the last offer was in vain. There are no more before the node is heard of again.
	idle bool
	// news says that a shared key has changed since the last offer.
	news bool
	// heard counts the notices. An answer to an offer that was made before the last of them may be overtaken by it.
	heard uint64
}

// watch takes notices of a node.
func (d *desk) watch(node ring.NodeID, notices []notice) {
	now := d.s.o.Now()
	for _, n := range notices {
		d.mu.Lock()
		wk := d.keys[n.key.Key]
		if wk == nil {
			wk = &watchedKey{}
			d.keys[n.key.Key] = wk
			d.s.o.Store.Watch(n.key.Key)
		}
		w := wk.find(node, n.key.Kind)
		if w == nil {
			w = &watch{kind: n.key.Kind, node: node, news: true}
			wk.watches = append(wk.watches, w)
		}
		w.since, w.until, w.idle = now.Add(-n.age), now.Add(lease), false
		w.heard++
		d.mu.Unlock()
		d.consider(n.key.Key)
	}
}

func (wk *watchedKey) find(node ring.NodeID, kind object.Kind) *watch {
	for _, w := range wk.watches {
		if w.node == node && w.kind == kind {
			return w
		}
	}
	return nil
}

// Changed is told that watched keys have changed in the local store. It does not wait.
func (s *Service) Changed(keys []object.Key) {
	for _, key := range keys {
		s.desk.mu.Lock()
		if wk := s.desk.keys[key]; wk != nil {
			for _, w := range wk.watches {
				w.news = true
			}
		}
		s.desk.mu.Unlock()
		s.desk.consider(key)
	}
}

// offer is what consider has decided.
type offer struct {
	w     *watch
	n     int64
	heard uint64 // as of when it was made
}

// consider offers what a key has. The store is looked at first: what changes it afterwards has the key considered again.
func (d *desk) consider(key object.Key) {
	d.mu.Lock()
	known := d.keys[key] != nil
	d.mu.Unlock()
	if !known {
		return
	}
	kind, count := d.s.o.Store.Elements(key)
	d.mu.Lock()
	wk := d.keys[key]
	if wk == nil {
		d.mu.Unlock()
		return
	}
	offers := wk.offers(kind, count)
	d.mu.Unlock()
	for _, o := range offers {
		d.offer(Key{key, o.w.kind}, o)
	}
}

// offers divides what there is among the watches that have no offer. The desk's mu is held.
func (wk *watchedKey) offers(kind object.Kind, count int64) (offers []offer) {
	var free []*watch
	for _, w := range wk.watches {
		switch {
		case (Key{Kind: w.kind}).shared():
			// Removal or another type may end the waiting, too.
			if w.news && w.offered == 0 {
				w.news = false
				offers = append(offers, offer{w, 1, w.heard})
			}
		case w.kind == kind && w.offered > 0:
			count -= w.offered
		case w.kind == kind && !w.idle:
			free = append(free, w)
		}
	}
	slices.SortStableFunc(free, func(a, b *watch) int { return a.since.Compare(b.since) })
	for i, w := range free {
		share := count / int64(len(free))
		if int64(i) < count%int64(len(free)) {
			share++
		}
		if share > 0 {
			offers = append(offers, offer{w, min(share, math.MaxInt32), w.heard})
		}
	}
	for _, o := range offers {
		o.w.offered = o.n
	}
	return offers
}

// offer makes an offer to a node.
func (d *desk) offer(key Key, o offer) {
	if o.w.node == d.s.o.Self {
		d.s.offered(key, int(o.n), func(a answer) { d.answered(key, o, a, nil) })
		return
	}
	timeout := d.s.o.Timeout()
	d.s.o.Call(o.w.node, KindOffer, appendOffer(nil, key, o.n), timeout+timeout/2, func(r transport.Reply) {
		a, err := answer{}, r.Err
		if err == nil && r.Status != statusOK {
			err = errRefused
		}
		if err == nil {
			a, err = decodeAnswer(r.Payload)
		}
		d.answered(key, o, a, err)
	})
}

// errRefused says that a node did not understand an offer.
var errRefused = errors.New("refused")

// answered takes what became of an offer, or why that is not known.
func (d *desk) answered(key Key, o offer, a answer, err error) {
	d.mu.Lock()
	w := o.w
	w.offered = 0
	switch {
	case err != nil:
		w.idle, w.news = true, true // and offered again when the node is heard of
	case w.heard != o.heard:
	case !a.waiting:
		d.remove(key.Key, w)
	default:
		w.since, w.idle = d.s.o.Now().Add(-a.age), a.took == 0
	}
	d.mu.Unlock()
	if err == nil || !key.shared() {
		d.consider(key.Key)
	}
}

// remove forgets a watch. mu is held.
func (d *desk) remove(key object.Key, w *watch) {
	wk := d.keys[key]
	if wk == nil {
		return
	}
	wk.watches = slices.DeleteFunc(wk.watches, func(other *watch) bool { return other == w })
	if len(wk.watches) == 0 {
		delete(d.keys, key)
		d.s.o.Store.Unwatch(key)
	}
}

// sweep forgets watches whose lease has ended.
func (d *desk) sweep() {
	now := d.s.o.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, wk := range d.keys {
		for _, w := range slices.Clone(wk.watches) {
			if now.After(w.until) {
				d.remove(key, w)
			}
		}
	}
}

// size is the number of watched keys.
func (d *desk) size() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.keys)
}
