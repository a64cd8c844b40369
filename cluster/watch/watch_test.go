package watch

import (
	"testing"
	"time"

	"github.com/kindredkv/kindred/engine/object"
)

// waiting are clients that wait for a, one after the other, each at a node.
func waiting(w *world, nodes ...int) (clients []*worldClient) {
	for _, i := range nodes {
		clients = append(clients, w.come(w.nodes[i], "a"))
		w.settle()
		w.now = w.now.Add(10 * time.Millisecond)
	}
	return clients
}

// Who has waited longest goes first, at whatever node.
func TestNodesTakeTurns(t *testing.T) {
	w := newWorld(t, 3)
	clients := waiting(w, 2, 1, 2, 0, 1)
	for i := range clients {
		w.push("a", 1)
		w.settle()
		for j, c := range clients {
			if served := len(c.got) > 0; served != (j <= i) {
				t.Errorf("after %d pushes %s is served: %t", i+1, c.name, served)
			}
		}
	}
}

// Several elements go to as many clients, without a second look at the clock.
func TestManyElements(t *testing.T) {
	w := newWorld(t, 3)
	clients := waiting(w, 0, 1, 2, 1, 2, 0, 1)
	w.push("a", 5)
	w.settle()
	left := 0
	for _, c := range clients {
		if len(c.got) == 0 {
			left++
		}
	}
	if left != 2 || len(w.lists["a"]) != 0 {
		t.Errorf("%d wait, %d elements are left", left, len(w.lists["a"]))
	}
}

// What a node does not take, since its clients have gone, is offered to the next at once.
func TestOfferInVain(t *testing.T) {
	w := newWorld(t, 3)
	clients := waiting(w, 1, 2)
	w.nodes[1].Leave(&clients[0].Waiter)
	w.push("a", 1)
	w.settle()
	if len(clients[1].got) != 1 {
		t.Error("the second client waits for what the first has not taken")
	}
}

// An offer that comes while others attempt in vain is not lost on those who wait.
func TestOfferDuringTurn(t *testing.T) {
	w := newWorld(t, 1)
	clients := waiting(w, 0, 0)
	n, key := w.nodes[0], Key{object.Key{Name: "a"}, object.List}
	n.offered(key, 1, func(answer) {}) // in vain: there is nothing
	attempt := w.open[0]
	w.open = nil
	n.offered(key, 1, func(answer) {})
	attempt()
	w.lists["a"] = []int{1}
	w.settle()
	if len(clients[0].got) != 1 {
		t.Error("an element is left that was on offer")
	}
}

// A node that has left is forgotten, and its offers do not hold up others for longer than a lease.
func TestLease(t *testing.T) {
	w := newWorld(t, 2)
	waiting(w, 1)
	if w.nodes[0].desk.size() != 1 {
		t.Fatal("the coordinator was not told")
	}
	w.now = w.now.Add(lease + time.Second)
	if w.nodes[0].desk.sweep(); w.nodes[0].desk.size() != 0 || len(w.nodes[0].watched) != 0 {
		t.Error("a watch outlives its lease")
	}
}

func FuzzDecode(f *testing.F) {
	k := Key{object.Key{DB: 3, Name: "key"}, object.ZSet}
	f.Add(appendNotices(nil, []notice{{k, time.Second}, {k, 0}}))
	f.Add(appendOffer(nil, k, 7))
	f.Add(appendAnswer(nil, answer{took: 3, waiting: true, age: time.Minute}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if notices, err := decodeNotices(b); err == nil {
			again, err := decodeNotices(appendNotices(nil, notices))
			if err != nil || len(again) != len(notices) {
				t.Errorf("%v becomes %v, %v", notices, again, err)
			}
			for i := range again {
				if again[i] != notices[i] || again[i].age < 0 {
					t.Errorf("%v becomes %v", notices[i], again[i])
				}
			}
		}
		if k, n, err := decodeOffer(b); err == nil {
			if l, m, err := decodeOffer(appendOffer(nil, k, int64(n))); err != nil || l != k || m != n || n < 1 {
				t.Errorf("%v, %d becomes %v, %d, %v", k, n, l, m, err)
			}
		}
		if a, err := decodeAnswer(b); err == nil {
			if c, err := decodeAnswer(appendAnswer(nil, a)); err != nil || c != a || a.age < 0 || a.took < 0 {
				t.Errorf("%v becomes %v, %v", a, c, err)
			}
		}
	})
}
